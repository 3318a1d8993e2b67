/** Act 5: the program of act 1 under portpin, whatever the kernel has. */
import {
  type Approach,
  emulationEngine,
  kernelEngine,
  without51,
  without51And24,
} from "../approaches.ts";
import {
  freely,
  keeps,
  leavesPorts,
  losesPorts,
  run,
  sharesPorts,
  stopsAtPorts,
} from "../conclusions.ts";
import type { Act, Stage } from "../stage.ts";

export const portpinAct: Act = {
  title: "The plain program under portpin",
  needsNamespace: true,
  async play(stage) {
    stage.say(`
      portpin sets the options from inside a program that nobody changed: it is a library that the
      dynamic linker loads first. What runs below is plain.py of act 1, as it is. With the engine
      "kernel" the kernel keeps the ports:
    `);
    if (stage.hasRangeOption) {
      await showKept(stage, kernelEngine);
      stage.conclude(leavesPorts(await stage.measurements.neighbour(kernelEngine)));
    } else stage.say("(Not here: this kernel has no IP_LOCAL_PORT_RANGE.)");
    stage.say(`
      The engine "emulation" is the search of act 2, done inside connect. It looks whether the
      4-tuple is free before it binds:
    `);
    await showEmulated(stage, emulationEngine);
    await showRetry(stage, emulationEngine);
    stage.say("A kernel without IP_LOCAL_PORT_RANGE. Nobody chooses an engine:");
    await showEmulated(stage, without51);
    stage.say("And one without IP_BIND_ADDRESS_NO_PORT, too, older than Linux 4.2:");
    await showEmulated(stage, without51And24);
  },
};

async function showKept(stage: Stage, approach: Approach): Promise<void> {
  const tcp = await run(stage, approach, "tcp");
  stage.conclude(keeps(tcp), sharesPorts(tcp));
  stage.conclude(stopsAtPorts(await run(stage, approach, "udp")));
  stage.conclude(freely(await stage.measurements.needsPrivilege(approach)));
}

/** A socket that was refused is not stuck: nothing was bound yet. */
async function showRetry(stage: Stage, approach: Approach): Promise<void> {
  stage.say("A socket that found all ports taken for one destination is as it was before:");
  await stage.show("retry.py");
  const output = await stage.measurements.output(approach, "retry.py");
  stage.output(approach, output);
  const [refused, again] = output.lines.slice(-2).map((line) => line.split(": ").at(-1)!);
  stage.conclude({
    claim: "A socket for which there was no port can still connect elsewhere.",
    holds: refused === "EADDRNOTAVAIL" && again === "ok",
    measured: `connect ${refused}, and elsewhere ${again}`,
  });
}

/** What is bound by number stays so, whoever does it: this downside of a search remains. */
async function showEmulated(stage: Stage, approach: Approach): Promise<void> {
  await showKept(stage, approach);
  stage.conclude(losesPorts(await stage.measurements.neighbour(approach)));
}
