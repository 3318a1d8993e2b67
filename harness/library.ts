/** What cases need built: each thing is built once in a process, when first asked for. */
import { join, relative } from "node:path";
import { build, root, runZigBuild, type Target } from "../generator/build.ts";
import { readPolicy } from "../generator/parse_policy.ts";

/** Where everything built lies. */
export const dist = join(root, "dist");

/**
 * Set to `built` by whoever built all that will be asked for, and then has cases run where nothing
 * can be built: a virtual machine.
 */
export const librariesVariable = "HARNESS_LIBRARIES";

const libraries = new Map<string, Promise<string>>();

/**
 * The absolute path of the library for `target` (default: this machine) with the policy in the file
 * `policy` (default: the general one).
 *
 * @throws {Failure} when it cannot be built.
 */
export function libraryFor(target?: Target, policy?: string): Promise<string> {
  const name = policy === undefined ? "" : relative(root, policy).replaceAll("/", "-");
  const out = target === undefined && policy === undefined
    ? join(dist, "libportpin.so")
    : join(dist, target ?? "native", name, "libportpin.so");
  const known = libraries.get(out);
  if (known !== undefined) return known;
  const building = buildAt(out, target, policy);
  libraries.set(out, building);
  return building;
}

async function buildAt(out: string, target?: Target, policy?: string): Promise<string> {
  if (Deno.env.get(librariesVariable) === "built") return out;
  return build({
    out,
    target,
    policy: policy === undefined ? undefined : await readPolicy(policy),
  });
}

let programs: Promise<void> | undefined;

/**
 * Builds the programs of fixtures/programs into `dist/programs`.
 *
 * @throws {Failure} when they cannot be built.
 */
export function buildPrograms(): Promise<void> {
  if (Deno.env.get(librariesVariable) === "built") return Promise.resolve();
  return programs ??= runZigBuild("the programs", ["programs", "--prefix", dist]);
}
