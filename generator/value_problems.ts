// What is wrong with the values of a policy file whose syntax is sound: the schema's own issues, told
// in portpin's words and with their places, and what the schema cannot see.

import { closest, distance } from "fastest-levenshtein";
import { getNodeValue, type Node } from "jsonc-parser";
import type * as z from "zod";
import { placeOf } from "./place.ts";
import { type PolicyFile, policyJsonSchema, policySchema } from "./policy.ts";
import { parsePorts, parseSlice, slicingProblem, valueOf } from "./ports.ts";
import { type Checked, type RelationProblem, ruleProblems } from "./rule_problems.ts";
import { expectedEngine } from "./settings.ts";

/** One thing that is wrong, `offset` UTF-16 units into the file's text. */
export interface Problem {
  readonly offset: number;
  /** `Cannot ACT: reason`. */
  readonly message: string;
}

/** Everything that is wrong with the values of the file that `tree` was parsed from. */
export function valueProblems(text: string, tree: Node): Problem[] {
  const value = getNodeValue(tree);
  const issues: Issue[] = policySchema.safeParse(value, { error: reasonOf }).error?.issues ?? [];
  const problems = [
    ...duplicateKeys(tree),
    ...issues.flatMap((issue) => issueProblems(text, tree, issue)),
  ];
  if (tree.type !== "object") return problems;

  for (const { path, reason } of relationProblems(value, checked(text, tree, issues))) {
    const node = nodeAt(tree, path)!;
    problems.push({ offset: node.offset, message: complaint(path, getNodeValue(node), reason) });
  }
  return problems;
}

/** The file's values, without those that an issue is about. */
function checked(text: string, tree: Node, issues: readonly Issue[]): Checked {
  const refused = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => [...issue.path, key])
      : [issue.path]
  );
  const isAbout = (path: readonly PropertyKey[], part: readonly PropertyKey[]) =>
    part.every((step, index) => index >= path.length || step === path[index]);
  return {
    at(path) {
      if (refused.some((part) => isAbout(path, part))) return undefined;
      const node = nodeAt(tree, path);
      return node && getNodeValue(node);
    },
    lineOf: (path) => placeOf(text, nodeAt(tree, path)!.offset).line,
  };
}

type Issue = z.core.$ZodIssue;

/** Every key that its object has already; JSON leaves open which of them counts. */
function duplicateKeys(node: Node): Problem[] {
  const seen = new Set<string>();
  return (node.children ?? []).flatMap((child) => {
    const inner = duplicateKeys(child);
    if (child.type !== "property") return inner;
    const key = child.children![0];
    if (!seen.has(key.value)) {
      seen.add(key.value);
      return inner;
    }
    return [{ offset: key.offset, message: `Cannot use ${quote(key.value)}: duplicate key` }];
  });
}

/** Problems that no value has by itself: those of one value next to another. */
function relationProblems(value: object, file: Checked): RelationProblem[] {
  const problems: RelationProblem[] = [];
  const [portsText, sliceText] = ["ports", "slice"].map((key) =>
    file.at([key]) as string | undefined
  );
  const slice = sliceText === undefined ? undefined : valueOf(parseSlice(sliceText));
  if (portsText !== undefined && slice !== undefined) {
    const reason = slicingProblem(valueOf(parsePorts(portsText)), slice);
    if (reason !== undefined) problems.push({ path: ["slice"], reason });
  }
  const environment = file.at(["environment"]) as PolicyFile["environment"] | undefined;
  const rules = "rules" in value && Array.isArray(value.rules) ? value.rules : [];
  const isIdle = !("ports" in value) && !("source" in value) && rules.length === 0;
  const mayWork = environment?.some((name) =>
    name === "PORTPIN_PORTS" || name === "PORTPIN_SOURCE"
  );
  if (isIdle && mayWork === false) {
    const reason = "a policy without ports and source must allow PORTPIN_PORTS or PORTPIN_SOURCE";
    problems.push({ path: ["environment"], reason });
  }
  if (file.at(["listen"]) === "source" && !("source" in value)) {
    problems.push({ path: ["listen"], reason: "it needs a source, and the policy has none" });
  }
  return [...problems, ...ruleProblems(rules, slice, file)];
}

/** The reason that goes with one of zod's own issues; our own notations bring theirs along. */
function reasonOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${typeNames[issue.expected as string] ?? issue.expected}`;
    case "invalid_value": {
      if (issue.path?.[0] === "engine") return expectedEngine;
      if (issue.values.length === 1) return `expected ${String(issue.values[0])}`;
      return `expected one of ${issue.values.join(", ")}${suggestion(issue.input, issue.values)}`;
    }
    case "too_big":
      return `${(issue.input as unknown[]).length} are more than the limit of ${issue.maximum}`;
    case "too_small":
      return "the list is empty";
    default:
      return undefined;
  }
}

const typeNames: Record<string, string> = {
  string: "a string",
  boolean: "true or false",
  object: "an object",
  array: "a list",
};

/** An issue with its place in the text; unknown keys come several in one issue. */
function issueProblems(text: string, tree: Node, issue: Issue): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const keys = keysAt(issue.path);
    return issue.keys.map((key) => ({
      offset: nodeAt(tree, [...issue.path, key])!.parent!.offset,
      message: `Cannot use ${quote(key)}: unknown key${suggestion(key, keys)}`,
    }));
  }
  const node = nodeAt(tree, issue.path);
  if (node === undefined) return [missing(tree, issue.path)];
  const within = issue.code === "custom" ? issue.params?.offset ?? 0 : 0;
  return [{
    offset: node.offset + offsetInString(text, node, within),
    message: complaint(issue.path, getNodeValue(node), issue.message),
  }];
}

/** The keys that the object at `path` may have. */
function keysAt(path: readonly PropertyKey[]): string[] {
  const schema = path.reduce<JsonSchema | undefined>(
    (schema, step) => typeof step === "number" ? schema?.items : schema?.properties?.[String(step)],
    policyJsonSchema(),
  );
  return Object.keys(schema?.properties ?? {});
}

interface JsonSchema {
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** An object without a key that it needs. */
function missing(tree: Node, path: readonly PropertyKey[]): Problem {
  const owner = path.slice(0, -1);
  const node = nodeAt(tree, owner)!;
  const reason = `it has no ${String(path.at(-1))}`;
  const message = owner.length === 0
    ? `Cannot use the policy: ${reason}`
    : complaint(owner, getNodeValue(node), reason);
  return { offset: node.offset, message };
}

function complaint(path: readonly PropertyKey[], value: unknown, reason: string): string {
  const name = path.length === 0 ? "the policy" : formatPath(path);
  return `Cannot use ${name} ${quote(value)}: ${reason}`;
}

/** `rules[0].to.networks[1]` */
function formatPath(path: readonly PropertyKey[]): string {
  return path.map((step, index) => {
    if (typeof step === "number") return `[${step}]`;
    return `${index === 0 ? "" : "."}${String(step)}`;
  }).join("");
}

/** Where character `within` of a string is in its literal, if nothing before it is escaped. */
function offsetInString(text: string, node: Node, within: number): number {
  const literal = text.slice(node.offset, node.offset + node.length);
  return within > 0 && literal === `"${node.value}"` ? within + 1 : 0;
}

/** The node at `path`; of duplicate keys the last, as {@linkcode getNodeValue} does. */
function nodeAt(tree: Node, path: readonly PropertyKey[]): Node | undefined {
  return path.reduce<Node | undefined>((node, step) => {
    if (typeof step === "number") return node?.children?.[step];
    return node?.children?.findLast(({ children }) => children?.[0].value === step)?.children?.[1];
  }, tree);
}

/** `, did you mean …?` when one of the candidates is near. */
function suggestion(received: unknown, candidates: readonly unknown[]): string {
  if (typeof received !== "string") return "";
  const nearest = closest(received, candidates.map(String));
  const near = distance(received, nearest) <= 2;
  return near ? `, did you mean ${nearest}?` : "";
}

/** A received value as JSON. */
function quote(value: unknown): string {
  return oneLine(JSON.stringify(value));
}

/** The text without invisible characters and of bounded length, fit for one line of a terminal. */
export function oneLine(text: string): string {
  const visible = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
  return visible.length <= 100 ? visible : `${visible.slice(0, 99)}…`;
}
