/**
 * What runs that measure leave in `dist/report` for the page: a JSON file each, with the versions of
 * everything. A run of a part (some cases, one kernel, fewer flows) says which part, and never takes
 * the place of a whole one.
 *
 * Ports are in host byte order.
 */
import { join, relative } from "node:path";
import { z } from "zod";
import { unwritable } from "../../generator/failure.ts";
import { Family, World } from "../case.ts";
import { Message } from "../kernels/messages.ts";
import { dist } from "../library.ts";
import { readIfThere } from "../read_or.ts";
import { Versions } from "./versions.ts";

/** What every file begins with. */
const heading = {
  versions: Versions,
  /** Which part of everything it is, in words; undefined when it is all. */
  part: z.string().optional(),
};

/** What a case promises, of which program, within which ports. */
export const Promised = z.strictObject({
  name: z.string(),
  promise: z.string(),
  /** As in the case: `LOW-HIGH`, a single port, or several separated by commas. */
  ports: z.string(),
  /** Of a case with several builds of our guest, the first. */
  program: z.string(),
});
export type Promised = z.infer<typeof Promised>;

/** What became of one test of a case. */
export const TestResult = z.strictObject({
  case: z.string(),
  test: z.string(),
  program: z.string(),
  family: Family,
  world: World,
  outcome: z.enum(["good", "bad", "skipped"]),
  /** What is bad; or why it was skipped. */
  reasons: z.array(z.string()),
  /** What its peers saw, in their order: milliseconds since the run began, and the source port. */
  seen: z.array(z.tuple([z.int(), z.int()])),
});
export type TestResult = z.infer<typeof TestResult>;

const Cases = z.strictObject({
  ...heading,
  cases: z.array(Promised),
  tests: z.array(TestResult),
});
export type Cases = z.infer<typeof Cases>;

const Kernels = z.strictObject({
  ...heading,
  cases: z.array(Promised),
  runs: z.array(z.strictObject({
    label: z.string(),
    messages: z.array(Message).readonly(),
    problem: z.string().optional(),
    seconds: z.number(),
    leftOut: z.array(z.strictObject({ reason: z.string(), tests: z.int() })).readonly(),
  })),
});
export type Kernels = z.infer<typeof Kernels>;

const way = z.enum(["bare", "kernel", "emulation"]);

const Million = z.strictObject({
  ...heading,
  /** How many were wanted, from how many ports, to how many destinations. */
  flows: z.int(),
  ports: z.int(),
  destinations: z.int(),
  runs: z.array(z.union([
    z.strictObject({ way, skipped: z.string() }),
    z.strictObject({
      way,
      flows: z.int(),
      stop: z.string().optional(),
      seconds: z.number(),
      /** Bytes of kernel memory for each flow. */
      memory: z.number(),
      problems: z.array(z.string()).readonly(),
    }),
  ])),
});
export type Million = z.infer<typeof Million>;

const pair = z.tuple([z.number(), z.number()]).readonly();

/** A figure and a benchmark are as harness/bench/benchmark.ts describes them. */
const Figure = z.strictObject({
  what: z.string(),
  measured: z.record(z.string(), z.number()),
  cost: z.number(),
  interval: pair.optional(),
  middle: pair.optional(),
  budget: z.number().optional(),
  verdict: z.enum(["good", "unclear", "OVER"]).optional(),
  detail: z.string().optional(),
  spread: z.record(z.string(), pair).optional(),
  at: z.strictObject({
    ports: z.int(),
    occupancy: z.number(),
    crowd: z.enum(["own", "kernel's"]),
    destination: z.enum(["same", "another"]),
  }).optional(),
  approach: z.strictObject({ name: z.string(), threads: z.int() }).optional(),
  choice: z.strictObject({
    engine: z.string(),
    low: z.int(),
    high: z.int(),
    destinations: z.enum(["one", "many"]),
    counts: z.array(z.int()).readonly(),
    first: z.array(z.int()).readonly(),
    chiSquared: z.number(),
    degreesOfFreedom: z.int(),
    probability: z.number(),
  }).optional(),
});

const benchmark = {
  name: z.string(),
  measures: z.string(),
  unit: z.string(),
  cost: z.enum(["added", "ratio", "total"]),
};

const Bench = z.strictObject({
  ...heading,
  benchmarks: z.array(z.union([
    z.strictObject({ ...benchmark, skipped: z.string() }),
    z.strictObject({
      ...benchmark,
      seconds: z.number(),
      leftOut: z.array(z.strictObject({ what: z.string(), reason: z.string() })).readonly(),
      figures: z.array(Figure),
    }),
  ])),
});
export type Bench = z.infer<typeof Bench>;

/** The figures of the benchmark `name`; none where it was skipped. */
export function figuresOf({ benchmarks }: Bench, name: string): z.infer<typeof Figure>[] {
  return benchmarks.flatMap((one) => one.name === name && "figures" in one ? one.figures : []);
}

/** The files, and the task that makes each. */
export const kinds = {
  cases: { schema: Cases, task: "deno task test" },
  kernels: { schema: Kernels, task: "deno task kernels" },
  bench: { schema: Bench, task: "deno task bench" },
  million: { schema: Million, task: "deno task million" },
} as const;
export type Kind = keyof typeof kinds;

/** What a file of that kind holds. */
export type Kept<K extends Kind> = z.infer<typeof kinds[K]["schema"]>;

/** Where the files are, and the page. */
export const reportFolder = join(dist, "report");

/** A file that cannot be used: there is none, or it is not of the shape that this commit writes. */
export interface Missing {
  /** In words that go on from the file's name. */
  readonly missing: string;
}

/** @throws {Error} for a file that is there and cannot be opened. */
export async function readKept<K extends Kind>(
  kind: K,
  folder: string,
): Promise<Kept<K> | Missing> {
  const text = await readIfThere(fileOf(kind, folder));
  if (text === undefined) return { missing: "is not there" };
  const parsed = kinds[kind].schema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data as Kept<K>;
  const { path } = parsed.error.issues[0];
  const where = path.length === 0 ? "" : ` (${path.join(".")})`;
  return { missing: `is not of the shape that this version writes${where}` };
}

/**
 * Writes a file of the report, unless it is a part and would take the place of the whole.
 *
 * @throws {Failure} when it cannot be written.
 */
export async function keep<K extends Kind>(
  kind: K,
  value: Kept<K>,
  folder = reportFolder,
): Promise<void> {
  const file = fileOf(kind, folder);
  const before = await readKept(kind, folder);
  if (value.part !== undefined && !("missing" in before) && before.part === undefined) {
    console.error(`portpin: ${relative(Deno.cwd(), file)} stays what it is: the whole`);
    return;
  }
  await writeBeside(file, `${JSON.stringify(value)}\n`);
}

/** Writes a file whole or not at all, and its folder. */
export async function writeBeside(file: string, text: string): Promise<void> {
  const beside = `${file}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await Deno.writeTextFile(beside, text);
    await Deno.rename(beside, file);
  } catch (error) {
    await Deno.remove(beside).catch(() => {});
    throw unwritable(file, error);
  }
}

function fileOf(kind: Kind, folder: string): string {
  return join(folder, `${kind}.json`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
