/** The acts in their order, and how some of them are played. */
import type { Act, Stage } from "./stage.ts";
import { namespaceAct } from "./acts/namespace.ts";
import { optionsAct } from "./acts/options.ts";
import { plainAct } from "./acts/plain.ts";
import { portpinAct } from "./acts/portpin.ts";
import { searchAct } from "./acts/search.ts";
import { tableAct } from "./acts/table.ts";
import { describeMissing, findInstalled } from "../servers/programs.ts";

/** They are called by their numbers, from 1. */
export const acts: readonly Act[] = [
  plainAct,
  searchAct,
  namespaceAct,
  optionsAct,
  portpinAct,
  tableAct,
];

/** What is not shown, and why. */
export interface Skipped {
  readonly number: number;
  readonly reason: string;
}

/** What every act runs. */
const required = ["python3", "setpriv", "strace"];

/**
 * Plays the acts with these `numbers`; `namespaceProblem` is why there is no network namespace.
 * What cannot be shown here is said in its place.
 */
export async function play(
  numbers: readonly number[],
  stage: Stage,
  namespaceProblem: string | undefined,
): Promise<Skipped[]> {
  const skipped: Skipped[] = [];
  for (const number of numbers) {
    const act = acts[number - 1];
    stage.title(`Act ${number}. ${act.title}`);
    const reason = whyNot(act, stage, namespaceProblem);
    if (reason === undefined) await act.play(stage);
    else {
      stage.say(`It cannot be shown here: ${reason}.`);
      skipped.push({ number, reason });
    }
  }
  return skipped;
}

/** Why an act cannot be shown here; undefined when it can. */
export function whyNot(act: Act, stage: Stage, namespaceProblem?: string): string | undefined {
  const missing = required.filter((name) => findInstalled(name) === undefined);
  if (missing.length > 0) return `missing: ${missing.map(describeMissing).join(", ")}`;
  if (act.needsNamespace && namespaceProblem !== undefined) return namespaceProblem;
  if (act.needsRangeOption && !stage.hasRangeOption) return "the kernel has no IP_LOCAL_PORT_RANGE";
  return undefined;
}
