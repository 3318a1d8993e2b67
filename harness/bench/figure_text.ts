/** How the numbers of a figure are written: in a terminal, in README and on the report page alike. */
import type { Benchmark } from "./benchmark.ts";

/** What a number's digits depend on. */
type Kind = Pick<Benchmark, "cost">;

/** One that was measured: times with two digits behind the point, all else with two at most. */
export function numberText({ cost }: Kind, value: number): string {
  if (cost === "ratio") return value.toFixed(2);
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

/** A cost: what was added has its sign. */
export function costText({ cost }: Kind, value: number): string {
  if (cost === "ratio") return value.toFixed(3);
  return `${cost === "added" && value > 0 ? "+" : ""}${numberText({ cost }, value)}`;
}

/** The ends of an interval of ratios. */
export function spanText(ends: readonly number[] | undefined): string | undefined {
  return ends?.map((end) => end.toFixed(3)).join("–");
}
