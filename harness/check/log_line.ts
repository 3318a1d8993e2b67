/**
 * The lines that PORTPIN_LOG gets; shim/log.zig says what each field means. A line that is not exactly
 * so is an error: nothing is read into it.
 */
import { z } from "zod";
import type { Endpoint } from "../observe.ts";

/** `ADDRESS:PORT`, `[ADDRESS]:PORT`; the port in host byte order. */
const end = z.string().regex(/^(?:[0-9.]+|\[[0-9a-f:.]+\]):\d{1,5}$/);
const count = z.int().min(0);

const shape = {
  time: z.number().positive(),
  pid: z.int().positive(),
  thread: z.int().positive(),
  call: z.enum(["connect", "listen", "bind", "send", "settle"]),
  descriptor: count,
  transport: z.enum(["tcp", "udp", "sctp"]),
  destination: end.nullable(),
  rule: count.nullable(),
  engine: z.enum(["none", "leave", "kernel", "emulation"]),
  ports: z.string().regex(/^(?:\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)?$/).nullable(),
  source: end.nullable(),
  errno: z.union([z.string().regex(/^E[A-Z0-9]+$/), z.int().positive()]).nullable(),
  tries: count,
};

/** One decision, as the library in the guest told it. */
export const LogLine = z.strictObject(shape);
export type LogLine = z.infer<typeof LogLine>;

/** The names of the fields, in the order in which a line has them. */
export const logFields = Object.keys(shape) as (keyof LogLine)[];

/** What a log holds, and the lines of it that are none. */
export interface Log {
  readonly lines: readonly LogLine[];
  /** `line 3 is no decision: …`; a last line without its end is one of them. */
  readonly problems: readonly string[];
}

/** Reads the whole text of a log. */
export function parseLog(text: string): Log {
  const lines: LogLine[] = [];
  const problems: string[] = [];
  text.split("\n").forEach((line, index, all) => {
    if (index === all.length - 1 && line === "") return;
    const parsed = index === all.length - 1 ? "it has no end" : parseLine(line);
    if (typeof parsed !== "string") lines.push(parsed);
    else problems.push(`line ${index + 1} is no decision: ${parsed}, got ${JSON.stringify(line)}`);
  });
  return { lines, problems };
}

function parseLine(line: string): LogLine | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "expected JSON";
  }
  const { success, data, error } = LogLine.safeParse(value);
  if (!success) return z.prettifyError(error).replaceAll("\n", " ");
  const isInOrder = Object.keys(value as object).every((key, index) => key === logFields[index]);
  return isInOrder ? data : "its fields are not in their order";
}

/** An end of a line, such as `[2001:db8::7]:443`, in its two parts; the address without brackets. */
export function parseEnd(text: string): Endpoint {
  const colon = text.lastIndexOf(":");
  const address = text.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { address, port: Number(text.slice(colon + 1)) };
}
