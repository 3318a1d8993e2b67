/** Which ports were chosen: by all that the tests ran, and by the engines where nothing disturbs. */
import { type Data, there } from "./data.ts";
import { Picture, Section, Source } from "./parts.tsx";
import { ScatterPlot } from "./scatter_plot.tsx";

export function Ports({ data }: { data: Data }) {
  const cases = there(data.kept.cases);
  const { ports } = data.pictures;
  return (
    <Section id="ports" title="Ports chosen">
      {cases === undefined ? <Source kind="cases" data={data} /> : <ScatterPlot cases={cases} />}
      {ports !== undefined
        ? <Picture label="Which ports are chosen where none is taken" svg={ports} />
        : there(data.kept.bench) === undefined && <Source kind="bench" data={data} />}
    </Section>
  );
}
