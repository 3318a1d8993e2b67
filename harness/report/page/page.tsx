/**
 * The whole page, without its style and its script. All of it is rendered once, so no element needs a
 * key.
 */
import { columnsOf, count, entriesOf } from "../matrix.ts";
import { Costs } from "./costs.tsx";
import { type Data, there } from "./data.ts";
import { MillionPart } from "./million_part.tsx";
import { Ports } from "./ports.tsx";
import { Promises } from "./promises.tsx";
import { counted, grouped, moment, short } from "./text.ts";
import { VersionsTable } from "./versions_table.tsx";

export function Page({ data }: { data: Data }) {
  return (
    <>
      <a class="skip" href="#promises">To the tables</a>
      <header>
        <h1>
          <span class="name">portpin</span> report
        </h1>
        <p>
          A program that nobody can change uses the source ports that its operator chose: what was
          promised of that, what was measured, and with what. Page of {short(data.head)}.
        </p>
        <nav aria-label="Sections">
          <a href="#promises">Promises</a>
          <a href="#programs">Programs</a>
          <a href="#ports">Ports</a>
          <a href="#costs">Costs</a>
          <a href="#million">Connections</a>
          <a href="#versions">Versions</a>
        </nav>
        <Facts data={data} />
      </header>
      <main>
        <Promises data={data} />
        <Ports data={data} />
        <Costs data={data} />
        <MillionPart data={data} />
        <VersionsTable data={data} />
      </main>
    </>
  );
}

/** The shortest answers; what is not known is left out. */
function Facts({ data }: { data: Data }) {
  const facts = [...testFacts(data), ...costFacts(data), ...millionFacts(data)];
  return (
    <dl class="facts">
      {facts.map(({ value, about, look }) => (
        <div>
          <dt class={look}>{value}</dt>
          <dd>{about}</dd>
        </div>
      ))}
    </dl>
  );
}

interface Fact {
  readonly value: string;
  readonly about: string;
  readonly look: "good" | "skipped" | "bad" | "plain";
}

function testFacts({ kept }: Data): Fact[] {
  const [cases, kernels] = [there(kept.cases), there(kept.kernels)];
  const entries = entriesOf(cases, kernels);
  if (entries.length === 0) return [];
  const { bad = 0, skipped = 0 } = count(entries);
  const ends = kernels?.runs.filter(({ problem }) => problem !== undefined).length ?? 0;
  const places = columnsOf(cases, kernels).length;
  const releases = kernels?.runs.map(({ label }) => label).join(", ");
  return [
    {
      value: grouped(bad + ends),
      about: `BAD of ${counted(entries.length, "test")}; ${grouped(skipped)} skipped`,
      look: bad + ends === 0 ? "good" : "bad",
    },
    {
      value: grouped(new Set(entries.map((entry) => entry.case)).size),
      about: `promises, each in up to ${places} worlds and engines` +
        (releases ? `; real kernels ${releases}` : ""),
      look: "plain",
    },
  ];
}

function costFacts({ kept }: Data): Fact[] {
  const bench = there(kept.bench);
  const judged = bench?.benchmarks.flatMap((one) => "figures" in one ? one.figures : [])
    .filter(({ verdict }) => verdict !== undefined) ?? [];
  if (judged.length === 0) return [];
  const having = (wanted: string) => judged.filter(({ verdict }) => verdict === wanted).length;
  const [good, unclear, over] = [having("good"), having("unclear"), having("OVER")];
  return [{
    value: `${good}/${judged.length}`,
    about: `costs within their budgets${unclear > 0 ? `; ${unclear} unclear` : ""}${
      over > 0 ? `; ${over} OVER` : ""
    }`,
    look: over > 0 ? "bad" : unclear > 0 ? "skipped" : "good",
  }];
}

function millionFacts({ kept }: Data): Fact[] {
  const million = there(kept.million);
  const run = million?.runs.find((one) => one.way === "kernel") ??
    million?.runs.find((one) => one.way === "emulation");
  if (million === undefined || run === undefined || "skipped" in run) return [];
  return [{
    value: grouped(run.flows),
    about: `connections at once from one address and ${grouped(million.ports)} ports`,
    look: run.problems.length === 0 ? "good" : "bad",
  }];
}

/** For the title bar. */
export function titleOf({ kept }: Data): string {
  const { versions } = there(kept.cases) ?? {};
  return versions === undefined ? "portpin report" : `portpin report, ${moment(versions.time)}`;
}
