/**
 * The programs that cases and servers launch: where they are, and which Debian package has them, so
 * that a test that is skipped says what to install, and CI installs exactly that.
 */

import { basename, join } from "node:path";

/**
 * The Debian package of each program that a case, its driver or a server launches; Deno is in none.
 */
export const packages: Readonly<Record<string, string>> = {
  chromium: "chromium",
  curl: "curl",
  dig: "bind9-dnsutils",
  git: "git",
  haproxy: "haproxy",
  initdb: "postgresql",
  java: "default-jre-headless",
  keytool: "default-jre-headless",
  mount: "mount",
  nc: "netcat-openbsd",
  nginx: "nginx",
  node: "nodejs",
  openssl: "openssl",
  perl: "perl-base",
  postgres: "postgresql",
  psql: "postgresql-client",
  python3: "python3",
  "redis-cli": "redis-tools",
  "redis-server": "redis-server",
  sh: "dash",
  socat: "socat",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  sshd: "openssh-server",
  setpriv: "util-linux",
  strace: "strace",
  unshare: "util-linux",
  valgrind: "valgrind",
  wget: "wget",
  wrk: "wrk",
};

/**
 * The path of an installed program, which may be named by a path itself; undefined when there is
 * none.
 */
export function findInstalled(program: string): string | undefined {
  return candidates(program).find(isExecutableFile);
}

/** The path of a file that would be the program if it were executable; undefined when there is none. */
export function findFile(program: string): string | undefined {
  return candidates(program).find((path) => statOf(path)?.isFile);
}

function candidates(program: string): string[] {
  return program.includes("/")
    ? [program]
    : searchPath().map((directory) => join(directory, program));
}

/** The path of an installed program; throws when there is none. */
export function installed(program: string): string {
  const path = findInstalled(program);
  if (path === undefined) throw new Error(`Cannot find ${describeMissing(program)}`);
  return path;
}

/** Says what to install for a program that is missing: `wrk (Debian package wrk)`. */
export function describeMissing(program: string): string {
  const debian = packages[basename(program)];
  return debian === undefined ? program : `${program} (Debian package ${debian})`;
}

/** PATH and, after it, where Debian keeps servers, which an ordinary user's PATH leaves out. */
function searchPath(): string[] {
  const path = (Deno.env.get("PATH") ?? "").split(":");
  return [...path, "/usr/sbin", "/sbin", ...postgresDirectories()];
}

/** A directory for each version of PostgreSQL, the newest first. */
function postgresDirectories(): string[] {
  const root = "/usr/lib/postgresql";
  try {
    const versions = Array.from(Deno.readDirSync(root), ({ name }) => Number(name));
    return versions.sort((a, b) => b - a).map((version) => join(root, `${version}`, "bin"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function isExecutableFile(path: string): boolean {
  const status = statOf(path);
  return status !== undefined && status.isFile && ((status.mode ?? 0) & 0o111) !== 0;
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return undefined;
    }
    throw error;
  }
}
