/** Act 6: all approaches side by side. A cell is what an act before measured, or what is measured now. */
import { renderTable } from "../../report/table.ts";
import { type Approach, approaches, isUnmodified, underPortpin } from "../approaches.ts";
import { counts, isKept } from "../conclusions.ts";
import type { Neighbour, Sample } from "../measurements.ts";
import { addresses } from "../peers.ts";
import type { Act, Stage } from "../stage.ts";

const heading = ["approach", "kept", "TCP", "UDP", "root", "other programs", "system calls"];

/** What the table says of one approach, and what is concluded from it. */
interface Row {
  readonly approach: Approach;
  readonly cells: readonly string[];
  readonly isWanted: boolean;
}

export const tableAct: Act = {
  title: "The approaches side by side",
  needsNamespace: true,
  async play(stage) {
    const rows: Row[] = [];
    for (const approach of stage.shown(approaches)) rows.push(await rowOf(stage, approach));
    // The reader's terminal may know no other characters.
    const table = renderTable(heading, rows.map(({ cells }) => cells)).replaceAll("\u2500", "-");
    for (const line of table.split("\n")) stage.write(line);
    stage.write("");
    if (!stage.hasRangeOption) {
      stage.say("This kernel has no IP_LOCAL_PORT_RANGE: approaches that need it are not shown.");
    }
    stage.say(`
      kept: whether every source port was ours, TCP and UDP. TCP, UDP: connections to one
      destination / to ${addresses.length}; + where more were possible than were tried. root:
      whether it is refused without capabilities. other programs: what one meets that wants nothing
      of our ports. system calls: of one TCP connect after the other, from socket(2) on, to the same
      destination, while ports run out. The first one under portpin also asks what is asked once, or
      once a second: what the kernel can, and the namespace's range.
    `);
    const names = (some: readonly { readonly name: string }[]) =>
      some.map(({ name }) => name).join("; ");
    const wanted = rows.filter(({ isWanted }) => isWanted).map(({ approach }) => approach);
    stage.conclude({
      claim: "portpin alone keeps the ports of a program that nobody changed, without root and " +
        "without binding others to them.",
      holds: names(wanted) === names(stage.shown(underPortpin)),
      measured: `those that do are ${names(wanted) || "none"}`,
    });
  },
};

async function rowOf({ measurements }: Stage, approach: Approach): Promise<Row> {
  const tcp = await measurements.sample(approach, "tcp");
  const udp = await measurements.sample(approach, "udp");
  const isPrivileged = await measurements.needsPrivilege(approach);
  const neighbour = await measurements.neighbour(approach);
  const calls = await measurements.calls(approach);
  const kept = isKept(tcp) && isKept(udp);
  return {
    approach,
    cells: [
      approach.name,
      kept ? "yes" : "no",
      countCell(tcp),
      countCell(udp),
      isPrivileged ? "yes" : "no",
      neighbourCell(neighbour),
      calls.join(" "),
    ],
    isWanted: kept && isUnmodified(approach) && !isPrivileged && !neighbour.isBound,
  };
}

function countCell(sample: Sample): string {
  const { one, all } = counts(sample);
  const more = (isRefused: boolean) => isRefused ? "" : "+";
  const everywhere = sample.errnos.every((errno) => errno !== undefined);
  return `${one}${more(sample.errnos[0] !== undefined)}/${all}${more(everywhere)}`;
}

function neighbourCell({ isBound, held, lost }: Neighbour): string {
  const effects = [
    ...isBound ? ["bound, too"] : [],
    ...lost > 0 ? [`lose ${lost} of ${held}`] : [],
  ];
  return effects.join(", ") || "unaffected";
}
