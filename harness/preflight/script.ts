// Follows the `#!` of scripts to the program that the kernel, or env(1), ends up executing
// (execve(2), "Interpreter scripts"; fs/binfmt_script.c).

import { basename } from "node:path";
import type { ByteSource } from "./elf.ts";

/** The kernel looks no further into the first line (BINPRM_BUF_SIZE). */
const lineMax = 256;

/** The kernel gives up with ELOOP after this many scripts, one the interpreter of another. */
export const scriptsMax = 5;

/** The first line of a script. */
export interface Shebang {
  readonly interpreter: string;
  /** All that follows the interpreter, as the one argument that the kernel makes of it. */
  readonly argument: string | undefined;
}

/** The script's interpreter; undefined when the file does not begin with `#!` and a name. */
export function parseShebang(bytes: ByteSource): Shebang | undefined {
  const head = bytes.read(0, Math.min(bytes.size, lineMax));
  if (head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const end = head.findIndex((byte) => byte === 0x0a || byte === 0);
  const line = new TextDecoder().decode(head.subarray(2, end < 0 ? head.length : end));
  const match = /^[ \t]*([^ \t]+)(?:[ \t]+(.*?))?[ \t]*$/s.exec(line);
  if (match === null) return undefined;
  return { interpreter: match[1], argument: match[2] || undefined };
}

/** What `#!/usr/bin/env …` does with the one argument that it got. */
export type EnvTarget =
  | { readonly name: string }
  /** env takes the preload away again, for this reason. */
  | { readonly dropsPreload: string }
  /** Written in a way that only env itself can read. */
  | "unknown";

/** Whether the interpreter is env(1). */
export function isEnv({ interpreter }: Shebang): boolean {
  return basename(interpreter) === "env";
}

/** Reads the argument of env(1) (GNU, BSD and busybox have these options in common). */
export function envTarget({ argument }: Shebang): EnvTarget {
  if (argument === undefined) return "unknown";
  const split = /^(?:-S|-vS|--split-string[= ])[ \t]*(.*)$/s.exec(argument);
  if (split === null && !argument.startsWith("-") && !argument.includes("=")) {
    return { name: argument };
  }
  const text = split?.[1] ?? argument;
  if (/["'\\$#]/.test(text)) return "unknown";
  return envTargetOfWords(split === null ? [argument] : text.split(/[ \t]+/));
}

function envTargetOfWords(words: readonly string[]): EnvTarget {
  for (let index = 0; index < words.length; index++) {
    const word = words[index];
    if (["-", "-i", "--ignore-environment"].includes(word)) {
      return { dropsPreload: `env ${word} empties the environment` };
    }
    const unset = /^(?:-u|--unset=)(.*)$/.exec(word);
    if (unset !== null) {
      const name = unset[1] === "" ? words[++index] : unset[1];
      if (name === "LD_PRELOAD") return { dropsPreload: `env ${word} unsets LD_PRELOAD` };
    } else if (word.startsWith("-")) {
      return "unknown";
    } else if (word.startsWith("LD_PRELOAD=")) {
      return { dropsPreload: "env sets LD_PRELOAD" };
    } else if (word.startsWith("PATH=")) {
      return "unknown";
    } else if (!word.includes("=")) {
      return { name: word };
    }
  }
  return "unknown";
}
