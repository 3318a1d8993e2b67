import assert from "node:assert/strict";
import { findProgram } from "./find_program.ts";
import { TemporaryDirectory } from "./programs_for_tests.ts";

const isRoot = Deno.uid() === 0;

function refused(program: string, searchPath: string | undefined) {
  try {
    findProgram(program, searchPath);
  } catch (error) {
    const { message, status } = error as Error & { status: number };
    return { message, status };
  }
  throw new Error(`${program} was found`);
}

Deno.test("findProgram() takes the first on PATH that can be executed", () => {
  using directory = new TemporaryDirectory();
  for (const name of ["a", "b", "c"]) Deno.mkdirSync(directory.file(name));
  const [a, b, c] = ["a", "b", "c"].map((name) => directory.file(name));
  Deno.writeTextFileSync(`${a}/tool`, "", { mode: 0o644 });
  Deno.mkdirSync(`${b}/tool`);
  directory.executable("c/tool", "");
  assert.equal(findProgram("tool", `/nonexistent:${a}:${b}:${c}`), `${c}/tool`);
  assert.deepEqual(refused("tool", `${a}:${b}`), {
    message: `portpin: Cannot run tool: ${a}/tool: it is not executable`,
    status: 126,
  });
  assert.deepEqual(refused("tool", b), {
    message: `portpin: Cannot run tool: ${b}/tool: it is a directory`,
    status: 126,
  });
});

Deno.test("findProgram() uses the default PATH when there is none, and none when it is empty", () => {
  assert.equal(findProgram("sh", undefined), "/bin/sh");
  assert.deepEqual(refused("sh", ""), {
    message: "portpin: Cannot run sh: no such program on PATH",
    status: 127,
  });
});

Deno.test("findProgram() leaves PATH alone for a name with a slash", () => {
  assert.equal(findProgram("/bin/sh", "/nonexistent"), "/bin/sh");
  assert.deepEqual(refused("./sh", "/bin"), {
    message: "portpin: Cannot run ./sh: no such file",
    status: 127,
  });
  assert.deepEqual(refused("/bin/sh/x", "/bin"), {
    message: "portpin: Cannot run /bin/sh/x: Not a directory",
    status: 127,
  });
});

Deno.test("findProgram() quotes a name that would be hard to read", () => {
  assert.equal(refused("", "/bin").message, 'portpin: Cannot run "": its name is empty');
  assert.equal(
    refused("no such\nname", "/bin").message,
    'portpin: Cannot run "no such\\nname": no such program on PATH',
  );
});

Deno.test("findProgram() refuses what this user may not execute", () => {
  using directory = new TemporaryDirectory();
  const path = directory.executable("tool", "");
  // Root may execute what anybody may.
  Deno.chmodSync(path, isRoot ? 0o600 : 0o011);
  assert.equal(refused(path, "").status, 126);
});
