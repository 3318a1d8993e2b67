/** What several sections have: headings, boxes for wide things, and what is said of a missing file. */
import type { ComponentChildren } from "preact";
import { type Kind, kinds } from "../results.ts";
import type { Commit } from "../versions.ts";
import type { Data } from "./data.ts";
import { linux, moment, short } from "./text.ts";

/** A section with a heading that can be linked to. */
export function Section(
  { id, title, children }: { id: string; title: string; children: ComponentChildren },
) {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  );
}

/** What is too wide for a phone scrolls in here, and by keyboard; the page itself never does. */
export function Wide(
  { label, tall = false, children }: {
    label: string;
    tall?: boolean;
    children: ComponentChildren;
  },
) {
  return (
    <div class={tall ? "wide tall" : "wide"} role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}

/** An SVG that is written already. */
export function Picture({ label, svg }: { label: string; svg: string }) {
  return (
    <figure>
      <Wide label={label}>
        <div dangerouslySetInnerHTML={{ __html: svg }} />
      </Wide>
    </figure>
  );
}

/**
 * Where the numbers of a file come from; loud where they are a part, or not of the commit of the page.
 * Where there is no file: which command makes it.
 */
export function Source({ kind, data }: { kind: Kind; data: Data }) {
  const kept = data.kept[kind];
  const command = <code>{kinds[kind].task}</code>;
  if ("missing" in kept) {
    return (
      <p class="note">
        <strong>Nothing to show:</strong> <code>dist/report/{kind}.json</code> {kept.missing}.{" "}
        {command} makes it.
      </p>
    );
  }
  const { versions } = kept;
  const from = `${moment(versions.time)}, ${linux(versions.kernel)}, commit ${short(versions)}`;
  const warnings = warningsOf(kept, data.head);
  return (
    <>
      <p class="origin">From {command}: {from}.</p>
      {warnings.length > 0 && <p class="note">{warnings.join(" ")}</p>}
    </>
  );
}

/** What a reader must know before believing the numbers of a file. */
function warningsOf(
  { versions, part }: { versions: Commit; part?: string },
  head: Commit,
): string[] {
  const warnings = part === undefined ? [] : [`A part only: ${part}.`];
  if (versions.commit === undefined) warnings.push("Of an unknown commit.");
  else if (versions.commit !== head.commit) {
    warnings.push(`Of another commit than this page, which is of ${short(head)}.`);
  }
  if (versions.modified) warnings.push("The repository had changes that are in no commit.");
  return warnings;
}
