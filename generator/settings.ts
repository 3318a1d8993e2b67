// Settings from outside a policy file: environment variables and flags. They go through the same
// validators as the file, and messages name them as the user spelled them.

import { exitStatus, Failure } from "./failure.ts";
import { engines, type Policy } from "./policy.ts";
import { type Parsed, parsePorts, parseSlice, slicingProblem } from "./ports.ts";
import { parseSource } from "./source.ts";

/** What can be set from outside; the keys of a policy, and `off` and `log`. */
export type SettingKey = "ports" | "slice" | "source" | "engine" | "log" | "off";

/** What each variable `PORTPIN_KEY` may hold and what it does, for manuals. */
export const variableMeanings: Readonly<Record<SettingKey, { value: string; meaning: string }>> = {
  ports: {
    value: "LOW-HIGH",
    meaning: "The source ports: a range, a single port, or several of these separated by commas.",
  },
  slice: {
    value: "INDEX/COUNT",
    meaning: "Only the part INDEX, from 0, of COUNT equal parts of the ports.",
  },
  source: {
    value: "ADDRESS",
    meaning: "The address to send from: an IPv4 and/or an IPv6 one, separated by a comma.",
  },
  engine: {
    value: engines.join("|"),
    meaning: "How the ports are honoured; auto is the first of the others that can.",
  },
  log: {
    value: "FILE",
    meaning: "Where a line of JSON for each decision goes: an absolute path, or stderr.",
  },
  off: { value: "1", meaning: "Do nothing at all." },
};

/** One value from outside. */
export interface Setting {
  readonly key: SettingKey;
  readonly text: string;
  /** As the user wrote it: `PORTPIN_PORTS=60000-`, `--ports 60000-`. */
  readonly spelling: string;
}

/** Every `PORTPIN_` variable of design.md that is set; `get` is as `Deno.env.get`. */
export function environmentSettings(get: (name: string) => string | undefined): Setting[] {
  const keys = Object.keys(variableMeanings) as SettingKey[];
  return keys.flatMap((key) => {
    const name = `PORTPIN_${key.toUpperCase()}`;
    const text = get(name);
    return text === undefined ? [] : [{ key, text, spelling: `${name}=${text}` }];
  });
}

/** One flag, spelled `--ports 60000-60511`. */
export function flagSetting(key: SettingKey, text: string): Setting {
  return { key, text, spelling: `--${key} ${text}` };
}

/** What a setting can be used for, or why not. */
function parseSetting({ key, text }: Setting): Parsed<Partial<Policy>> {
  switch (key) {
    case "ports":
      return mapParsed(parsePorts(text), (ports) => ({ ports }));
    case "slice":
      return mapParsed(parseSlice(text), (slice) => ({ slice }));
    case "engine": {
      const engine = engines.find((known) => known === text);
      return engine === undefined ? refuse(expectedEngine) : { ok: true, value: { engine } };
    }
    case "off":
      return text === "1" ? { ok: true, value: {} } : refuse("expected 1");
    case "source":
      return mapParsed(parseSource(text), (source) => ({ source }));
    case "log":
      return isLog(text) ? { ok: true, value: {} } : refuse(expectedLog);
  }
}

const expectedLog = "expected an absolute path or stderr";

/** Linux takes no longer path: PATH_MAX with its final NUL. */
const pathBytesMax = 4095;

function isLog(text: string): boolean {
  const { length } = new TextEncoder().encode(text);
  return text === "stderr" || (text.startsWith("/") && length <= pathBytesMax);
}

/** Why a text that is not an engine cannot be used; in policy files too. */
export const expectedEngine = `expected one of ${engines.join(", ")}`;

/**
 * The policy with `settings` in place of its own values.
 *
 * @throws {Failure} with a line for each setting that cannot be used or that the policy forbids.
 */
export function withSettings(policy: Policy, settings: readonly Setting[]): Policy {
  const lines: string[] = [];
  let result = policy;
  for (const setting of settings) {
    const parsed = forbids(policy, setting)
      ? refuse("the policy forbids it")
      : parseSetting(setting);
    if (parsed.ok) result = { ...result, ...parsed.value };
    else lines.push(...parsed.problems.map(({ reason }) => complaint(setting, reason)));
  }
  if (lines.length === 0) lines.push(...slicingComplaints(result, settings));
  if (lines.length > 0) throw new Failure(lines.join("\n"), exitStatus.configuration);
  return Object.freeze(result);
}

/** Whether the policy keeps its own value; the shim says so too, and goes by `whenUnkept`. */
export function forbids({ environment }: Policy, { key }: Setting): boolean {
  return key in environment && !environment[key as keyof Policy["environment"]];
}

/** A slice that is too fine for some ports, said of whichever setting brought it about. */
function slicingComplaints(
  { ports, slice, rules }: Policy,
  settings: readonly Setting[],
): string[] {
  if (slice === null) return [];
  const setting = settings.find(({ key }) => key === "slice") ??
    settings.find(({ key }) => key === "ports");
  if (setting === undefined) return [];
  const own = rules.flatMap(({ then }, index) => {
    if (then === "leave" || then.ports.length === 0) return [];
    const problem = slicingProblem(then.ports, slice);
    return problem === undefined ? [] : [`${problem} of rules[${index}]`];
  });
  const problem = ports.length === 0 ? undefined : slicingProblem(ports, slice);
  return [...(problem === undefined ? [] : [problem]), ...own]
    .map((reason) => complaint(setting, reason));
}

function complaint({ spelling }: Setting, reason: string): string {
  return `portpin: Cannot use ${spelling}: ${reason}`;
}

function mapParsed<A, B>(parsed: Parsed<A>, map: (value: A) => B): Parsed<B> {
  return parsed.ok ? { ok: true, value: map(parsed.value) } : parsed;
}

function refuse(reason: string): { ok: false; problems: { offset: number; reason: string }[] } {
  return { ok: false, problems: [{ offset: 0, reason }] };
}
