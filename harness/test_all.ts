// `deno task test`: everything that can fail. Formatting, lints and types; the shim's unit tests;
// and, in a network namespace, the tests of every folder and all cases. Each step runs whatever
// became of those before it, and the last line counts them all.

import { join } from "node:path";
import $ from "dax";
import { Failure } from "../generator/failure.ts";
import { findZig } from "../generator/zig.ts";
import { root } from "../generator/build.ts";
import { caseLogVariable, gather } from "./report/case_log.ts";
import { readIfThere } from "./read_or.ts";
import { type Counts, gateCounts, junitCounts, sum, zigCounts } from "./report/counts.ts";
import { keep } from "./report/results.ts";
import { summary } from "./run_all.ts";

Deno.chdir(root);
const deno = Deno.execPath();
const sources = ["generator", "harness", "shim"];
const zigSources = ["build.zig", "shim", "harness", "fixtures"];

try {
  const { passed, failed, skipped } = sum([
    await gate("deno fmt --check", $`${deno} fmt --check`),
    await gate("deno lint", $`${deno} lint --quiet`),
    await gate("deno check", $`${deno} check --quiet ${sources}`),
    ...await zigSteps(),
    await denoTests(),
  ]);
  for (const name of skipped) console.log(`skipped: ${name}`);
  console.log(summary(passed, failed, skipped.length));
  Deno.exit(failed === 0 ? 0 : 1);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  Deno.exit(error.status);
}

/** A step that passes or fails as a whole. */
async function gate(name: string, command: ReturnType<typeof $>): Promise<Counts> {
  const { code } = await command.noThrow();
  console.log(`${name} ... ${code === 0 ? "ok" : "FAILED"}`);
  return gateCounts(code === 0);
}

async function zigSteps(): Promise<Counts[]> {
  const { path, environment } = await findZig(root);
  const format = gate("zig fmt --check", $`${path} fmt --check ${zigSources}`.env(environment));
  const formatted = await format;
  const tests = await $`${path} build test --summary all`.env(environment).captureCombined()
    .noThrow();
  const counts = zigCounts(tests.combined) ?? gateCounts(tests.code === 0);
  if (tests.code !== 0) console.log(tests.combined);
  console.log(`zig build test ... ${tests.code === 0 ? "ok" : "FAILED"}`);
  // It may fail without a test that did: by a crash after the last one.
  const crash = tests.code !== 0 && counts.failed === 0 ? [gateCounts(false)] : [];
  return [formatted, counts, ...crash];
}

/** The unit tests of all folders, and the cases; what became of those is kept for the report. */
async function denoTests(): Promise<Counts> {
  const folder = await Deno.makeTempDir({ prefix: "portpin-test-" });
  const junit = join(folder, "junit.xml");
  const caseLog = join(folder, "cases");
  const inside = ["run", "-A", "--quiet", join(root, "harness", "namespace.ts"), "--"];
  const { code } =
    await $`${deno} ${inside} ${deno} test -A --quiet --junit-path=${junit} ${sources}`
      .env(caseLogVariable, caseLog).noThrow();
  const xml = await readIfThere(junit) ?? "";
  const cases = await gather(await readIfThere(caseLog) ?? "");
  if (cases !== undefined) await keep("cases", cases);
  await Deno.remove(folder, { recursive: true });
  const counts = junitCounts(xml);
  // It may fail without a test that did: by a module that cannot be loaded.
  return code !== 0 && counts.failed === 0 ? sum([counts, gateCounts(false)]) : counts;
}
