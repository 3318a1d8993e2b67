// The real thing on a few hundred ports: a few thousand flows take a second. What is counted is
// judged, never a time.

import assert from "node:assert/strict";
import { join } from "node:path";
import { viewKernel } from "../../generator/kernel_view.ts";
import { buildPrograms, dist } from "../library.ts";
import { namespaceProblem } from "../namespace.ts";
import { type Run, run, type Task, type Way } from "./run.ts";

/** Ten destinations for 5000 flows: each port is used by seven flows and more. */
const task: Task = { flows: 5000, each: 500, range: { low: 40000, high: 40699 } };
const problem = namespaceProblem();

async function holding(way: Way): Promise<Run & { heard: number[] }> {
  await buildPrograms();
  const heard: number[] = [];
  const result = await run(way, task, (flows) => heard.push(flows));
  return { ...result, heard };
}

function test(name: string, reason: string | undefined, fn: () => Promise<void>): void {
  const skipped = reason === undefined ? "" : ` (skipped: ${reason})`;
  Deno.test({ name: `${name}${skipped}`, ignore: reason !== undefined, fn });
}

test(
  "without portpin a program that binds an address has a flow for each port",
  problem,
  async () => {
    const { flows, stop, problems } = await holding("bare");
    assert.deepEqual(problems, []);
    assert.equal(flows, 700);
    assert.equal(stop, "bind: EADDRINUSE");
  },
);

const { portRangeErrno } = await viewKernel();
const lacks = portRangeErrno && `IP_LOCAL_PORT_RANGE: ${portRangeErrno}`;

for (const way of ["kernel", "emulation"] as const) {
  const reason = problem ?? (way === "kernel" ? lacks : undefined);
  test(`the ${way} engine lets it have as many as there are destinations`, reason, async () => {
    const { flows, stop, problems, heard, measured } = await holding(way);
    assert.deepEqual(problems, []);
    assert.equal(flows, 5000);
    assert.equal(stop, undefined);
    assert.equal(heard.at(-1), 5000);
    assert.ok(measured.memory.left > 0);
  });
}

/** The processes whose parent is `parent`. */
function childrenOf(parent: number): number[] {
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter(Boolean);
  return pids.filter((pid) => new RegExp(`^PPid:\\s*${parent}$`, "m").test(statusOf(pid)));
}

/** proc_pid_status(5); empty when the process is gone. */
function statusOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/status`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    // It went while we read: ESRCH.
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return "";
    throw error;
  }
}

test("whoever is interrupted leaves no process behind", problem, async () => {
  const command = join(import.meta.dirname!, "million.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", command, "--flows", "20000"],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const connecting = () =>
    childrenOf(child.pid).filter((pid) => /^Name:\s*flows$/m.test(statusOf(pid)));
  let ended = false;
  child.status.then(() => ended = true);
  while (connecting().length === 0 && !ended) {
    await new Promise((resume) => setTimeout(resume, 10));
  }
  const started = childrenOf(child.pid);
  child.kill("SIGINT");
  assert.equal((await child.status).code, 130);
  assert.notEqual(started.length, 0);
  assert.deepEqual(started.filter((pid) => statusOf(pid) !== ""), []);
});

/**
 * `deno task million --flows N` where a process may have 140 open files: two programs, of which one
 * holds 116 flows. Whoever is let through stops at once, for want of a namespace.
 */
async function tryWithFewFiles(flows: number): Promise<{ code: number; last: string }> {
  await buildPrograms();
  const deno = [Deno.execPath(), "run", "-A", "--quiet", join(import.meta.dirname!, "million.ts")];
  const limited = ["sh", "-c", 'ulimit -n 140 && unset HARNESS_NAMESPACE && exec "$@"', "sh"];
  const [program, ...args] = [join(dist, "programs", "native", "forbid_unshare"), ...limited];
  const { code, stderr } = await new Deno.Command(program, {
    args: [...args, ...deno, "--flows", `${flows}`],
  }).output();
  return { code, last: new TextDecoder().decode(stderr).trim().split("\n").at(-1)! };
}

Deno.test("more flows than the limits allow are refused, with the most that are not", async () => {
  assert.deepEqual(await tryWithFewFiles(117), {
    code: 1,
    last: "portpin: Cannot hold 117 flows: there are 140 open files in a process " +
      "(RLIMIT_NOFILE); the largest --flows here is 116",
  });
  const { code, last } = await tryWithFewFiles(116);
  assert.equal(code, 1);
  assert.match(last, /^portpin: Cannot hold 116 flows: no network namespace: unshare: /);
});
