// What is wrong with the rules of a policy file that the schema cannot see: parts that do not go
// together, and rules that can never match because an earlier one has all their destinations.

import { familyNames } from "./address.ts";
import { networkFamily, parseNetwork } from "./network.ts";
import { canonicalMatcher, canonicalRule, type RuleFile } from "./policy.ts";
import { parsePorts, type Slice, slicingProblem, valueOf } from "./ports.ts";
import { areAlike, covers, type Matcher, type Rule } from "./rules.ts";
import { parseSource } from "./source.ts";

/** What is wrong with the value at `path` of the file. */
export interface RelationProblem {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

/** A policy file's values, of which the schema may have refused some. */
export interface Checked {
  /** The value at `path`; undefined when there is none, or something about it was refused. */
  at(path: readonly PropertyKey[]): unknown;
  /** The line on which the value at `path` begins. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** Everything that is wrong between the parts of `rules`, which are as the file has them. */
export function ruleProblems(
  rules: readonly unknown[],
  slice: Slice | undefined,
  file: Checked,
): RelationProblem[] {
  const own = rules.flatMap((rule, index) => {
    if (typeof rule !== "object" || rule === null || Array.isArray(rule)) return [];
    return ownProblems(rule, index, slice, file);
  });
  return [...own, ...coverProblems(rules.length, file, own)];
}

/** Every rule that can never match, because one earlier rule has all its destinations. */
function coverProblems(
  count: number,
  file: Checked,
  own: readonly RelationProblem[],
): RelationProblem[] {
  const problems: RelationProblem[] = [];
  const passed: { index: number; matcher: Matcher; rule: Rule | undefined }[] = [];
  for (let index = 0; index < count; index++) {
    // What is wrong with the rest of a rule changes nothing about whom it is for.
    const to = file.at(["rules", index, "to"]) as RuleFile["to"] | undefined;
    if (to === undefined || Object.keys(to).length === 0) continue;
    const matcher = canonicalMatcher(to);
    const whole = file.at(["rules", index]) as RuleFile | undefined;
    const isSound = whole !== undefined && !own.some(({ path }) => path[1] === index);
    const rule = isSound ? canonicalRule(whole) : undefined;
    const earlier = passed.find((other) => covers(other.matcher, matcher));
    passed.push({ index, matcher, rule });
    if (earlier === undefined) continue;
    const which = `rules[${earlier.index}] on line ${file.lineOf(["rules", earlier.index])}`;
    const reason = rule && earlier.rule && areAlike(earlier.rule, rule)
      ? `it is a duplicate of ${which}`
      : `it never matches, because ${which} comes first and covers it`;
    problems.push({ path: ["rules", index], reason });
  }
  return problems;
}

/** The problems that the rule has without regard to the others. */
function ownProblems(
  rule: object,
  index: number,
  slice: Slice | undefined,
  file: Checked,
): RelationProblem[] {
  const problems: RelationProblem[] = [];
  const refuse = (reason: string, ...path: PropertyKey[]) => {
    problems.push({ path: ["rules", index, ...path], reason });
  };
  const at = (...path: PropertyKey[]) => file.at(["rules", index, ...path]);

  const to = at("to");
  if (to !== undefined && Object.keys(to as object).length === 0) {
    refuse("expected networks, ports or transport", "to");
  }
  if (Object.keys(rule).every((key) => key === "to")) refuse("expected leave, ports or source");
  if (at("leave") === true && ("ports" in rule || "source" in rule)) {
    refuse("a rule that leaves guests alone has no ports and no source", "leave");
  }
  const ports = at("ports") as RuleFile["ports"];
  const tooFine = ports && slice && portsProblem(ports, slice);
  if (tooFine) refuse(tooFine, "ports");
  const networks = at("to", "networks") as RuleFile["to"]["networks"];
  const source = at("source") as RuleFile["source"];
  const unfit = networks && source && familyProblem(networks, source);
  if (unfit) refuse(unfit, "source");
  return problems;
}

function portsProblem(text: string, slice: Slice): string | undefined {
  const problem = slicingProblem(valueOf(parsePorts(text)), slice);
  return problem && `${problem}, and the policy's slice is taken of these, too`;
}

/** Why nothing can be sent to any of the networks from a source. */
function familyProblem(networks: readonly string[], text: string): string | undefined {
  const source = valueOf(parseSource(text));
  const families = new Set(
    networks.map((network) => networkFamily(valueOf(parseNetwork(network)))),
  );
  const [family, ...others] = families;
  if (others.length > 0 || source[family] !== undefined) return undefined;
  const only = familyNames[family === "ipv4" ? "ipv6" : "ipv4"];
  return `an ${familyNames[family]} network with an ${only} source only`;
}
