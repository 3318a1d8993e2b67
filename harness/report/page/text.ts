/** How numbers, times and commits are written on the page. */
import type { Commit } from "../versions.ts";

/** 28,232 */
export function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1 test`, `2 tests`. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** 2026-11-22 03:18 UTC */
export function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** `6.18.44-something` → `Linux 6.18.44`; the whole release is in the table of versions alone. */
export function linux(release: string): string {
  return `Linux ${/^\d+(\.\d+)*/.exec(release)?.[0] ?? release}`;
}

/** Twelve digits of a commit. */
export function short({ commit, modified }: Commit): string {
  if (commit === undefined) return "no commit known";
  return `${commit.slice(0, 12)}${modified ? ", with changes" : ""}`;
}

/** Whether both are the same commit, and neither was changed. */
export function isSame(one: Commit, other: Commit): boolean {
  return one.commit !== undefined && one.commit === other.commit && !one.modified &&
    !other.modified;
}
