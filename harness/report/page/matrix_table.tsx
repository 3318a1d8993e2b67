/** The table of what became of tests: a row each, the columns grouped by kernel. */
import type { ComponentChildren } from "preact";
import { byReason, type Column, type Entry, type Row } from "../matrix.ts";
import { OutcomeCell } from "./outcome.tsx";
import { Wide } from "./parts.tsx";
import { counted } from "./text.ts";

const empty = "not run there";

export interface MatrixProps {
  readonly id: string;
  readonly caption: string;
  /** What a row is: `promise`. */
  readonly noun: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** What a row says of itself when it is opened, besides its problems. */
  readonly describe: (row: Row) => ComponentChildren;
}

export function MatrixTable({ id, caption, noun, columns, rows, describe }: MatrixProps) {
  const kernels = Map.groupBy(columns, ({ kernel }) => kernel);
  return (
    <Wide label={caption} tall>
      <table id={id} class="matrix" data-sortable>
        <caption>{caption}</caption>
        <colgroup />
        {[...kernels.values()].map((own) => <colgroup span={own.length} />)}
        <thead>
          <tr>
            <th scope="col" rowSpan={2} data-sort>{noun}</th>
            {[...kernels].map(([kernel, own]) => (
              <th scope="colgroup" colSpan={own.length}>{kernel}</th>
            ))}
          </tr>
          <tr>
            {columns.map(({ label }) => <th scope="col" data-sort>{label}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              <th scope="row">
                <details>
                  <summary>{row.name}</summary>
                  {describe(row)}
                  <Problems entries={row.entries} />
                </details>
              </th>
              {row.cells.map((cell, index) => (
                <OutcomeCell
                  cell={cell}
                  first={columns[index].kernel !== columns[index - 1]?.kernel}
                  empty={empty}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

/** How many tests are named for each reason. */
const shown = 3;

function Problems({ entries }: { entries: readonly Entry[] }) {
  const all = (["bad", "skipped"] as const).flatMap((outcome) =>
    byReason(entries, outcome).map((one) => ({ outcome, ...one }))
  );
  if (all.length === 0) return null;
  return (
    <ul>
      {all.map(({ outcome, reason, entries }) => (
        <li>
          <strong class={outcome}>{outcome === "bad" ? "BAD" : outcome}</strong>{" "}
          {counted(entries.length, "test")}: {reason}
          <br />
          <small>
            {entries.slice(0, shown).map(({ test }) => test).join("; ")}
            {entries.length > shown && `; and ${entries.length - shown} more`}
          </small>
        </li>
      ))}
    </ul>
  );
}
