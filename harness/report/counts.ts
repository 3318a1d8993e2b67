/** How many tests passed, failed and were skipped, by what other programs say of theirs. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** What was skipped, by name. */
  readonly skipped: readonly string[];
}

/** Everything counted together. */
export function sum(counts: readonly Counts[]): Counts {
  return {
    passed: counts.reduce((total, { passed }) => total + passed, 0),
    failed: counts.reduce((total, { failed }) => total + failed, 0),
    skipped: counts.flatMap(({ skipped }) => skipped),
  };
}

/** The counts of a JUnit report, as `deno test --junit-path` writes it. */
export function junitCounts(xml: string): Counts {
  const cases = [...xml.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)];
  const having = (tag: RegExp) => cases.filter(([_, __, body]) => tag.test(body ?? ""));
  const skipped = having(/<skipped\b/).map(([_, name]) => unescape(name));
  const failed = having(/<(failure|error)\b/).length;
  return { passed: cases.length - failed - skipped.length, failed, skipped };
}

/**
 * The counts in the summary of `zig build test --summary all`: `31/33 tests passed; 1 skipped; 1
 * failed`. Undefined when there is none, as when a test does not compile.
 */
export function zigCounts(output: string): Counts | undefined {
  const summary = /(\d+)\/(\d+) tests passed(?:; (\d+) skipped)?/.exec(output);
  if (summary === null) return undefined;
  const [passed, total, skipped] = summary.slice(1).map((digits) => Number(digits ?? 0));
  return {
    passed,
    failed: total - passed - skipped,
    skipped: Array(skipped).fill("a test of the shim"),
  };
}

/** A step that is one check in itself. */
export function gateCounts(success: boolean): Counts {
  return { passed: success ? 1 : 0, failed: success ? 0 : 1, skipped: [] };
}

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => entities[name])
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}
