/**
 * What a case is: one promise, checked against a real program from the other end.
 *
 * A case is a folder `fixtures/cases/NAME` with a `case.jsonc` of the shape below. Unknown keys are
 * refused. The smallest useful one:
 *
 * ```jsonc
 * {
 *   "promise": "A TCP connection leaves from one of the ports.",
 *   "matrix": { "family": ["ipv4", "ipv6", "mapped"] },
 *   "services": { "a": { "kind": "tcp" } },
 *   "program": ["{guest}", "s = socket tcp {family}", "connect s {a}", "getsockname s"],
 *   "bare": "same",
 *   "expect": {
 *     "stdout": [
 *       "s = socket tcp {family} -> ok",
 *       "connect s {a} -> ok",
 *       "getsockname s -> {a.host}:{port}"
 *     ],
 *     "observations": { "a": { "count": 1, "ports": "stdout" } }
 *   }
 * }
 * ```
 *
 * That is nine tests: three families times three builds of the test guest. Each starts the service,
 * runs the guest with and without the library, and judges the source ports that the service saw.
 *
 * ## What happens in one test
 *
 * 1. Without the library (`bare`), if the case asks for it, and then with it, each time in a network
 *    namespace of its own: the services start, on ports outside the case's `ports` and outside the
 *    ephemeral ports; `program` is launched, and with a `driver` it is a server that ends with
 *    SIGTERM once the driver has; whatever arrived by then is recorded, and the services close.
 * 2. Before they close, the witness: the same program with a PORTPIN_PORTS that cannot be used must
 *    object, which only the library, loaded into that program, can make it do.
 * 3. The verdicts: `expect` against what the program did and what the peers saw. Checked always: no
 *    two open connections share a 4-tuple, and portpin printed nothing on standard error that the
 *    case did not expect.
 *
 * ## Two networks
 *
 * With `"network": "pair"` the guest and its peers have a network namespace each, joined by a cable:
 *
 * | whose | IPv4, mapped | IPv6 | link-local |
 * | --- | --- | --- | --- |
 * | the guest's natural one | 192.0.2.1 | 2001:db8::1 | fe80::1 |
 * | the guest's other one, the source | 192.0.2.7 | 2001:db8::7 | fe80::7 |
 * | a service's, `host` 1 | 192.0.2.129 | 2001:db8::129 | fe80::129 |
 * | `host` 2 | 192.0.2.130 | 2001:db8::130 | fe80::130 |
 * | `host` 3, behind a router | 198.51.100.131 | 2001:db8:1::131 | fe80::131 |
 *
 * The zone of a link-local address is the interface's index, 77 on both sides.
 *
 * The kernel never chooses the source by itself; `PORTPIN_SOURCE` or a policy must. The driver runs
 * where the services are.
 *
 * ## Placeholders
 *
 * In `program`, `driver`, `stdin`, `environment`, `preload`, `templates` (their contents) and in the
 * lines of `expect`:
 *
 * | placeholder | stands for |
 * | --- | --- |
 * | `{NAME}` | the value of the matrix's list NAME in this test, such as `{family}` |
 * | `{SERVICE}` | `ADDRESS:PORT` of a service, `[ADDRESS]:PORT` for IPv6 and mapped, as URLs need it |
 * | `{SERVICE.address}`, `{SERVICE.port}` | its parts, the address without brackets |
 * | `{SERVICE.host}` | its address with brackets, as it is before `:PORT` |
 * | `{SERVICE.KEY}` | what a `relay`'s server offers besides, such as a key file |
 * | `{guest}` | our test guest, in one of its builds (see `guests`) |
 * | `{library}` | the preload library, for `preload` |
 * | `{folder}` | the case's own folder |
 * | `{scratch}` | an empty folder of this test, removed afterwards |
 * | `{dist}` | the folder of everything built |
 *
 * | `{natural.address}`, `{natural.host}` | in a pair, the guest's natural address, as the family writes it |
 * | `{source.address}`, `{source.host}` | the same of its other one |
 *
 * Any other `{word}` or `{word.word}` is an error, so that a typing error is never sent to a program.
 * `%{x}` and `${x}` pass unchanged (curl and shells have them), and so does `{ x }`. A program with
 * braces of its own goes into a file of the folder: `["python3", "{folder}/client.py", "{a}"]`.
 *
 * In the lines of `expect` also:
 *
 * | placeholder | matches |
 * | --- | --- |
 * | `{port}` | a decimal number that is one of `ports` |
 * | `{number}` | a decimal number |
 * | `{any}` | anything up to what follows it on the line |
 *
 * Ports are in host byte order everywhere.
 */
import { z } from "zod";
import { parsePorts, portsPattern } from "../generator/ports.ts";
import { logFields } from "./check/log_line.ts";

/** `LOW-HIGH`, a single port, or several separated by commas, as `PORTPIN_PORTS` takes them. */
const ports = z.string().superRefine((text, context) => {
  const parsed = parsePorts(text);
  if (parsed.ok) return;
  for (const { reason } of parsed.problems) context.addIssue({ code: "custom", message: reason });
}).meta({ pattern: portsPattern });

/** The name of a service or of a list in the matrix; it becomes a placeholder. */
const name = z.string().regex(/^[a-z][a-zA-Z0-9]*$/, "expected a word such as family or a2");

/**
 * How the guest addresses the service: `ipv4` (127.0.0.1), `ipv6` (::1), `mapped` (::ffff:127.0.0.1,
 * from an AF_INET6 socket to a service that listens on IPv4), or in a pair `link-local`.
 */
export const Family = z.enum(["ipv4", "ipv6", "mapped", "link-local"]);
export type Family = z.infer<typeof Family>;

/** What the guest and its peers share: see places.ts. */
export const Network = z.enum(["loopback", "pair"]);
export type Network = z.infer<typeof Network>;

const place = {
  family: Family.optional().describe("Default: the matrix's family of this test, else ipv4."),
  host: z.int().min(1).max(3).default(1)
    .describe(
      "Which destination: 127.0.0.HOST, or ::1, fd00::2, fd00::3. In a pair, see above; of a `dial` " +
        "or a `front`, which of the guest's own addresses: 1 the natural one, 2 the source.",
    ),
};

/** What a TCP or UDP service sends back. */
const reply = z.enum(["echo", "peer"]).default("echo").describe(
  "echo: what it received, until the client closes. " +
    "peer: one line `ADDRESS PORT`, the client as the service sees it, to a connection at once " +
    "(which it then closes), to a datagram in answer.",
);

export const Service = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("tcp"), ...place, reply })
    .describe("Accepts any number of connections and keeps each until the client closes it."),
  z.strictObject({ kind: z.literal("udp"), ...place, reply })
    .describe("One observation a datagram."),
  z.strictObject({ kind: z.literal("http"), ...place })
    .describe("HTTP/1.1 with keep-alive; answers any request with `hello\\n`. One a connection."),
  z.strictObject({ kind: z.literal("dns"), ...place })
    .describe("Over UDP and TCP on one port; answers A with 192.0.2.1 and AAAA with 2001:db8::1."),
  z.strictObject({
    kind: z.literal("relay"),
    ...place,
    server: z.string().regex(/^[a-z][a-z0-9-]*$/).describe("A module harness/servers/SERVER.ts."),
  }).describe("Observes each TCP connection and passes its bytes on to a real server."),
  z.strictObject({
    kind: z.literal("dial"),
    ...place,
    transport: z.enum(["tcp", "udp"]),
  }).describe(
    "The peer of a guest that listens or only receives: for each line `listening PORT` that the " +
      "guest prints (anything may follow), connects or sends the datagram `hello\\n` to that port " +
      "on the service's address. Once it was answered or accepted, that port is the observation. " +
      "`{SERVICE.address}` is where the guest may bind; there is no `{SERVICE.port}`.",
  ),
  z.strictObject({ kind: z.literal("front"), ...place }).describe(
    "Observes nothing: an address and a free port for the guest itself to listen on. " +
      "The driver waits until it accepts.",
  ),
]);
export type Service = z.infer<typeof Service>;

/** A source address as peers see it. */
const address = z.union([z.enum(["natural", "source"]), z.ipv4(), z.ipv6()]).describe(
  "natural, source: in a pair, that address of the guest's, in the family of each observation.",
);

/** What the peers of one service, or of all of them, must have seen. */
export const Observations = z.strictObject({
  count: z.union([z.int().min(0), z.strictObject({ min: z.int(), max: z.int() })]).optional()
    .describe("How many connections, or datagrams. Default: at least one."),
  ports: z.union([z.enum(["inside", "outside", "any", "stdout"]), ports]).default("inside")
    .describe(
      "Where the source ports lie: inside or outside the case's ports, anywhere, exactly those " +
        "that `{port}` matched on standard output, or inside the set given here.",
    ),
  spread: z.enum(["distinct", "same"]).optional()
    .describe("distinct: no source port twice. same: one source port for all."),
  address: z.union([address, z.array(address).min(1)]).optional()
    .describe("The source addresses: exactly these were seen. Default: not judged."),
  covers: z.boolean().default(false)
    .describe("Every port of the set (the case's ports, or the one given here) was seen."),
  transport: z.enum(["tcp", "udp"]).optional()
    .describe("Which of a dns service's two transports must have been used."),
});
export type Observations = z.infer<typeof Observations>;

const lines = z.array(z.string());

/** Some fields of a line of the log; a text may have the placeholders of an expected line. */
const logLine = z.partialRecord(
  z.enum(logFields),
  z.union([z.string(), z.number(), z.null()]),
);

/** What `{scratch}/log` must hold, where the case's environment has PORTPIN_LOG write it. */
const log = z.union([
  z.array(logLine).describe("All its lines, in their order. [] also when there is no such file."),
  z.strictObject({ count: z.int().min(1), each: logLine })
    .describe("How many lines, in any order, and what is the same in all."),
]);
export type ExpectedLog = z.infer<typeof log>;

/** What one run of the program must have done. */
export const Expectation = z.strictObject({
  status: z.union([z.int().min(0).max(255), z.string().regex(/^SIG[A-Z0-9]+$/)]).default(0)
    .describe("The exit status, or the signal that ended the program."),
  stdout: lines.optional().describe("All lines of standard output. Default: not judged."),
  stderr: lines.optional()
    .describe("All lines of standard error. Default: anything that does not begin `portpin: `."),
  log: log.optional().describe(
    "The lines of `{scratch}/log`; the ports that `{port}` matches in them are exactly those " +
      "that it matches on standard output, where it stands in both. Default: not judged.",
  ),
  observations: z.record(z.string(), Observations).default({}).describe(
    "By service name; `together` means the observations of all services taken together. A " +
      "service that is not named is judged as {}, at least one observation inside the ports; for " +
      "a bare run it is not judged.",
  ),
});
export type Expectation = z.infer<typeof Expectation>;

/** The builds of our test guest that a case may ask for. */
export const Guest = z.enum(["glibc", "musl", "x86", "nolibc", "aarch64", "s390x"]);
export type Guest = z.infer<typeof Guest>;

/** What keeps the ports: see worlds.ts. */
export const World = z.enum([
  "kernel",
  "emulation",
  "without-51",
  "without-51-and-24",
  "outside-range",
]);
export type World = z.infer<typeof World>;

const shape = z.strictObject({
  $schema: z.string().optional(),
  promise: z.string().regex(/^\w.*\.$/, "expected one sentence, ending in a full stop"),
  ports: ports.default("50000-50511").describe(
    "The ports that the guest must leave from. Given to it as PORTPIN_PORTS, except with a " +
      "`policy`, which says so itself.",
  ),
  environment: z.record(z.string(), z.union([z.string(), z.null()])).default({})
    .describe("Further variables for the program, not for its driver; null removes one."),
  policy: z.string().optional()
    .describe("A policy file in the case's folder: the library is built from it."),
  portRange: z.string().regex(/^\d+-\d+$/, "expected LOW-HIGH").optional()
    .describe("The namespace's net.ipv4.ip_local_port_range. Default: 32768-60999."),
  sysctl: z.record(z.string().regex(/^net\.[a-z0-9_.]+$/), z.string()).default({})
    .describe("Further settings of the namespace, by their full names."),
  matrix: z.record(name, z.array(z.union([z.string(), z.int()])).min(1)).default({})
    .describe("Lists of values; each combination is one test. `family` is also the services'."),
  guests: z.array(Guest).min(1).optional()
    .describe("With {guest}: which builds. Default: glibc, musl and x86."),
  worlds: z.array(World).min(1).optional()
    .describe("Where the promise holds. Default: everywhere, unless the case says itself."),
  network: Network.default("loopback").describe("What the guest and its peers share: see above."),
  services: z.record(name, Service).default({}),
  templates: z.array(z.string()).default([])
    .describe("Files of the case's folder: {scratch} gets a copy with its placeholders filled in."),
  program: z.array(z.string()).min(1),
  stdin: z.string().optional().describe("Standard input. Default: empty."),
  preload: z.array(z.string()).default(["{library}"])
    .describe("LD_PRELOAD in order. A bare run has the same list without {library}."),
  driver: z.array(z.string()).min(1).optional().describe(
    "For a program that is a server: an argv that is run without the library once every `front` " +
      "accepts. When it ends the program gets SIGTERM. `expect` judges the driver's status and " +
      "standard output, the program's standard error.",
  ),
  requires: z.array(z.string()).default([]).describe(
    "Programs on PATH besides program[0], driver[0] and what a relay's server needs. Without one " +
      "of them the test is skipped, visibly.",
  ),
  protocol: z.enum(["sctp"]).optional().describe(
    "Besides TCP and UDP, what the kernel must have. One that lacks it does not run the case: " +
      "`deno task kernels` does.",
  ),
  bare: z.union([z.literal("same"), Expectation]).optional().describe(
    "Also run without the library. same: status and standard output must be equal once port " +
      "numbers (1024 to 65535) are masked. An expectation: what the bare run must do.",
  ),
  expect: Expectation.prefault({}),
});

/** Names that a placeholder has already. */
const taken = [
  "guest",
  "library",
  "folder",
  "scratch",
  "dist",
  "port",
  "number",
  "any",
  "together",
];

/** What `{NAME.address}` and the like speak of besides services. */
const takenByPlaces = ["natural", "source"];

/** The schema of `case.jsonc`; its output has every default filled in. */
export const Case = shape.superRefine((value, context) => {
  const problem = (path: (string | number)[], message: string) =>
    context.addIssue({ code: "custom", path, message });

  for (const key of ["services", "matrix"] as const) {
    for (const name of Object.keys(value[key])) {
      const isPlace = key === "services" && takenByPlaces.includes(name);
      if (taken.includes(name) || isPlace) problem([key, name], `${name} is a placeholder already`);
      if (key === "services" && name in value.matrix) {
        problem([key, name], `${name} is a list of the matrix already`);
      }
    }
  }
  for (const family of value.matrix.family ?? []) {
    if (!Family.safeParse(family).success) {
      problem(["matrix", "family"], `expected ipv4, ipv6, mapped or link-local, got ${family}`);
    }
  }
  if (value.network !== "pair") {
    for (const path of pathsOfPair(value)) problem(path, 'only with "network": "pair"');
  }
  for (const [path, expectation] of expectationsOf(value)) {
    for (const name of Object.keys(expectation.observations)) {
      const service = value.services[name];
      if (name !== "together" && service === undefined) {
        problem([...path, "observations", name], `there is no service ${name}`);
      }
      if (service?.kind === "front") {
        problem([...path, "observations", name], `${name} is a front, which observes nothing`);
      }
    }
  }
  const uses = [...value.program, ...(value.driver ?? [])].some((word) => word.includes("{guest}"));
  if (value.guests !== undefined && !uses) {
    problem(["guests"], "the program has no {guest}");
  }
  if (!value.preload.includes("{library}")) problem(["preload"], "{library} is missing");
});

/** A case as written in its file, validated, with defaults filled in. */
export type Case = z.infer<typeof Case>;

/** What makes sense in a pair alone. */
function pathsOfPair(value: z.infer<typeof shape>): string[][] {
  const services = Object.entries(value.services)
    .filter(([_, { family }]) => family === "link-local")
    .map(([name]) => ["services", name, "family"]);
  const matrix = value.matrix.family?.includes("link-local") ? [["matrix", "family"]] : [];
  const expected = expectationsOf(value).flatMap(([path, { observations }]) =>
    Object.entries(observations)
      .filter(([_, { address }]) =>
        [address].flat().some((it) => it === "natural" || it === "source")
      )
      .map(([name]) => [...path, "observations", name, "address"])
  );
  return [...services, ...matrix, ...expected];
}

function expectationsOf(value: z.infer<typeof shape>): [string[], Expectation][] {
  const both: [string[], Expectation][] = [[["expect"], value.expect]];
  if (value.bare !== undefined && value.bare !== "same") both.push([["bare"], value.bare]);
  return both;
}
