/** How what became of tests is shown: never by colour alone. */
import { type Cell, type Outcome, outcomes, worstOf } from "../matrix.ts";
import { grouped } from "./text.ts";

interface Look {
  /** A sign, and a word where a sign would not do. */
  readonly sign: string;
  readonly word: string;
  readonly meaning: string;
}

export const looks: Readonly<Record<Outcome, Look>> = {
  good: { sign: "✓", word: "good", meaning: "as the case promises" },
  refused: {
    sign: "⊘",
    word: "refused",
    meaning: "the kernel lacks the option and its engine was forced: the program was told by an " +
      "errno, and no peer saw a wrong port",
  },
  absent: { sign: "–", word: "absent", meaning: "the kernel has no such sockets" },
  skipped: {
    sign: "↷",
    word: "skipped",
    meaning: "it could not run there; the reason is in the row",
  },
  bad: { sign: "✗", word: "BAD", meaning: "a promise was broken" },
};

/**
 * A cell of a table: each outcome with its sign, the worst first. The `first` of a kernel has a line
 * before it.
 */
export function OutcomeCell(
  { cell, first, empty }: { cell: Cell; first: boolean; empty: string },
) {
  const worst = worstOf(cell);
  const look = `${worst ?? "none"}${first ? " first" : ""}`;
  if (worst === undefined) return <td class={look} title={empty}>·</td>;
  return (
    <td class={look}>
      {outcomes.filter((outcome) => cell[outcome] !== undefined).map((outcome) => (
        <OutcomeCount outcome={outcome} count={cell[outcome]!} />
      ))}
    </td>
  );
}

/** What is as it should be needs no word beside its sign. */
const silent: readonly Outcome[] = ["good", "refused", "absent"];

function OutcomeCount({ outcome, count }: { outcome: Outcome; count: number }) {
  const { sign, word } = looks[outcome];
  const said = silent.includes(outcome) ? "" : ` ${word}`;
  return <span class={outcome} title={word}>{sign}&#8239;{grouped(count)}{said}</span>;
}

/** What the signs mean. */
export function Legend({ empty }: { empty: string }) {
  return (
    <dl class="legend">
      {outcomes.toReversed().map((outcome) => (
        <div>
          <dt class={outcome}>{looks[outcome].sign} {looks[outcome].word}</dt>
          <dd>{looks[outcome].meaning}</dd>
        </div>
      ))}
      <div>
        <dt>·</dt>
        <dd>{empty}</dd>
      </div>
    </dl>
  );
}
