// What the tests of explain() share.

import { parseDestination } from "./destination.ts";
import { explain } from "./explain.ts";
import type { KernelView } from "./kernel_view.ts";
import { parseNetwork } from "./network.ts";
import type { ReadPolicy } from "./parse_policy.ts";
import type { Policy } from "./policy.ts";
import { valueOf } from "./ports.ts";
import { environmentSettings } from "./settings.ts";

/** A kernel that has it all, on a host with some of the addresses of documentation. */
export const able: KernelView = {
  ephemeral: { low: 32768, high: 60999 },
  reserved: [],
  unprivilegedFrom: 1024,
  portRangeErrno: undefined,
  noPortErrno: undefined,
  local: ["127.0.0.0/8", "::1", "192.0.2.7", "192.0.2.8", "2001:db8::7"]
    .map((text) => valueOf(parseNetwork(text))),
};

/** What is said of a policy without rules, a warning with an exclamation mark before it. */
export function said(
  policy: Policy,
  kernel = able,
  environment: Record<string, string> = {},
): string[] {
  return saidOfRead({ policy, ruleLines: [] }, kernel, environment);
}

/** What is said of a policy, or of what it does to the destination `to`. */
export function saidOfRead(
  read: ReadPolicy,
  kernel = able,
  environment: Record<string, string> = {},
  to?: string,
): string[] {
  const settings = environmentSettings((name) => environment[name]);
  const destination = to === undefined ? undefined : valueOf(parseDestination(to));
  return explain(read, settings, kernel, destination)
    .map(({ kind, text }) => kind === "warning" ? `! ${text}` : text);
}
