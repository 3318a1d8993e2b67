// A name for the library that LD_PRELOAD can hold.
//
// LD_PRELOAD is a list separated by colons and white space, and glibc expands `$ORIGIN` and the like
// (ld.so(8)); nothing can be quoted. A library whose path has any of these is preloaded by another
// name: a symbolic link in a directory of the user's own, which stays, because the guest's children
// need it for as long as they live.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { exitStatus, Failure } from "../../generator/failure.ts";

/** Whether LD_PRELOAD can hold the path. */
export function isPreloadable(path: string): boolean {
  return path.startsWith("/") && !/[\s:$]/.test(path);
}

/**
 * The absolute path `library`, or a link to it, that LD_PRELOAD can hold.
 *
 * @throws {Failure} when no such link can be made.
 */
export function preloadPath(library: string): string {
  if (isPreloadable(library)) return library;
  const directory = join(tmpdir(), `portpin-${outerUid()}`);
  const link = join(directory, `${createHash("sha256").update(library).digest("hex")}.so`);
  try {
    if (!isPreloadable(link)) throw new Error(`${link} has a blank, a colon or a dollar sign too`);
    Deno.mkdirSync(directory, { recursive: true, mode: 0o755 });
    checkOwn(directory);
    if (!leadsTo(link, library)) replaceLink(link, library);
    return link;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(
      `portpin: Cannot preload ${JSON.stringify(library)}: LD_PRELOAD cannot hold a path with a ` +
        `blank, a colon or a dollar sign, nor can it be linked from elsewhere: ${reason}`,
      exitStatus.failed,
      { cause: error },
    );
  }
}

/**
 * Who we are outside our user namespace, where the directory lies: inside, everybody may be user 0.
 * user_namespaces(7)
 */
function outerUid(): number {
  const uid = Deno.uid()!;
  const lines = Deno.readTextFileSync("/proc/self/uid_map").trim().split("\n");
  for (
    const [inside, outside, count] of lines.map((line) => line.trim().split(/\s+/).map(Number))
  ) {
    if (inside <= uid && uid < inside + count) return outside + (uid - inside);
  }
  return uid;
}

/** Others could put their own code into the guest if they could write there. */
function checkOwn(directory: string): void {
  const { isDirectory, uid, mode } = Deno.lstatSync(directory);
  if (isDirectory && uid === Deno.uid() && (mode! & 0o022) === 0) return;
  throw new Error(`${directory} is not a directory that only this user can write to`);
}

function leadsTo(link: string, library: string): boolean {
  try {
    return Deno.readLinkSync(link) === library;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** In one step, for another portpin may be about to use the old one. */
function replaceLink(link: string, library: string): void {
  const beside = `${link}.${crypto.randomUUID()}`;
  Deno.symlinkSync(library, beside);
  Deno.renameSync(beside, link);
}
