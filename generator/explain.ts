// Says in words what a policy does on a kernel. Pure: the kernel comes in as a KernelView.
//
// This file sees to the environment, which counts as it does in the shim; what a policy does by
// itself is explain_policy.ts, and what it does to one destination explain_destination.ts.

import { explainDestination } from "./explain_destination.ts";
import { explainPolicy } from "./explain_policy.ts";
import { Failure } from "./failure.ts";
import type { KernelView } from "./kernel_view.ts";
import type { ReadPolicy } from "./parse_policy.ts";
import type { Destination } from "./rules.ts";
import { forbids, type Setting, withSettings } from "./settings.ts";
import { fact, type Statement, warning } from "./statement.ts";

/**
 * What a policy does under `kernel` where the environment holds `settings`: to everything, or to
 * `destination` alone.
 *
 * @throws {Failure} where a guest would not start for want of a usable environment.
 */
export function explain(
  { policy, ruleLines }: ReadPolicy,
  settings: readonly Setting[],
  kernel: KernelView,
  destination?: Destination,
): Statement[] {
  const explainWith = (settings: readonly Setting[]) => {
    const read = { policy: withSettings(policy, settings), ruleLines };
    return destination === undefined
      ? explainPolicy(read, kernel)
      : explainDestination(read, kernel, destination);
  };
  const forbidden = settings.filter((setting) => forbids(policy, setting));
  const allowed = settings.filter((setting) => !forbids(policy, setting));
  if (allowed.some(({ key, text }) => key === "off" && text === "1")) {
    return [warning("PORTPIN_OFF=1: portpin does nothing at all.")];
  }
  const given = allowed.map(({ spelling }) => fact(`With ${spelling} from the environment:`));
  if (policy.whenUnkept === "refuse") return [...given, ...explainWith(settings)];

  const ignored = forbidden.map(({ spelling }) =>
    warning(`${spelling} is ignored: the policy forbids it.`)
  );
  try {
    return [...ignored, ...given, ...explainWith(allowed)];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [...ignored, warning(`No port is pinned (whenUnkept: leave). ${error.message}`)];
  }
}
