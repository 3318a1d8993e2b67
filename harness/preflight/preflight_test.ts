import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Failure } from "../../generator/failure.ts";
import { preflight } from "./preflight.ts";
import {
  dynamicProgram,
  ownsEveryUser,
  staticProgram,
  TemporaryDirectory,
  withGoNote,
} from "./programs_for_tests.ts";
import { scriptsMax } from "./script.ts";

const muslLoader = `/lib/ld-musl-${Deno.build.arch}.so.1`;
const native = `${Deno.build.arch}-linux-gnu`;

/** A directory with a library of this machine, and what to ask preflight with it. */
class Setup extends TemporaryDirectory {
  readonly library = this.file(`lib-${native}.so`);

  async prepare(): Promise<this> {
    await dynamicProgram(this, native);
    return this;
  }

  judge(program: string, environment: Record<string, string> = {}): Promise<string> {
    return preflight({
      program,
      library: this.library,
      environment: { PATH: "/usr/bin:/bin", LD_PRELOAD: this.library, ...environment },
    });
  }

  /** The refusal without its `portpin: Cannot run PROGRAM: `, and its status. */
  async refusal(program: string, environment?: Record<string, string>) {
    const failure: Failure = await this.judge(program, environment).then(
      () => assert.fail(`${program} was not refused`),
      (error) => error,
    );
    const begin = `portpin: Cannot run ${program}: `;
    assert.ok(failure.message.startsWith(begin), failure.message);
    return { reason: failure.message.slice(begin.length), status: failure.status };
  }
}

Deno.test("preflight() lets programs of the distribution through", async () => {
  using setup = await new Setup().prepare();
  assert.equal(await setup.judge("env"), "/usr/bin/env");
  assert.equal(await setup.judge("/bin/sh"), "/bin/sh");
});

Deno.test("preflight() refuses static programs", async () => {
  using setup = await new Setup().prepare();
  const plain = await staticProgram(setup, { name: "plain" });
  assert.deepEqual(await setup.refusal(plain), {
    reason: "it is statically linked: no loader runs that could preload a library",
    status: 126,
  });
  const pie = await staticProgram(setup, { name: "static-pie", pie: true });
  assert.match((await setup.refusal(pie)).reason, /^it is statically linked \(static-pie\)/);
});

Deno.test("preflight() refuses Go programs, dynamically linked ones too", async () => {
  using setup = await new Setup().prepare();
  const go = setup.executable("go-like", withGoNote(Deno.readFileSync(setup.file(native))));
  assert.deepEqual(await setup.refusal(go), {
    reason: "it is a Go program: Go makes its system calls itself, past any preload library",
    status: 126,
  });
});

Deno.test("preflight() refuses other machines, naming the target to build", async () => {
  using setup = await new Setup().prepare();
  const [arm, name] = Deno.build.arch === "aarch64"
    ? ["x86_64-linux-gnu", "x86-64"]
    : ["aarch64-linux-gnu", "AArch64"];
  assert.match(
    (await setup.refusal(await dynamicProgram(setup, arm))).reason,
    new RegExp(`^it is for ${name}, the library for .*build --target ${arm.slice(0, -4)}`),
  );
  const narrow = await setup.refusal(await dynamicProgram(setup, "x86-linux-gnu"));
  assert.match(narrow.reason, /^it is for 32-bit x86, .*build --target x86-linux /);
  const mips = await setup.refusal(await dynamicProgram(setup, "mips-linux-gnueabi"));
  assert.match(mips.reason, /^it is for ELF machine 8 .*which portpin cannot be built for$/);
});

Deno.test("preflight() refuses what is no program", async () => {
  using setup = await new Setup().prepare();
  const text = setup.executable("text", "echo hello\n");
  assert.deepEqual(await setup.refusal(text), {
    reason: "it is neither an ELF program nor a script that begins with #!",
    status: 126,
  });
  assert.equal((await setup.refusal(setup.executable("empty", ""))).status, 126);
  const broken = setup.executable("broken", Deno.readFileSync("/bin/sh").subarray(0, 100));
  assert.equal((await setup.refusal(broken)).reason, "it is a damaged ELF file: it is truncated");
  assert.deepEqual(await setup.refusal(setup.path), { reason: "it is a directory", status: 126 });
});

Deno.test("preflight() refuses a program whose loader is not there", async () => {
  using setup = await new Setup().prepare();
  const bytes = Deno.readFileSync(setup.file(native));
  const at = new TextDecoder("latin1").decode(bytes).indexOf("/ld-linux");
  bytes[at + 1] = "X".charCodeAt(0);
  const { reason, status } = await setup.refusal(setup.executable("loaderless", bytes));
  assert.match(reason, /^its loader \/lib.*\/Xd-linux.* is not there or not executable$/);
  assert.equal(status, 126);
});

Deno.test("preflight() judges the program that a chain of scripts ends in", async () => {
  using setup = await new Setup().prepare();
  const fixed = await staticProgram(setup, { name: "fixed" });
  const script = (name: string, line: string) => setup.executable(name, `#!${line}\n`);
  const good = script("good", "/bin/sh -e");
  assert.equal(await setup.judge(good), good);
  const bad = script("bad", `${fixed} argument`);
  assert.match((await setup.refusal(bad)).reason, /fixed, which runs it: it is statically linked/);
  assert.match((await setup.refusal(script("worse", bad))).reason, /it is statically linked/);
  assert.deepEqual(await setup.refusal(script("lost", "/nonexistent/sh\r")), {
    reason: 'its interpreter "/nonexistent/sh\\r" is not there or not executable',
    status: 126,
  });
});

Deno.test("preflight() follows env to the program it runs", async () => {
  using setup = await new Setup().prepare();
  await staticProgram(setup, { name: "fixed" });
  const script = (name: string, line: string) => setup.executable(name, `#!/usr/bin/env ${line}\n`);
  const PATH = `${setup.path}:/usr/bin:/bin`;
  const good = script("good", "sh");
  assert.equal(await setup.judge(good, { PATH }), good);
  assert.match((await setup.refusal(script("bad", "fixed"), { PATH })).reason, /statically linked/);
  assert.match((await setup.refusal(script("lost", "nope"), { PATH })).reason, /no such program/);
  assert.match(
    (await setup.refusal(script("bare", "-S -i sh"), { PATH })).reason,
    /env -i empties the environment/,
  );
  assert.match(
    (await setup.refusal(script("circle", "circle"), { PATH })).reason,
    /leads back to itself/,
  );
});

Deno.test("preflight() allows as many nested scripts as the kernel does", async () => {
  using setup = await new Setup().prepare();
  let interpreter = "/bin/true";
  for (let depth = 1; depth <= scriptsMax + 1; depth++) {
    const script = setup.executable(`script-${depth}`, `#!${interpreter}\n`);
    const kernelRuns = executes(script);
    assert.equal(kernelRuns, depth <= scriptsMax);
    if (kernelRuns) assert.equal(await setup.judge(script), script);
    else assert.match((await setup.refusal(script)).reason, /^more than 5 scripts/);
    interpreter = script;
  }
});

Deno.test("preflight() believes nobody but the loader that the library is loaded", async () => {
  using setup = await new Setup().prepare();
  const library = setup.library;
  Deno.renameSync(library, setup.file("moved.so"));
  Deno.copyFileSync("/usr/bin/true", library);
  for (const program of ["/usr/bin/true", setup.file(native)]) {
    const { reason } = await setup.refusal(program);
    assert.match(reason, /^its loader .* does not load .*: .*cannot be preloaded/);
  }
});

Deno.test({
  name: "preflight() asks musl's loader too",
  ignore: !existsSync(muslLoader),
  async fn() {
    using setup = await new Setup().prepare();
    const program = await dynamicProgram(setup, `${Deno.build.arch}-linux-musl`);
    assert.equal(await setup.judge(program), program);
    Deno.writeTextFileSync(setup.file("none.so"), "");
    const absent = { LD_PRELOAD: setup.file("none.so") };
    assert.match(
      (await setup.refusal(program, absent)).reason,
      /ld-musl.* does not load .*: it left the library out and gave no reason$/,
    );
  },
});

Deno.test("preflight() has the loader run no code of the program or the library", async () => {
  using setup = new Setup();
  const forever = "__attribute__((constructor)) static void forever(void) { for (;;); }";
  const program = await dynamicProgram(setup, native, forever);
  assert.equal(await setup.judge(program), program);
  assert.equal(await setup.judge("/usr/bin/true"), "/usr/bin/true");
});

if (ownsEveryUser) {
  Deno.test("preflight() refuses file capabilities and set-user-ID where they elevate", async () => {
    using setup = await new Setup().prepare();
    const program = setup.file("elevated");
    Deno.copyFileSync("/usr/bin/true", program);
    const asRoot = () => setup.judge(program);
    await new Deno.Command("setcap", { args: ["cap_net_raw+ep", program] }).output();
    assert.equal(await asRoot(), program);
    Deno.chownSync(program, 12, 13);
    Deno.chmodSync(program, 0o4755);
    assert.deepEqual(await setup.refusal(program), {
      reason: "it is set-user-ID to user 12: the loader then ignores LD_PRELOAD",
      status: 126,
    });
    Deno.chownSync(program, 0, 0);
    Deno.chmodSync(program, 0o4755);
    assert.equal(await asRoot(), program);
  });
}

Deno.test("preflight() takes names with blanks and letters of all kinds", async () => {
  using setup = await new Setup().prepare();
  const directory = setup.file("a b\tc é 日本 'quoted' $HOME");
  Deno.mkdirSync(directory);
  const program = join(directory, "my program");
  Deno.copyFileSync("/usr/bin/true", program);
  assert.equal(await setup.judge(program), program);
  assert.equal(await setup.judge("my program", { PATH: dirname(program) }), program);
});

/** Whether the kernel executes the file, rather than say ELOOP. */
function executes(path: string): boolean {
  try {
    return new Deno.Command(path).outputSync().success;
  } catch (error) {
    assert.ok(error instanceof Deno.errors.FilesystemLoop, String(error));
    return false;
  }
}
