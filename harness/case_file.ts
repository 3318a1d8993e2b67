/** Reads case files. Every problem of a file is told at once, each with its place. */
import { basename, dirname, join, resolve } from "node:path";
import {
  findNodeAtLocation,
  getNodeValue,
  type JSONPath,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type { z } from "zod";
import { exitStatus, Failure } from "../generator/failure.ts";
import { Case } from "./case.ts";

/** A case with the place it was read from. */
export interface CaseFile {
  /** The name of its folder, which is the name of the case. */
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly case: Case;
}

/** Where the project's own cases are. */
export const casesFolder = resolve(import.meta.dirname!, "..", "fixtures", "cases");

/**
 * Reads the cases called `names`, or all, sorted by name.
 *
 * @throws {Failure} when one of them cannot be read or used, with the problems of all of them.
 */
export async function readCases(names: readonly string[] = []): Promise<CaseFile[]> {
  const wanted = names.length > 0 ? names : [...Deno.readDirSync(casesFolder)]
    .filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name);
  const files = wanted.toSorted().map((name) => join(casesFolder, name, "case.jsonc"));
  const read = await Promise.allSettled(files.map(readCase));
  const failures = read.filter((result) => result.status === "rejected").map(({ reason }) =>
    reason
  );
  const bug = failures.find((reason) => !(reason instanceof Failure));
  if (bug !== undefined) throw bug;
  if (failures.length > 0) {
    const messages = failures.map(({ message }) => message);
    throw new Failure(messages.join("\n"), exitStatus.configuration);
  }
  return read.filter((result) => result.status === "fulfilled").map(({ value }) => value);
}

async function readCase(file: string): Promise<CaseFile> {
  const text = await Deno.readTextFile(file).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Failure(`${file}: Cannot read the case: no such file`, exitStatus.configuration);
  });
  const folder = dirname(file);
  return { name: basename(folder), folder, case: parseCase(text, file) };
}

/**
 * Parses the text of a case file; `file` is what messages call it.
 *
 * @throws {Failure} with a line `FILE:LINE:COLUMN: Cannot use the case: …` for each problem.
 */
export function parseCase(text: string, file: string): Case {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  if (tree === undefined || errors.length > 0) {
    throw failure(errors.map(({ error, offset }) => [offset, printParseErrorCode(error)]));
  }
  const parsed = Case.safeParse(getNodeValue(tree));
  if (parsed.success) return parsed.data;
  throw failure(parsed.error.issues.flatMap((issue) => placeIssue(tree, issue)));

  function failure(problems: [number, string][]): Failure {
    const lines = problems.sort(([a], [b]) => a - b).map(([offset, reason]) => {
      const before = text.slice(0, offset).split("\n");
      return `${file}:${before.length}:${
        before.at(-1)!.length + 1
      }: Cannot use the case: ${reason}`;
    });
    return new Failure(lines.join("\n"), exitStatus.configuration);
  }
}

/** An issue with its offset; unknown keys come several in one issue. */
function placeIssue(tree: Node, issue: z.core.$ZodIssue): [number, string][] {
  const path = issue.path as JSONPath;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => [
      findNodeAtLocation(tree, [...path, key])!.parent!.offset,
      `unknown key ${JSON.stringify(key)}`,
    ]);
  }
  const node = nearestNode(tree, path);
  const where = path.length === 0 ? "" : `${path.join(".")}: `;
  const value = JSON.stringify(getNodeValue(node));
  const got = value.length <= 60 ? `, got ${value}` : "";
  return [[node.offset, `${where}${issue.message}${got}`]];
}

/** The node at `path`, or the innermost that exists when the issue is that something is missing. */
function nearestNode(tree: Node, path: JSONPath): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node !== undefined) return node;
  }
  return tree;
}
