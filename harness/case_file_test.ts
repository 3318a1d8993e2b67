import assert from "node:assert/strict";
import { Failure } from "../generator/failure.ts";
import { parseCase, readCases } from "./case_file.ts";
import { testsOf } from "./plan.ts";

Deno.test("readCases() accepts every case of the project", async () => {
  const cases = await readCases();
  assert.ok(cases.length > 0);
  const names = cases.map(({ name }) => name);
  assert.deepEqual(names, names.toSorted());
});

Deno.test("readCases() tells that there is no such case", async () => {
  await assert.rejects(readCases(["no-such-case"]), (error) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /no-such-case\/case\.jsonc: Cannot read the case: no such file$/);
    return true;
  });
});

Deno.test("parseCase() fills in what the file leaves out", () => {
  const parsed = parseCase(
    `{
      // As short as a case can be.
      "promise": "It ends well.",
      "services": { "a": { "kind": "tcp" } },
      "program": ["true"],
    }`,
    "case.jsonc",
  );
  assert.equal(parsed.ports, "50000-50511");
  assert.deepEqual(parsed.services.a, { kind: "tcp", host: 1, reply: "echo" });
  assert.deepEqual(parsed.expect, { status: 0, observations: {} });
});

/** The problems of a case that has `body` besides a promise and a program. */
function problemsOf(body: string): string[] {
  try {
    parseCase(`{ "promise": "It is so.", "program": ["{guest}"],\n${body}\n}`, "f");
  } catch (error) {
    assert.ok(error instanceof Failure);
    return error.message.split("\n");
  }
  return [];
}

for (
  const [what, body, problem] of [
    ["an unknown key", `"port": 1`, `1: Cannot use the case: unknown key "port"`],
    [
      "an unknown key of a service",
      `"services": { "a": { "kind": "dns", "reply": "echo" } }`,
      `37: Cannot use the case: unknown key "reply"`,
    ],
    [
      "ports out of bounds",
      `"ports": "1-70000"`,
      `10: Cannot use the case: ports: 1-70000 is not within 1-65535, got "1-70000"`,
    ],
    [
      "an expectation about no service",
      `"expect": { "observations": { "b": {} } }`,
      `36: Cannot use the case: expect.observations.b: there is no service b, got {}`,
    ],
    [
      "an expectation about a front",
      `"services": { "f": { "kind": "front" } }, "bare": { "observations": { "f": {} } }`,
      "76: Cannot use the case: bare.observations.f: f is a front, which observes nothing, got {}",
    ],
    [
      "a service named as a placeholder",
      `"services": { "guest": { "kind": "tcp" } }`,
      `24: Cannot use the case: services.guest: guest is a placeholder already, got {"kind":"tcp"}`,
    ],
    [
      "a family that is none",
      `"matrix": { "family": ["ipx"] }`,
      `23: Cannot use the case: matrix.family: expected ipv4, ipv6, mapped or link-local, got ipx, got ["ipx"]`,
    ],
    [
      "a link-local family on plain loopback",
      `"matrix": { "family": ["ipv4", "link-local"] }`,
      `23: Cannot use the case: matrix.family: only with "network": "pair", got ["ipv4","link-local"]`,
    ],
    [
      "a source address by name on plain loopback",
      `"services": { "a": { "kind": "udp" } }, "expect": { "observations": { "a": { "address": "source" } } }`,
      `89: Cannot use the case: expect.observations.a.address: only with "network": "pair", got "source"`,
    ],
    [
      "a preload list without the library",
      `"preload": ["{dist}/other.so"]`,
      `12: Cannot use the case: preload: {library} is missing, got ["{dist}/other.so"]`,
    ],
    ["broken syntax", `"ports" "1-2"`, "9: Cannot use the case: ColonExpected"],
  ]
) {
  Deno.test(`parseCase() refuses ${what}, and says where`, () => {
    assert.deepEqual(problemsOf(body), [`f:2:${problem}`]);
  });
}

Deno.test("parseCase() tells every problem at once, in the order of the file", () => {
  const lines = problemsOf(`"foo": 1,\n"ports": "x",\n"guests": ["glibc", "solaris"]`);
  assert.deepEqual(lines.map((line) => line.slice(0, 6)), ["f:2:1:", "f:3:10", "f:4:21"]);
});

Deno.test("parseCase() refuses guests for a program that is none", () => {
  const text = `{ "promise": "It is so.", "program": ["true"], "guests": ["musl"] }`;
  assert.throws(() => parseCase(text, "f"), {
    message: `f:1:58: Cannot use the case: guests: the program has no {guest}, got ["musl"]`,
  });
});

Deno.test("the worked example in case.ts is a case", async () => {
  const source = await Deno.readTextFile(`${import.meta.dirname}/case.ts`);
  const [_, block] = /```jsonc\n(.*?)```/s.exec(source)!;
  const example = parseCase(block.replaceAll(/^ \* /gm, ""), "case.ts");
  assert.equal(testsOf({ name: "example", folder: "/", case: example }).length, 9);
});
