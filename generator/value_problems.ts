// What is wrong with the values of a policy file whose syntax is sound: the schema's own issues, told
// in portpin's words and with their places, and what the schema cannot see.

import { closest, distance } from "fastest-levenshtein";
import { getNodeValue, type Node } from "jsonc-parser";
import type * as z from "zod";
import { type PolicyFile, policySchema } from "./policy.ts";
import { parsePorts, parseSlice, slicingProblem } from "./ports.ts";
import { expectedEngine, sourceUnsupported } from "./settings.ts";

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

  const refused = new Set(issues.map(({ path }) => path[0]));
  const file = Object.entries(value).map(([key, of]) => [key, refused.has(key) ? undefined : of]);
  for (const [key, reason] of relationProblems(Object.fromEntries(file))) {
    const node = nodeAt(tree, [key])!;
    problems.push({ offset: node.offset, message: complaint(key, getNodeValue(node), reason) });
  }
  return problems;
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

/** Problems that no value has by itself: those of one value next to another, or in this version. */
function relationProblems(file: Partial<PolicyFile>): [keyof PolicyFile, string][] {
  const problems: [keyof PolicyFile, string][] = [];
  const ports = file.ports && parsePorts(file.ports);
  const slice = file.slice && parseSlice(file.slice);
  if (ports && ports.ok && slice && slice.ok) {
    const problem = slicingProblem(ports.value, slice.value);
    if (problem !== undefined) problems.push(["slice", problem]);
  }
  if (!("ports" in file) && file.environment?.includes("PORTPIN_PORTS") === false) {
    problems.push(["environment", "a policy without ports must allow PORTPIN_PORTS"]);
  }
  if (file.source !== undefined) problems.push(["source", sourceUnsupported]);
  return problems;
}

/** The reason that goes with one of zod's own issues; our own notations bring theirs along. */
function reasonOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${typeNames[issue.expected as string] ?? issue.expected}`;
    case "invalid_value": {
      if (issue.path?.[0] === "engine") return expectedEngine;
      return `expected one of ${issue.values.join(", ")}${suggestion(issue.input, issue.values)}`;
    }
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
    const keys = Object.keys(policySchema.shape);
    return issue.keys.map((key) => ({
      offset: nodeAt(tree, [...issue.path, key])!.parent!.offset,
      message: `Cannot use ${quote(key)}: unknown key${suggestion(key, keys)}`,
    }));
  }
  const node = nodeAt(tree, issue.path);
  if (node === undefined) {
    return [{ offset: tree.offset, message: `Cannot use the policy: it has no ${issue.path}` }];
  }
  const within = issue.code === "custom" ? issue.params?.offset ?? 0 : 0;
  return [{
    offset: node.offset + offsetInString(text, node, within),
    message: complaint(issue.path[0], getNodeValue(node), issue.message),
  }];
}

function complaint(key: PropertyKey | undefined, value: unknown, reason: string): string {
  return `Cannot use ${key === undefined ? "the policy" : String(key)} ${quote(value)}: ${reason}`;
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
