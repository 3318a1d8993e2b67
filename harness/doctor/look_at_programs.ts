// What programs meet here: the C libraries and their loaders, and preloading.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { defaultOut } from "../../generator/build.ts";
import { Failure, systemReason } from "../../generator/failure.ts";
import { isTestimony, witnessPorts } from "../judge.ts";
import { isSecureExecution } from "../libc.ts";
import { guestEnvironment } from "../launch.ts";
import { preflight } from "../preflight/preflight.ts";
import { preloadPath } from "../preflight/preload_path.ts";
import type { Facts, LibcFacts } from "./facts.ts";

/** @throws {Failure} where the library has a path that LD_PRELOAD cannot hold. */
export async function lookAtPrograms(): Promise<Facts["programs"]> {
  const library = preloadPath(defaultOut);
  const built = existsSync(library);
  return {
    libc: await lookAtLibcs(),
    library,
    built,
    preload: built ? await preloadProblem(library) : null,
    secure: isSecureExecution(),
  };
}

/** Where the ABIs of glibc and musl put their dynamic linkers. */
const loaders: readonly { pattern: RegExp; name: LibcFacts["name"]; bits: LibcFacts["bits"] }[] = [
  { pattern: /^ld-linux-(x86-64|aarch64)\.so\.\d$/, name: "glibc", bits: 64 },
  { pattern: /^ld-linux(-armhf)?\.so\.\d$/, name: "glibc", bits: 32 },
  { pattern: /^ld-musl-(x86_64|aarch64)\.so\.1$/, name: "musl", bits: 64 },
  { pattern: /^ld-musl-(i386|armhf)\.so\.1$/, name: "musl", bits: 32 },
];

async function lookAtLibcs(): Promise<LibcFacts[]> {
  const found = new Map<string, LibcFacts>();
  for (const directory of ["/lib64", "/lib"].filter((path) => existsSync(path))) {
    for (const file of readdirSync(directory)) {
      const known = loaders.find(({ pattern }) => pattern.test(file));
      if (known === undefined || found.has(file)) continue;
      const loader = join(directory, file);
      const { name, bits } = known;
      found.set(file, { name, bits, loader, version: await versionOf(loader) });
    }
  }
  return [...found.values()];
}

/**
 * What the loader says of itself: glibc's `ld.so (...) stable release version 2.36.`, and musl's
 * `Version 1.2.3`, which it prints whatever it is told.
 */
async function versionOf(loader: string): Promise<string | null> {
  const said = await output(loader, ["--version"]);
  if (typeof said === "string") return null;
  return /\bversion (\d+(\.\d+)*)/i.exec(`${said.out}\n${said.error}`)?.[1] ?? null;
}

/**
 * Why the library does not get into a program; null when it does, which the program's refusal to
 * start with ports that cannot be used shows: only the library can make it refuse.
 */
async function preloadProblem(library: string): Promise<string | null> {
  const environment = guestEnvironment({ LD_PRELOAD: library, PORTPIN_PORTS: witnessPorts });
  const said = await output("true", [], environment);
  if (typeof said === "string") return said;
  if (said.error.split("\n").some(isTestimony)) return null;
  try {
    await preflight({ program: "true", library, environment });
  } catch (error) {
    if (error instanceof Failure) return error.message.replace(/^portpin: /, "");
    throw error;
  }
  return `true ran as if it were not there${said.error === "" ? "" : `: ${said.error.trim()}`}`;
}

interface Output {
  readonly out: string;
  readonly error: string;
}

/** What a program printed in `environment`, whatever its status; or why it cannot be run. */
export async function output(
  program: string,
  args: readonly string[],
  environment = guestEnvironment({}),
): Promise<Output | string> {
  try {
    const { stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      clearEnv: true,
      env: environment,
      stdin: "null",
    }).output();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { out, error };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `there is no program ${program}`;
    return systemReason(error);
  }
}
