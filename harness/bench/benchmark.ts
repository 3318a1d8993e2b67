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
  /** Says which figures there cannot be here, and why. */
  readonly leaveOut: (what: string, reason: string) => void;
}

/** A figure that could not be had. */
export interface LeftOut {
  readonly what: string;
  readonly reason: string;
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
  /** The middle 80 % of the costs of single rounds. */
  readonly middle?: readonly [number, number];
  /** The most that the cost may be. */
  readonly budget?: number;
  /** What the cost consists of. */
  readonly detail?: string;
  /** The middle 80 % of what was measured, for each variant. */
  readonly spread?: Readonly<Record<string, readonly [number, number]>>;
  /** Where on a curve it lies, in a benchmark that has curves. */
  readonly at?: Place;
  /** Which way to keep the ports it is about, in a benchmark that compares them. */
  readonly approach?: { readonly name: string; readonly threads: number };
  /** Which ports were chosen, in a benchmark that is about that. */
  readonly choice?: Choice;
}

/** A place on a curve of costs against occupancy. */
export interface Place {
  /** How many ports there are. */
  readonly ports: number;
  /** The share of them that is taken, 0 to 1. */
  readonly occupancy: number;
  /** Whose connections take them: those of the engine that is measured, or the kernel's choice. */
  readonly crowd: "own" | "kernel's";
  /** Where those connections go, compared with the one that is measured. */
  readonly destination: "same" | "another";
}

/** The ports that an engine chose, one after another. */
export interface Choice {
  readonly engine: string;
  /** All could be chosen from, `low` to `high`, in host byte order. */
  readonly low: number;
  readonly high: number;
  readonly destinations: "one" | "many";
  /** How often each bin was chosen: bins of (almost) equal width, from `low` upwards. */
  readonly counts: readonly number[];
  /** The first ones. */
  readonly first: readonly number[];
  /** Of the counts against equal chances. */
  readonly chiSquared: number;
  readonly degreesOfFreedom: number;
  /** How probable a chi-squared as high as this or higher is where all chances are equal. */
  readonly probability: number;
}

/** A benchmark that ran, how long that took, and what it left out; or why it did not run. */
export type Result =
  & { readonly benchmark: Benchmark }
  & (
    | {
      readonly figures: readonly Figure[];
      readonly leftOut: readonly LeftOut[];
      readonly seconds: number;
    }
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

/**
 * Whether the bench has to fail. A time says so in its verdict alone: however many rounds there are, what
 * they are a sample of is this machine and its neighbours.
 */
export function isFailure(figure: Figure): boolean {
  return figure.interval === undefined && verdictOf(figure) === "OVER";
}
