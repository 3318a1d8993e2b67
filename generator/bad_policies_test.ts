// Every file of fixtures/policies/bad is refused with exactly the problems that it names itself.
//
// A comment `// error COLUMN: MESSAGE` at the end of a line expects a problem there; more of them, on
// lines of their own, belong to the same line. A file that cannot hold comments, because what is
// broken would swallow them, has its problems as `LINE:COLUMN: MESSAGE` in a `.errors` file beside it.
// `deno test -A generator -- --update` writes down what is said now.

import assert from "node:assert/strict";
import { join } from "node:path";
import { exitStatus } from "./failure.ts";
import { PolicyFailure, type PolicyProblem, readPolicy } from "./parse_policy.ts";

const directory = join(import.meta.dirname!, "..", "fixtures", "policies", "bad");
const files = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
const fixtures = files.filter((name) => name.endsWith(".jsonc"));
const update = Deno.args.includes("--update");

for (const name of fixtures) {
  Deno.test(`readPolicy() refuses bad/${name}`, async () => {
    if (update) await writeExpectations(name, await problemsOf(name));
    const expected = await readExpectations(name);
    assert.deepEqual((await problemsOf(name)).map(place), expected);
    assert.notEqual(expected.length, 0);
  });
}

Deno.test("bad policies have no expectations of files that are gone", () => {
  const errors = files.filter((name) => name.endsWith(".errors"));
  assert.deepEqual(errors.filter((name) => !fixtures.includes(jsoncOf(name))), []);
});

async function problemsOf(name: string): Promise<readonly PolicyProblem[]> {
  try {
    await readPolicy(join(directory, name));
  } catch (error) {
    if (!(error instanceof PolicyFailure)) throw error;
    assert.equal(error.status, exitStatus.configuration);
    return error.problems;
  }
  assert.fail("the policy was accepted");
}

function place({ line, column, message }: PolicyProblem): string {
  return `${line}:${column}: ${message}`;
}

const comment = /\/\/ error (\d+): (.*)$/;

async function readExpectations(name: string): Promise<string[]> {
  if (files.includes(errorsOf(name))) {
    return (await Deno.readTextFile(join(directory, errorsOf(name)))).split("\n").slice(0, -1);
  }
  const expected: string[] = [];
  let line = 0;
  for (const [index, text] of (await readLines(name)).entries()) {
    const match = comment.exec(text);
    if (match === null || match.index !== text.search(/\S/)) line = index + 1;
    if (match !== null) expected.push(`${line}:${match[1]}: ${match[2]}`);
  }
  return expected;
}

async function writeExpectations(name: string, problems: readonly PolicyProblem[]): Promise<void> {
  if (files.includes(errorsOf(name))) {
    const lines = problems.map((problem) => `${place(problem)}\n`).join("");
    return await Deno.writeTextFile(join(directory, errorsOf(name)), lines);
  }
  const lines = (await readLines(name)).flatMap((text, index) => {
    const bare = text.replace(comment, "").trimEnd();
    if (bare === "" && text !== "") return [];
    const [first, ...rest] = problems.filter(({ line }) => line === index + 1)
      .map(({ column, message }) => `// error ${column}: ${message}`);
    return [first === undefined ? bare : `${bare} ${first}`, ...rest.map((text) => `  ${text}`)];
  });
  await Deno.writeTextFile(join(directory, name), lines.join("\n"));
}

async function readLines(name: string): Promise<string[]> {
  return (await Deno.readTextFile(join(directory, name))).split("\n");
}

function errorsOf(jsonc: string): string {
  return jsonc.replace(/\.jsonc$/, ".errors");
}

function jsoncOf(errors: string): string {
  return errors.replace(/\.errors$/, ".jsonc");
}
