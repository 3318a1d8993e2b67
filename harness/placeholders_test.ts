import assert from "node:assert/strict";
import { fill, matchLine, serviceWords } from "./placeholders.ts";

const words = { family: "ipv6", ...serviceWords("a", { "": "[::1]:80", port: "80" }) };

Deno.test("fill() replaces words of the case, of services, and of their parts", () => {
  assert.equal(fill("{family} http://{a}/ {a.port}", words), "ipv6 http://[::1]:80/ 80");
});

Deno.test("fill() leaves the braces of programs alone", () => {
  const text = "%{http_code} ${HOME} { x } {1,2} {} {-x}";
  assert.equal(fill(text, words), text);
});

Deno.test("fill() refuses a word that nobody knows", () => {
  const known = "expected one of a, a.port, family";
  assert.throws(() => fill("{b}", words), { message: `Cannot fill in {b}: ${known}` });
  assert.throws(() => fill("{a.path}", words), { message: `Cannot fill in {a.path}: ${known}` });
  assert.throws(() => fill("{toString}", words), /Cannot fill in {toString}/);
});

Deno.test("matchLine() takes everything but placeholders literally", () => {
  assert.equal(matchLine("a.c (x) [{family}]", words, "a.c (x) [ipv6]").matches, true);
  assert.equal(matchLine("a.c", words, "abc").matches, false);
  assert.equal(matchLine("a", words, "a ").matches, false);
});

Deno.test("matchLine() gives every port of the line", () => {
  const line = "50001 to 80, 50002";
  assert.deepEqual(matchLine("{port} to {a.port}, {port}", words, line), {
    matches: true,
    ports: [50001, 50002],
  });
  assert.deepEqual(matchLine("{port}", words, "50001x"), { matches: false, ports: [] });
});

Deno.test("matchLine() lets {any} be anything, and {number} a number", () => {
  assert.equal(matchLine("a{any}c", words, "ac").matches, true);
  assert.equal(matchLine("a{any}c", words, "abbcc").matches, true);
  assert.equal(matchLine("{number}", words, "12").matches, true);
  assert.equal(matchLine("{number}", words, "-12").matches, false);
});
