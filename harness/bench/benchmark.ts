/**
 * What a benchmark is: a name, what it measures and how, and figures, each with a cost that may
 * have a budget. Whatever runs it, prints it or keeps it as JSON knows no more than this.
 */
import type { Variants } from "./variants.ts";

export interface Benchmark {
  readonly name: string;
  /** One or two sentences: what is measured, and how. */
  readonly measures: string;
  /** The unit of every measured number. */
  readonly unit: string;
  /** What a cost is: the difference or the ratio between two variants, or the number itself. */
  readonly cost: "added" | "ratio" | "total";
  /** The programs without which it is skipped. */
  readonly requires: readonly string[];
  /** Whether it makes connections, whose TIME_WAIT would soon fill plain loopback's ports. */
  readonly connects: boolean;
  run(context: Context): Promise<Figure[]>;
}

export interface Context {
  readonly variants: Variants;
  /** Says what is being done, to whoever watches. */
  readonly progress: (message: string) => void;
}

/** One row. */
export interface Figure {
  /** What was measured: `TCP connect`. */
  readonly what: string;
  /** A number for each variant, by its name, in the benchmark's unit. */
  readonly measured: Readonly<Record<string, number>>;
  readonly cost: number;
  /** The 95 % confidence interval of a cost that was timed. */
  readonly interval?: readonly [number, number];
  /** The most that the cost may be. */
  readonly budget?: number;
  /** What the cost consists of. */
  readonly detail?: string;
}

/** A benchmark that ran, or why it did not. */
export type Result =
  & { readonly benchmark: Benchmark }
  & (
    | { readonly figures: readonly Figure[] }
    | { readonly skipped: string }
  );

/** A cost that was timed is over its budget only when chance alone does not explain it. */
export type Verdict = "good" | "unclear" | "OVER";

/** Undefined where there is no budget. */
export function verdictOf({ cost, interval, budget }: Figure): Verdict | undefined {
  if (budget === undefined) return undefined;
  if (cost <= budget) return "good";
  return (interval?.[0] ?? cost) > budget ? "OVER" : "unclear";
}
