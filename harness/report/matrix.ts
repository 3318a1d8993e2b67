/**
 * From what became of each test to tables: a row is a case or a program, a column a place where tests
 * were run: a world on the kernel of this machine, or an engine on a real one. Pure.
 */
import { World } from "../case.ts";
import { engines } from "../kernels/selection.ts";
import type { Cases, Kernels, Promised } from "./results.ts";

/** What may become of a test, the worst first: see kernels/outcome.ts. */
export const outcomes = ["bad", "skipped", "absent", "refused", "good"] as const;
export type Outcome = typeof outcomes[number];

/** What became of one test in one column. */
export interface Entry {
  readonly case: string;
  readonly program: string;
  readonly test: string;
  /** The {@linkcode Column.key}. */
  readonly column: string;
  readonly outcome: Outcome;
  readonly reasons: readonly string[];
}

export interface Column {
  readonly key: string;
  /** The kernel it belongs to. */
  readonly kernel: string;
  /** What tells it from the kernel's others. */
  readonly label: string;
}

/** How many tests came to what; those of which there are none are missing. */
export type Cell = Readonly<Partial<Record<Outcome, number>>>;

export interface Row {
  readonly name: string;
  readonly entries: readonly Entry[];
  /** One for each column. */
  readonly cells: readonly Cell[];
}

/** What the worlds are called in a column's head. */
const worldLabels: Readonly<Record<World, string>> = {
  kernel: "kernel engine",
  emulation: "emulation forced",
  "without-51": "no option 51",
  "without-51-and-24": "no 51, no 24",
  "outside-range": "range elsewhere",
};

/** The columns for which there are tests. */
export function columnsOf(cases: Cases | undefined, kernels: Kernels | undefined): Column[] {
  const worlds = World.options.filter((world) => cases?.tests.some((test) => test.world === world));
  return [
    ...worlds.map((world) => ({
      key: world,
      kernel: `Linux ${release(cases!.versions.kernel)}, here`,
      label: worldLabels[world],
    })),
    ...(kernels?.runs ?? []).flatMap(({ label }) =>
      engines.map((engine) => ({
        key: columnOf(label, engine),
        kernel: `Linux ${label}`,
        label: engine === "kernel" ? "kernel engine" : engine,
      }))
    ),
  ];
}

/** `6.18.44-something` → `6.18`, as the labels of real kernels are. */
function release(kernel: string): string {
  return /^\d+\.\d+/.exec(kernel)?.[0] ?? kernel;
}

function columnOf(label: string, engine: string): string {
  return `${label} ${engine}`;
}

/** All that was run, in its order. */
export function entriesOf(cases: Cases | undefined, kernels: Kernels | undefined): Entry[] {
  const programs = new Map(kernels?.cases.map(({ name, program }) => [name, program]));
  return [
    ...(cases?.tests ?? []).map(({ world, ...test }) => ({ ...test, column: world })),
    ...(kernels?.runs ?? []).flatMap(({ label, messages }) =>
      messages.filter((message) => message.kind === "result").map((result) => ({
        ...result,
        program: programs.get(result.case) ?? "?",
        column: columnOf(label, result.engine),
      }))
    ),
  ];
}

/** The cases of both, sorted by name. */
export function promisesOf(cases: Cases | undefined, kernels: Kernels | undefined): Promised[] {
  const known = new Map(
    [...(kernels?.cases ?? []), ...(cases?.cases ?? [])].map((one) => [one.name, one] as const),
  );
  return [...known.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** One row for each of `names`; `nameOf` says to which an entry belongs. */
export function rowsBy(
  names: readonly string[],
  entries: readonly Entry[],
  columns: readonly Column[],
  nameOf: (entry: Entry) => string,
): Row[] {
  const groups = Map.groupBy(entries, nameOf);
  return names.map((name) => {
    const own = groups.get(name) ?? [];
    const byColumn = Map.groupBy(own, ({ column }) => column);
    return { name, entries: own, cells: columns.map(({ key }) => count(byColumn.get(key) ?? [])) };
  });
}

export function count(entries: readonly Entry[]): Cell {
  const cell: Partial<Record<Outcome, number>> = {};
  for (const { outcome } of entries) cell[outcome] = (cell[outcome] ?? 0) + 1;
  return cell;
}

/** The worst that there is in a cell; undefined for an empty one. */
export function worstOf(cell: Cell): Outcome | undefined {
  return outcomes.find((outcome) => cell[outcome] !== undefined);
}

/** Entries that came to `outcome`, a line for each reason with those that it is true of. */
export function byReason(
  entries: readonly Entry[],
  outcome: Outcome,
): { readonly reason: string; readonly entries: readonly Entry[] }[] {
  const found = entries.filter((entry) => entry.outcome === outcome);
  const groups = Map.groupBy(found, ({ reasons }) => reasons.join("; "));
  return Array.from(groups, ([reason, entries]) => ({ reason, entries }));
}
