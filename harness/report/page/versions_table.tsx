/** What everything was measured with, a row for each file. */
import { type Kind, kinds } from "../results.ts";
import type { Data } from "./data.ts";
import { Section, Wide } from "./parts.tsx";
import { isSame, moment, short } from "./text.ts";

export function VersionsTable({ data }: { data: Data }) {
  const columns = ["made by", "time", "commit", "kernel", "processors", "libc", "Deno", "Zig"];
  return (
    <Section id="versions" title="Versions">
      <Wide label="Versions of all that was measured with">
        <table class="versions">
          <caption>
            What each file of <code>dist/report</code> was made with
          </caption>
          <thead>
            <tr>{columns.map((title) => <th scope="col">{title}</th>)}</tr>
          </thead>
          <tbody>
            {(Object.keys(kinds) as Kind[]).map((kind) => <FileRow kind={kind} data={data} />)}
          </tbody>
        </table>
      </Wide>
    </Section>
  );
}

function FileRow({ kind, data: { kept, head } }: { kind: Kind; data: Data }) {
  const file = kept[kind];
  const made = (
    <th scope="row">
      <code>{kinds[kind].task}</code>
    </th>
  );
  if ("missing" in file) {
    return (
      <tr>
        {made}
        <td colSpan={7}>{kind}.json {file.missing}</td>
      </tr>
    );
  }
  const { versions } = file;
  return (
    <tr>
      {made}
      <td>
        <time dateTime={versions.time}>{moment(versions.time)}</time>
      </td>
      <td class={isSame(versions, head) ? "" : "skipped"}>
        <code>{short(versions)}</code>
        {isSame(versions, head) ? "" : " ≠ this page"}
      </td>
      <td>{versions.kernel} {versions.architecture}</td>
      <td class="number">{versions.processors}</td>
      <td>{versions.libc ?? "–"}</td>
      <td>{versions.deno}</td>
      <td>{versions.zig ?? "–"}</td>
    </tr>
  );
}
