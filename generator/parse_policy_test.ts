// What no fixture can hold: files that cannot be read at all. The rest is fixtures/policies.

import assert from "node:assert/strict";
import { join } from "node:path";
import { exitStatus } from "./failure.ts";
import { parsePolicy, PolicyFailure, readPolicy, readPolicyAndLines } from "./parse_policy.ts";

async function refusal(file: string): Promise<string> {
  const error = await readPolicy(file).then(() => assert.fail("the policy was accepted"), (e) => e);
  assert(error instanceof PolicyFailure, String(error));
  assert.equal(error.status, exitStatus.configuration);
  return error.message;
}

Deno.test("readPolicy() says why a file cannot be read", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const missing = join(directory, "missing.jsonc");
    assert.equal(
      await refusal(missing),
      `${missing}: Cannot read the policy: No such file or directory`,
    );
    assert.equal(await refusal(directory), `${directory}: Cannot read the policy: Is a directory`);
    assert.equal(
      await refusal("/dev/zero"),
      "/dev/zero: Cannot read the policy: it is larger than 1048576 bytes",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("readPolicy() skips a byte order mark", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, '\uFEFF{ "name": "mark" }');
    assert.equal((await readPolicy(file)).name, "mark");
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("parsePolicy() counts lines and columns as an editor does", () => {
  const places = (text: string) => {
    try {
      parsePolicy(text, "policy.jsonc");
    } catch (error) {
      assert(error instanceof PolicyFailure);
      return error.message.split("\n").map((line) => line.split(": ")[0]);
    }
    assert.fail("the policy was accepted");
  };
  const slice = '"slice": "x"';
  assert.deepEqual(places(`{"name":"a",\r\n\t${slice}}`), ["policy.jsonc:2:11"]);
  assert.deepEqual(places(`{"name":"a",\r${slice}}`), ["policy.jsonc:2:10"]);
  // One character outside the BMP is two UTF-16 units and one column.
  assert.deepEqual(places(`{"name":"a",\n/* 😀 */ ${slice}}`), ["policy.jsonc:2:18"]);
});

Deno.test("parsePolicy() points into a string only where nothing is escaped", () => {
  assert.throws(() => parsePolicy('{"name":"a","ports":"1,x"}', "p"), /p:1:24: /);
  assert.throws(() => parsePolicy('{"name":"a","ports":"\\u0031,x"}', "p"), /p:1:21: /);
});

Deno.test("parsePolicy() gives a policy that nobody can change", () => {
  const policy = parsePolicy('{ "name": "frozen", "ports": "60000-60511" }', "p");
  assert(Object.isFrozen(policy) && Object.isFrozen(policy.ports[0]));
  assert(Object.isFrozen(policy.environment));
});

Deno.test("readPolicyAndLines() knows where each rule begins", async () => {
  const file = await Deno.makeTempFile();
  try {
    const rule = (ports: number) => `{ "to": { "ports": "${ports}" }, "leave": true }`;
    const text = `{ "name": "lines",\n"rules": [${rule(1)},\r\n// two\n${rule(2)}, ${rule(3)}] }`;
    await Deno.writeTextFile(file, text);
    assert.deepEqual((await readPolicyAndLines(file)).ruleLines, [2, 4, 4]);
    await Deno.writeTextFile(file, '{ "name": "none" }');
    assert.deepEqual((await readPolicyAndLines(file)).ruleLines, []);
  } finally {
    await Deno.remove(file);
  }
});
