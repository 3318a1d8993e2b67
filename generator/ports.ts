// Port sets and their slices, in the one notation that policy files, flags and environment share.
//
// A port set is kept canonical: sorted closed ranges, none overlapping or adjacent to another.
// Everything here is pure, and ports are in host byte order.

/** A closed range of ports, `1 <= low <= high <= 65535`. */
export interface PortRange {
  readonly low: number;
  readonly high: number;
}

/** A canonical port set: sorted, without overlap or adjacency. */
export type PortSet = readonly PortRange[];

/** The part `index` (from 0) of `count` equal parts. */
export interface Slice {
  readonly index: number;
  readonly count: number;
}

/** Why a piece of text cannot be used, and where in the text (characters from 0) the reason lies. */
export interface TextProblem {
  readonly offset: number;
  readonly reason: string;
}

/** What a notation's parser gives: the value, or everything that is wrong with the text. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly TextProblem[] };

/** The value of a text that is known to be sound. */
export function valueOf<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new TypeError(`Cannot use an unchecked text: ${parsed.problems[0].reason}`);
  return parsed.value;
}

/** As `port_ranges_max` in shim/Policy.zig. */
export const portRangesMax = 32;

const portMax = 65535;

/** The form of a port set, for the JSON schema; {@linkcode parsePorts} checks much more. */
export const portsPattern = "^[1-9]\\d*(-[1-9]\\d*)?(,[1-9]\\d*(-[1-9]\\d*)?)*$";

/** The form of a slice, for the JSON schema. */
export const slicePattern = "^(0|[1-9]\\d*)/[1-9]\\d*$";

/** Parses `LOW-HIGH`, a single port, or several of them separated by commas. */
export function parsePorts(text: string): Parsed<PortSet> {
  if (text === "") return refuse(0, "the set is empty");
  const problems: TextProblem[] = [];
  const ranges: WrittenRange[] = [];
  let offset = 0;
  for (const part of text.split(",")) {
    const range = parseRange(part);
    if (range === undefined) {
      const found = part === text ? "" : `, not ${JSON.stringify(part)}`;
      problems.push({ offset, reason: `expected LOW-HIGH${found}` });
    } else if (Math.min(range.low, range.high) < 1 || Math.max(range.low, range.high) > portMax) {
      problems.push({ offset, reason: `${part} is not within 1-${portMax}` });
    } else if (range.low > range.high) {
      problems.push({ offset, reason: `${part} is reversed` });
    } else {
      ranges.push({ ...range, offset });
    }
    offset += part.length + 1;
  }
  problems.push(...overlaps(ranges));
  problems.sort((a, b) => a.offset - b.offset);
  if (problems.length > 0) return { ok: false, problems };

  const ports = unitePorts(ranges);
  if (ports.length > portRangesMax) {
    return refuse(0, `${ports.length} ranges are more than the limit of ${portRangesMax}`);
  }
  return { ok: true, value: ports };
}

/** A range as the user wrote it, `offset` characters into the text. */
interface WrittenRange extends PortRange {
  readonly offset: number;
}

/** The two ends of one range as written, unchecked; undefined when the text has another form. */
function parseRange(text: string): PortRange | undefined {
  const match = /^(0|[1-9]\d*)(?:-(0|[1-9]\d*))?$/.exec(text);
  if (match === null) return undefined;
  return { low: Number(match[1]), high: Number(match[2] ?? match[1]) };
}

/** Every range that shares ports with one written before it. */
function overlaps(ranges: readonly WrittenRange[]): TextProblem[] {
  const problems: TextProblem[] = [];
  let widest: WrittenRange | undefined;
  for (const range of ranges.toSorted((a, b) => a.low - b.low || a.offset - b.offset)) {
    if (widest !== undefined && range.low <= widest.high) {
      const [first, second] = widest.offset < range.offset ? [widest, range] : [range, widest];
      problems.push({
        offset: second.offset,
        reason: `${formatPorts([second])} overlaps ${formatPorts([first])}`,
      });
    }
    if (widest === undefined || range.high > widest.high) widest = range;
  }
  return problems;
}

/** The ports that are in any of the ranges. */
export function unitePorts(ranges: readonly PortRange[]): PortSet {
  const united: PortRange[] = [];
  for (const { low, high } of ranges.toSorted((a, b) => a.low - b.low)) {
    const last = united.at(-1);
    if (last === undefined || last.high + 1 < low) united.push({ low, high });
    else united[united.length - 1] = { low: last.low, high: Math.max(last.high, high) };
  }
  return united;
}

/** The text that {@linkcode parsePorts} reads back as the same set. */
export function formatPorts(ports: PortSet): string {
  return ports.map(({ low, high }) => low === high ? `${low}` : `${low}-${high}`).join(",");
}

/** How many ports the set has. */
export function countPorts(ports: PortSet): number {
  return ports.reduce((sum, { low, high }) => sum + high - low + 1, 0);
}

/** The ports that are in both sets. */
export function commonPorts(a: PortSet, b: PortSet): PortSet {
  return a.flatMap((ours) =>
    b.map((theirs) => ({
      low: Math.max(ours.low, theirs.low),
      high: Math.min(ours.high, theirs.high),
    })).filter(({ low, high }) => low <= high)
  );
}

/** Parses `INDEX/COUNT`, INDEX from 0 and below COUNT. */
export function parseSlice(text: string): Parsed<Slice> {
  const match = /^(0|[1-9]\d*)\/(0|[1-9]\d*)$/.exec(text);
  if (match === null) return refuse(0, "expected INDEX/COUNT");
  const [index, count] = [Number(match[1]), Number(match[2])];
  const countOffset = text.indexOf("/") + 1;
  if (count === 0) return refuse(countOffset, "expected a COUNT of at least 1");
  if (count > portMax) return refuse(countOffset, `expected a COUNT up to ${portMax}`);
  if (index >= count) return refuse(0, `expected an INDEX from 0 to ${count - 1}`);
  return { ok: true, value: { index, count } };
}

/** The text that {@linkcode parseSlice} reads back as the same slice. */
export function formatSlice({ index, count }: Slice): string {
  return `${index}/${count}`;
}

/** Why `slice` cannot be taken of `ports`; undefined when it can. */
export function slicingProblem(ports: PortSet, { count }: Slice): string | undefined {
  const total = countPorts(ports);
  if (count <= total) return undefined;
  return `${count} parts are more than the ${total} ${total === 1 ? "port" : "ports"}`;
}

/**
 * The part `index` of `count`: of the n ports in ascending order, those numbered
 * floor(index * n / count) up to, not including, floor((index + 1) * n / count).
 *
 * The parts are disjoint, cover the set, and differ in size by at most one. The shim computes the
 * same formula from `PORTPIN_SLICE`, so the two must stay exactly alike.
 *
 * @throws {RangeError} when there are more parts than ports.
 */
export function slicePorts(ports: PortSet, slice: Slice): PortSet {
  const problem = slicingProblem(ports, slice);
  if (problem !== undefined) throw new RangeError(`Cannot slice ${formatPorts(ports)}: ${problem}`);
  const total = countPorts(ports);
  const begin = Math.floor(slice.index * total / slice.count);
  const end = Math.floor((slice.index + 1) * total / slice.count);

  const part: PortRange[] = [];
  let before = 0;
  for (const { low, high } of ports) {
    const size = high - low + 1;
    const from = Math.max(begin - before, 0);
    const to = Math.min(end - before, size);
    if (from < to) part.push({ low: low + from, high: low + to - 1 });
    before += size;
  }
  return part;
}

function refuse(offset: number, reason: string): { ok: false; problems: TextProblem[] } {
  return { ok: false, problems: [{ offset, reason }] };
}
