/** What is said of numbers that were measured. Pure. */
import jstat from "jstat";

/** The middle of `values`, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}

/**
 * The 95 % confidence interval of the median, from the order of the values alone (so whatever their
 * distribution): how many of n values lie below the true median is binomial, n/2 ± 0.98 √n in 95
 * of 100 cases.
 *
 * Wants ten values at least; with fewer it is all that was seen.
 */
export function medianInterval(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const below = Math.max(0, Math.floor(sorted.length / 2 - 0.98 * Math.sqrt(sorted.length)));
  return [sorted[below], sorted[sorted.length - 1 - below]];
}

/**
 * What one round measured: A B B A, so that whatever drifts evenly in the meantime (a processor
 * that gets warm, a neighbour that gets busy) weighs the same on both.
 */
export type Round<T> = readonly [T, T, T, T];

/** How many times as long B took as A. */
export function ratioOf<T>([a1, b1, b2, a2]: Round<T>, time: (block: T) => number): number {
  return (time(b1) + time(b2)) / (time(a1) + time(a2));
}

/**
 * The ratios of B to A in rounds that have two blocks of each, in the order in which they ran: whatever
 * else a round has, it is the same backwards (A B C C B A).
 */
export function ratiosOf<T>(
  a: readonly T[],
  b: readonly T[],
  time: (block: T) => number,
): number[] {
  return Array.from({ length: a.length / 2 }, (_, index) => {
    const [first, last] = [2 * index, 2 * index + 1];
    return ratioOf([a[first], b[first], b[last], a[last]], time);
  });
}

/** The middle 80 % of `values`: from the first to the last decile. */
export function middleOf(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const tenth = Math.floor(sorted.length / 10);
  return [sorted[tenth], sorted[sorted.length - 1 - tenth]];
}

/** Pearson's test of counts against what was expected. */
export interface ChiSquared {
  readonly chiSquared: number;
  readonly degreesOfFreedom: number;
  /**
   * How probable a chi-squared as high as this or higher is by chance alone: near 0 the counts are less even than
   * chance makes them, near 1 more.
   */
  readonly probability: number;
}

/** Wants an expectation of five or more for each count, and the same sum of both. */
export function chiSquaredOf(counts: readonly number[], expected: readonly number[]): ChiSquared {
  const chiSquared = counts.reduce(
    (sum, count, bin) => sum + (count - expected[bin]) ** 2 / expected[bin],
    0,
  );
  const degreesOfFreedom = counts.length - 1;
  const probability: number = 1 - jstat.chisquare.cdf(chiSquared, degreesOfFreedom);
  return { chiSquared, degreesOfFreedom, probability };
}
