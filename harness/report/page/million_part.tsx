/** What came of a million connections by a program that binds an address without a port. */
import type { Million } from "../results.ts";
import { type Data, there } from "./data.ts";
import { Section, Source, Wide } from "./parts.tsx";
import { grouped } from "./text.ts";

const names = { bare: "without portpin", kernel: "kernel engine", emulation: "emulation" } as const;

export function MillionPart({ data }: { data: Data }) {
  const million = there(data.kept.million);
  return (
    <Section id="million" title="Connections from one address">
      <p>
        A program calls <code>bind(ip, 0)</code>, then{" "}
        <code>connect</code>, again and again. Bare it stops when each port is taken once; with
        portpin a port carries a connection to each destination. The kernel is asked for both ends
        of every one of them.
      </p>
      <Source kind="million" data={data} />
      {million !== undefined && <Runs million={million} />}
    </Section>
  );
}

function Runs({ million: { flows, ports, destinations, runs } }: { million: Million }) {
  const caption = `${grouped(flows)} connections wanted, from ${grouped(ports)} ports to ` +
    `${grouped(destinations)} destinations`;
  return (
    <Wide label={caption}>
      <table class="figures">
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">run</th>
            <th scope="col" class="number">held</th>
            <th scope="col">stopped by</th>
            <th scope="col" class="number">seconds</th>
            <th scope="col" class="number">kernel memory, MB</th>
            <th scope="col">verdict</th>
          </tr>
        </thead>
        <tbody>{runs.map((run) => <RunRow run={run} wanted={flows} />)}</tbody>
      </table>
    </Wide>
  );
}

function RunRow({ run, wanted }: { run: Million["runs"][number]; wanted: number }) {
  if ("skipped" in run) {
    return (
      <tr>
        <th scope="row">{names[run.way]}</th>
        <td colSpan={4} />
        <td class="skipped">↷ skipped: {run.skipped}</td>
      </tr>
    );
  }
  const { way, flows, stop, seconds, memory, problems } = run;
  const isGood = problems.length === 0;
  return (
    <tr>
      <th scope="row">{names[way]}</th>
      <td class="number">
        {grouped(flows)}
        <i class="used" style={`--used:${(flows / wanted * 100).toFixed(1)}%`} />
      </td>
      <td>{stop ?? "–"}</td>
      <td class="number">{seconds.toFixed(1)}</td>
      <td class="number">{grouped(Math.round(memory * flows / 1e6))}</td>
      <td class={isGood ? "good" : "bad"}>{isGood ? "✓ good" : `✗ BAD: ${problems.join("; ")}`}</td>
    </tr>
  );
}
