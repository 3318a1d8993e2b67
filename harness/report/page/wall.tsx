/** The whole matrix at a glance: a square for each case in each column. */
import { type Column, type Outcome, type Row, worstOf } from "../matrix.ts";
import { looks } from "./outcome.tsx";
import { Wide } from "./parts.tsx";

const left = 196;
const width = 900;
const line = 16;
const top = 8;

/** Drawn in this order, so that what is bad lies on top. */
const drawn: readonly Outcome[] = ["good", "refused", "absent", "skipped", "bad"];

export function Wall({ columns, rows }: { columns: readonly Column[]; rows: readonly Row[] }) {
  const pitch = Math.min(12, width / rows.length);
  const gaps = columns.map(({ kernel }, index) =>
    index > 0 && kernel !== columns[index - 1].kernel ? 1 : 0
  );
  const yOf = (index: number) =>
    top + index * line + 6 * gaps.slice(0, index + 1).reduce<number>((sum, gap) => sum + gap, 0);
  const bottom = yOf(columns.length);
  const height = bottom + 40;
  const summary = columns.map(({ kernel, label }, index) => {
    const bad = rows.filter(({ cells }) => worstOf(cells[index]) === "bad").length;
    const run = rows.filter(({ cells }) => worstOf(cells[index]) !== undefined).length;
    return `${kernel}, ${label}: ${run} promises, ${bad} of them broken.`;
  });
  return (
    <figure>
      <Wide label="The matrix at a glance">
        <svg
          class="wall"
          viewBox={`0 0 ${left + width + 8} ${height}`}
          role="img"
          aria-label="The matrix at a glance"
          data-wall={JSON.stringify({ left, pitch, names: rows.map(({ name }) => name) })}
        >
          <desc>{summary.join(" ")}</desc>
          {columns.map(({ kernel, label }, index) => (
            <text x={left - 10} y={yOf(index) + 10.5} class="label">
              <tspan class="faint">{shortKernel(kernel)}</tspan> {label}
            </text>
          ))}
          {drawn.map((outcome) => (
            <path class={outcome} d={squares(outcome, columns, rows, pitch, yOf)} />
          ))}
          <Groups rows={rows} pitch={pitch} y={bottom} />
          <rect class="cursor" y={top - 4} width={pitch} height={bottom - top + 4} hidden />
        </svg>
      </Wide>
      <figcaption>
        A column of squares is a promise, a line of them a kernel and what keeps the ports.{" "}
        <span class="good">Filled: {looks.good.word}</span>;{" "}
        <span class="refused">half high: {looks.refused.word}</span>;{" "}
        <span class="absent">a dash: {looks.absent.word}</span>;{" "}
        <span class="skipped">hollow: {looks.skipped.word}</span>;{" "}
        <span class="bad">taller and broader: {looks.bad.word}</span>. <output class="hovered" />
      </figcaption>
    </figure>
  );
}

/** `Linux 6.18, here` → `6.18` */
function shortKernel(kernel: string): string {
  return kernel.replace(/^Linux /, "").replace(/, here$/, "");
}

/** The squares of all cells that came to `outcome` at worst, each outcome in a shape of its own. */
function squares(
  outcome: Outcome,
  columns: readonly Column[],
  rows: readonly Row[],
  pitch: number,
  yOf: (index: number) => number,
): string {
  const side = round(pitch * 0.8);
  const tall = line - 4;
  // Among hundreds it must be seen.
  const broad = Math.max(side, 4);
  const shapes: Readonly<Record<Outcome, string>> = {
    good: `h${side}v${tall}h-${side}z`,
    refused: `m0 ${tall / 2}h${side}v${tall / 2}h-${side}z`,
    absent: `m0 ${tall / 2 - 1}h${side}v2h-${side}z`,
    skipped: `h${side}v${tall}h-${side}zm0.5 1v${tall - 2}h${round(side - 1)}v-${tall - 2}z`,
    bad: `m0 -2.5h${broad}v${tall + 5}h-${broad}z`,
  };
  return columns.flatMap((_, column) =>
    rows.flatMap(({ cells }, row) =>
      worstOf(cells[column]) === outcome
        ? [`M${round(left + row * pitch)} ${yOf(column)}${shapes[outcome]}`]
        : []
    )
  ).join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** So narrow a group gets no name. */
const groupMin = 26;

/** The first words of the names, under the promises that begin so. */
function Groups({ rows, pitch, y }: { rows: readonly Row[]; pitch: number; y: number }) {
  const starts = rows.flatMap(({ name }, index) => {
    const [word] = name.split("-");
    const before = rows[index - 1]?.name.split("-")[0];
    return word === before ? [] : [{ word, index }];
  });
  return (
    <g class="groups">
      {starts.map(({ word, index }, nth) => {
        const size = ((starts[nth + 1]?.index ?? rows.length) - index) * pitch;
        const x = round(left + index * pitch);
        if (size < Math.max(groupMin, word.length * 6)) return null;
        return (
          <>
            <path d={`M${x} ${y}v4h${round(size - 2)}v-4`} />
            <text x={x + 2} y={y + 16}>{word}</text>
          </>
        );
      })}
    </g>
  );
}
