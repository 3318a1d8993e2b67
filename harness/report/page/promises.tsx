/** The matrix: what was promised, by case and by program, in every world and on every kernel. */
import {
  type Column,
  columnsOf,
  count,
  entriesOf,
  type Outcome,
  outcomes,
  promisesOf,
  type Row,
  rowsBy,
} from "../matrix.ts";
import type { Cases, Kernels, Promised } from "../results.ts";
import { type Data, there } from "./data.ts";
import { MatrixTable } from "./matrix_table.tsx";
import { Legend, looks } from "./outcome.tsx";
import { Section, Source, Wide } from "./parts.tsx";
import { counted, grouped } from "./text.ts";
import { Wall } from "./wall.tsx";

export function Promises({ data }: { data: Data }) {
  const cases = there(data.kept.cases);
  const kernels = there(data.kept.kernels);
  const columns = columnsOf(cases, kernels);
  const entries = entriesOf(cases, kernels);
  const tried = new Set(entries.map((entry) => entry.case));
  const promised = promisesOf(cases, kernels).filter(({ name }) => tried.has(name));
  const rows = rowsBy(promised.map(({ name }) => name), entries, columns, (entry) => entry.case);
  const programs = [...new Set(entries.map(({ program }) => program))].sort();
  return (
    <Section id="promises" title="Promises kept">
      <p>
        A case is one promise, held against a real program. Its verdict comes from the other end:
        the peer's address that a listener saw. A case runs in several worlds, some of which play an
        older kernel by a seccomp filter; one that says itself what keeps the ports runs in the
        first alone. Real old kernels, under QEMU, are the ground truth.
      </p>
      <Source kind="cases" data={data} />
      <Source kind="kernels" data={data} />
      {columns.length > 0 && (
        <>
          <Wall columns={columns} rows={rows} />
          <Totals columns={columns} entries={entries} />
          <h3 id="cases">By promise</h3>
          <Legend empty="not promised there, or left out: see below" />
          <Filter rows={rows.length} />
          <MatrixTable
            id="by-promise"
            caption={`What became of ${counted(entries.length, "test")} of ${
              counted(rows.length, "promise")
            }`}
            noun="promise"
            columns={columns}
            rows={rows}
            describe={(row) => <Described row={row} promised={promised} cases={cases} />}
          />
          <h3 id="programs">By program</h3>
          <MatrixTable
            id="by-program"
            caption="The same by the program that was run, unmodified"
            noun="program"
            columns={columns}
            rows={rowsBy(programs, entries, columns, (entry) => entry.program)}
            describe={(row) => <p>{promisesIn(row)}</p>}
          />
          <LeftOut kernels={kernels} />
        </>
      )}
    </Section>
  );
}

/** One row a column of the matrix: the shortest answer there is. */
function Totals(
  { columns, entries }: { columns: readonly Column[]; entries: ReturnType<typeof entriesOf> },
) {
  const byColumn = Map.groupBy(entries, ({ column }) => column);
  const cells = columns.map(({ key }) => count(byColumn.get(key) ?? []));
  const used = outcomes.toReversed().filter((outcome) =>
    outcome === "bad" || cells.some((cell) => cell[outcome] !== undefined)
  );
  const sum = (outcome: Outcome) => cells.reduce((all, cell) => all + (cell[outcome] ?? 0), 0);
  return (
    <Wide label="Tests by kernel and engine">
      <table class="totals">
        <caption>Tests by kernel and engine</caption>
        <thead>
          <tr>
            <th scope="col">kernel</th>
            <th scope="col">what keeps the ports</th>
            {used.map((outcome) => (
              <th scope="col" class="number">{looks[outcome].sign} {looks[outcome].word}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {columns.map(({ kernel, label }, index) => (
            <tr>
              <th scope="row">{kernel}</th>
              <td>{label}</td>
              {used.map((outcome) => (
                <Total
                  outcome={outcome}
                  value={cells[index][outcome] ?? 0}
                />
              ))}
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>all</th>
            {used.map((outcome) => <Total outcome={outcome} value={sum(outcome)} />)}
          </tr>
        </tfoot>
      </table>
    </Wide>
  );
}

function Total({ outcome, value }: { outcome: Outcome; value: number }) {
  return <td class={`number ${value === 0 ? "none" : outcome}`}>{grouped(value)}</td>;
}

/** Shown by the script, which makes it work. */
function Filter({ rows }: { rows: number }) {
  return (
    <form class="filter" data-filter="by-promise" autocomplete="off" hidden>
      <label>
        Filter <input type="search" name="text" placeholder="name, promise or program" />
      </label>
      <label>
        Show{" "}
        <select name="outcome">
          <option value="">everything</option>
          {outcomes.map((outcome) => <option value={outcome}>with {looks[outcome].word}</option>)}
        </select>
      </label>
      <output aria-live="polite" data-of={rows}>{counted(rows, "row")}</output>
    </form>
  );
}

/** What is promised, with whom it was tried, and how many ports were seen. */
function Described(
  { row, promised, cases }: {
    row: Row;
    promised: readonly Promised[];
    cases: Cases | undefined;
  },
) {
  const { promise, ports } = promised.find(({ name }) => name === row.name)!;
  const tests = cases?.tests.filter((test) => test.case === row.name) ?? [];
  const families = [...new Set(tests.map(({ family }) => family))].join(", ");
  const seen = new Set(tests.flatMap((test) => test.seen.map(([_, port]) => port)));
  const programs = [...new Set(row.entries.map(({ program }) => program))].join(", ");
  return (
    <>
      <p>{promise}</p>
      <p>
        <small>
          {programs}
          {families !== "" && `, over ${families}`}. Ports {ports}
          {seen.size > 0 && `; peers saw ${counted(seen.size, "port")}`}.
        </small>
      </p>
    </>
  );
}

function promisesIn({ entries }: Row): string {
  const names = [...new Set(entries.map((entry) => entry.case))];
  return names.length > 40 ? counted(names.length, "promise") : names.join(", ");
}

/** Why tests of this machine do not run on real kernels, too. */
function LeftOut({ kernels }: { kernels: Kernels | undefined }) {
  if (kernels === undefined) return null;
  const reasons = [
    ...new Set(kernels.runs.flatMap(({ leftOut }) => leftOut.map(({ reason }) => reason))),
  ];
  const problems = kernels.runs.filter(({ problem }) => problem !== undefined);
  return (
    <>
      {problems.map(({ label, problem }) => (
        <p class="note">
          <strong class="bad">Linux {label} did not come to its end:</strong> {problem}
        </p>
      ))}
      <details class="wider">
        <summary>What is left out on real kernels, by reason</summary>
        <Wide label="Left out on real kernels">
          <table>
            <caption>Tests of these cases that do not run under QEMU, where time is dear</caption>
            <thead>
              <tr>
                <th scope="col">reason</th>
                {kernels.runs.map(({ label }) => <th scope="col" class="number">{label}</th>)}
              </tr>
            </thead>
            <tbody>
              {reasons.map((reason) => (
                <tr>
                  <th scope="row">{reason}</th>
                  {kernels.runs.map(({ leftOut }) => (
                    <td class="number">
                      {grouped(leftOut.find((one) => one.reason === reason)?.tests ?? 0)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </details>
    </>
  );
}
