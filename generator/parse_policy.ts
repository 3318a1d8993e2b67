// Reads a policy file: JSONC → canonical Policy, or every problem of the file at once.
//
// Each problem has its place. A file whose syntax is broken gets its syntax errors alone: what the
// rest would mean is a guess. A value is never repaired.

import { closest, distance } from "fastest-levenshtein";
import {
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type * as z from "zod";
import { exitStatus, Failure } from "./failure.ts";
import { canonicalPolicy, type Policy, type PolicyFile, policySchema } from "./policy.ts";
import { parsePorts, parseSlice, slicingProblem } from "./ports.ts";
import { engineProblem, sourceUnsupported } from "./settings.ts";

/** One thing that is wrong with a policy file. */
export interface PolicyProblem {
  /** From 1; absent when the file as a whole cannot be read. */
  readonly line?: number;
  /** In characters, from 1. */
  readonly column?: number;
  /** `Cannot ACT: reason`. */
  readonly message: string;
}

/** A policy file that cannot be used: `message` has a line `FILE:LINE:COLUMN: …` per problem. */
export class PolicyFailure extends Failure {
  constructor(readonly file: string, readonly problems: readonly PolicyProblem[]) {
    const lines = problems.map(({ line, column, message }) =>
      line === undefined ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`
    );
    super(lines.join("\n"), exitStatus.configuration);
  }
}

/**
 * Reads and parses the policy file at `file`, a path that messages repeat as it is.
 *
 * @throws {PolicyFailure}
 */
export async function readPolicy(file: string): Promise<Policy> {
  return parsePolicy(decode(file, await readBytes(file)), file);
}

/**
 * Parses the text of a policy file; `file` is what messages call it.
 *
 * @throws {PolicyFailure}
 */
export function parsePolicy(text: string, file: string): Policy {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const problems = errors.length > 0 || tree === undefined
    ? errors.map((error) => syntaxProblem(text, error))
    : [...duplicateKeys(tree), ...valueProblems(text, tree)];
  if (problems.length === 0) {
    return canonicalPolicy(policySchema.parse(getNodeValue(tree!)));
  }
  problems.sort((a, b) => a.offset - b.offset);
  throw new PolicyFailure(
    file,
    problems.map(({ offset, message }) => ({ ...placeOf(text, offset), message })),
  );
}

/** A problem `offset` UTF-16 units into the text. */
interface Problem {
  readonly offset: number;
  readonly message: string;
}

/** A policy file is never larger; guards against devices and mistaken paths. */
const fileSizeMax = 1 << 20;

async function readBytes(file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(fileSizeMax + 1);
  let length = 0;
  try {
    using handle = await Deno.open(file);
    while (length < bytes.length) {
      const count = await handle.read(bytes.subarray(length));
      if (count === null) return bytes.subarray(0, length);
      length += count;
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new PolicyFailure(file, [{ message: `Cannot read the policy: ${systemReason(error)}` }]);
  }
  throw new PolicyFailure(file, [{
    message: `Cannot read the policy: it is larger than ${fileSizeMax} bytes`,
  }]);
}

/** What the operating system said, without the call that Deno appends to it. */
function systemReason(error: Error): string {
  return error.message.replace(/ \(os error \d+\).*$/s, "");
}

/** The text of a UTF-8 file, without a byte order mark. */
function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const { before, byte } = firstUndecodable(bytes);
    const found = `0x${byte.toString(16).padStart(2, "0")}`;
    throw new PolicyFailure(file, [{
      ...placeOf(before, before.length),
      message: `Cannot read the policy: byte ${found} is not UTF-8`,
    }]);
  }
}

/** The text before the first byte that belongs to no character, and that byte. */
function firstUndecodable(bytes: Uint8Array): { before: string; byte: number } {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let before = "";
  let start = 0;
  for (let end = 1; end <= bytes.length; end++) {
    try {
      const text = decoder.decode(bytes.subarray(end - 1, end), { stream: true });
      if (text === "") continue;
      before += text;
      start = end;
    } catch {
      break;
    }
  }
  return { before, byte: bytes[start] };
}

/** What the parser's names for syntax errors mean; those not listed explain themselves. */
const syntaxReasons: Record<string, string> = {
  InvalidSymbol: "expected a value",
  InvalidNumberFormat: "expected a number",
  PropertyNameExpected: "expected a key in double quotes",
  ValueExpected: "expected a value",
  ColonExpected: "expected a colon",
  CommaExpected: "expected a comma",
  CloseBraceExpected: "expected a closing brace",
  CloseBracketExpected: "expected a closing bracket",
  EndOfFileExpected: "expected the end of the file",
  UnexpectedEndOfComment: "the comment never ends",
  UnexpectedEndOfString: "the string never ends",
};

function syntaxProblem(text: string, { error, offset, length }: ParseError): Problem {
  const name = printParseErrorCode(error);
  const reason = syntaxReasons[name] ?? name.replace(/\B[A-Z]/g, (letter) => ` ${letter}`);
  const found = length === 0 ? "the end of the file" : quote(text.slice(offset, offset + length));
  return { offset, message: `Cannot read the policy at ${found}: ${reason}` };
}

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

/** Everything that the schema, or one value next to another, refuses. */
function valueProblems(text: string, tree: Node): Problem[] {
  const value = getNodeValue(tree);
  const { error } = policySchema.safeParse(value, { error: reasonOf });
  const issues: Issue[] = error?.issues ?? [];
  const refused = new Set(issues.map(({ path }) => path[0]));
  const sound = Object.fromEntries(
    Object.entries(value ?? {}).filter(([key]) => !refused.has(key)),
  );
  return [
    ...issues.flatMap((issue) => issueProblems(text, tree, issue)),
    ...relationProblems(sound).map(([key, reason]) => {
      const node = nodeAt(tree, [key])!;
      return { offset: node.offset, message: complaint(key, getNodeValue(node), reason) };
    }),
  ];
}

type Issue = z.core.$ZodIssue;

/** Problems that no value has by itself; `sound` holds the values that the schema accepted. */
function relationProblems(sound: Partial<PolicyFile>): [keyof PolicyFile, string][] {
  const problems: [keyof PolicyFile, string][] = [];
  const ports = sound.ports === undefined ? undefined : parsePorts(sound.ports);
  const slice = sound.slice === undefined ? undefined : parseSlice(sound.slice);
  if (ports?.ok && slice?.ok) {
    const problem = slicingProblem(ports.value, slice.value);
    if (problem !== undefined) problems.push(["slice", problem]);
  }
  if (sound.source !== undefined) problems.push(["source", sourceUnsupported]);
  return problems;
}

/** The reason that goes with one of zod's own issues; our own notations bring theirs along. */
function reasonOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${typeNames[issue.expected as string] ?? issue.expected}`;
    case "invalid_value": {
      if (issue.path?.[0] === "engine") return engineProblem(String(issue.input));
      return `expected one of ${issue.values.join(", ")}${suggestion(issue.input, issue.values)}`;
    }
    default:
      throw new TypeError(`Cannot explain zod's issue ${issue.code}`);
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
  const near = distance(received, nearest) <= Math.max(1, Math.floor(nearest.length / 3));
  return near ? `, did you mean ${nearest}?` : "";
}

/** A received value on one line, of bounded length. */
function quote(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= 100 ? text : `${text.slice(0, 99)}…`;
}

/** Line and column (in characters, from 1) of an offset in UTF-16 units. */
function placeOf(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: [...lines.at(-1)!].length + 1 };
}
