// Reads a policy file: JSONC → canonical Policy, or every problem of the file at once.
//
// Each problem has its place. A file whose syntax is broken gets its syntax errors alone: what the
// rest would mean is a guess. A value is never repaired.

import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { exitStatus, Failure, systemReason } from "./failure.ts";
import { canonicalPolicy, type Policy, policySchema } from "./policy.ts";
import { placeOf } from "./place.ts";
import { oneLine, type Problem, valueProblems } from "./value_problems.ts";

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

/** A policy, and where its rules are in the file. */
export interface ReadPolicy {
  readonly policy: Policy;
  /** The line, from 1, on which each rule begins. */
  readonly ruleLines: readonly number[];
}

/**
 * Reads and parses the policy file at `file`, a path that messages repeat as it is.
 *
 * @throws {PolicyFailure}
 */
export async function readPolicy(file: string): Promise<Policy> {
  return (await readPolicyAndLines(file)).policy;
}

/**
 * As {@linkcode readPolicy}, for who has to say where a rule is.
 *
 * @throws {PolicyFailure}
 */
export async function readPolicyAndLines(file: string): Promise<ReadPolicy> {
  const text = decode(file, await readBytes(file));
  const { policy, tree } = parse(text, file);
  const rules = findNodeAtLocation(tree, ["rules"])?.children ?? [];
  return { policy, ruleLines: rules.map(({ offset }) => placeOf(text, offset).line) };
}

/**
 * Parses the text of a policy file; `file` is what messages call it.
 *
 * @throws {PolicyFailure}
 */
export function parsePolicy(text: string, file: string): Policy {
  return parse(text, file).policy;
}

function parse(text: string, file: string): { policy: Policy; tree: Node } {
  const { problems, tree } = parseSyntax(text);
  if (tree !== undefined) problems.push(...valueProblems(text, tree));
  if (tree !== undefined && problems.length === 0) {
    return { policy: canonicalPolicy(policySchema.parse(getNodeValue(tree))), tree };
  }
  problems.sort((a, b) => a.offset - b.offset);
  throw new PolicyFailure(
    file,
    problems.map(({ offset, message }) => ({ ...placeOf(text, offset), message })),
  );
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

/** The file's tree, or its syntax errors: of a line the first, the others mostly follow from it. */
function parseSyntax(text: string): { tree?: Node; problems: Problem[] } {
  const nesting = nestingProblem(text);
  if (nesting !== undefined) return { problems: [nesting] };
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  if (errors.length === 0) return { tree, problems: [] };
  const firsts = new Map<number, ParseError>();
  for (const error of errors.sort((a, b) => a.offset - b.offset)) {
    const { line } = placeOf(text, error.offset);
    if (!firsts.has(line)) firsts.set(line, error);
  }
  return { problems: [...firsts.values()].map((error) => syntaxProblem(text, error)) };
}

/** What the parser's names for syntax errors mean. */
const syntaxReasons: Record<string, string> = {
  InvalidSymbol: "expected a value, or a key in double quotes",
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
  UnexpectedEndOfNumber: "expected another digit",
  InvalidUnicode: "expected four hexadecimal digits after \\u",
  InvalidEscapeCharacter: "expected an escape that JSON has",
  InvalidCharacter: "expected no control character in a string",
};

function syntaxProblem(text: string, { error, offset, length }: ParseError): Problem {
  const token = oneLine(text.slice(offset, offset + length).trim());
  const found = token === "" ? "the end of the file" : token[0] === '"' ? token : `"${token}"`;
  const reason = syntaxReasons[printParseErrorCode(error)];
  return { offset, message: `Cannot read the policy at ${found}: ${reason}` };
}

/** The first bracket that is nested deeper than any policy is; guards the parser's recursion. */
function nestingProblem(text: string): Problem | undefined {
  const depthMax = 16;
  const scanner = createScanner(text, true);
  let depth = 0;
  while (scanner.scan(), scanner.getTokenOffset() < text.length) {
    const offset = scanner.getTokenOffset();
    if ("[{".includes(text[offset])) depth++;
    if ("]}".includes(text[offset])) depth--;
    if (depth > depthMax) {
      return { offset, message: `Cannot read the policy: nested deeper than ${depthMax} levels` };
    }
  }
}
