/**
 * A network namespace of our own, so that cases choose its settings, meet no other traffic, and
 * leave nothing behind; and inside it a fresh one for every run of a program, so that no port is
 * still in TIME_WAIT from the run before.
 *
 *     deno run -A harness/namespace.ts -- PROGRAM [ARGUMENT...]
 *
 * becomes a program in one. Where none can be made it says so in one line and becomes the program
 * all the same: what that does then depends on {@linkcode namespaceProblem}.
 */
import ipaddr from "ipaddr.js";
import { defaultSignal, execve, NetworkNamespace, unshareNetwork } from "./libc.ts";
import { bringUpLoopback } from "./loopback.ts";
import {
  type Addresses,
  cable,
  guestAddresses,
  peerAddresses,
  routedNetworks,
  wayOf,
} from "./places.ts";

/** What a namespace starts with: the kernel's own default, made certain. */
const settings = { "net.ipv4.ip_local_port_range": "32768 60999" };

/** Besides ::1, so that there are three IPv6 destinations as there are three in 127/8. */
const addresses = ["fd00::2", "fd00::3"];

/** Tells the programs inside how they were started: `own`, or why not. */
const variable = "HARNESS_NAMESPACE";

/** Who may not make a network namespace may do so as root of a user namespace, which changes who we are. */
const asRoot = ["unshare", "--user", "--map-root-user"];

/** Why this process has no network namespace of its own; undefined when it has. */
export function namespaceProblem(): string | undefined {
  const value = Deno.env.get(variable);
  if (value === "own") return undefined;
  return value ?? "it was not started through harness/namespace.ts";
}

/** Becomes `argv` in a new namespace; where none can be made, says why and becomes it as we are. */
async function becomeInNamespace(argv: readonly string[]): Promise<never> {
  if (enterNew() === undefined) become(argv, "own");
  const again = [...asRoot, Deno.execPath(), "run", "-A", "--quiet", import.meta.filename!, inside];
  const trial = new Deno.Command(env, { args: [...again, "true"], stdin: "null" });
  const { success, stderr } = await trial.output();
  if (success) become([...again, ...argv]);
  const reason = new TextDecoder().decode(stderr).trim().split("\n")[0];
  console.error(
    `portpin: Cannot make a network namespace: ${reason}; running what plain loopback allows`,
  );
  return become(argv, `no network namespace: ${reason}`);
}

/** Puts this thread into a new namespace; gives the reason where it must stay where it is. */
function enterNew(): string | undefined {
  using before = NetworkNamespace.ofThread();
  try {
    unshareNetwork();
  } catch (error) {
    return reasonOf(error);
  }
  try {
    setUpHere({});
  } catch (error) {
    before.enter();
    return reasonOf(error);
  }
}

/** Becomes a program, to which `state` says how it was started. */
function become(argv: readonly string[], state?: string): never {
  const own = Object.entries({ ...Deno.env.toObject(), ...state && { [variable]: state } });
  const encode = (text: string) => new TextEncoder().encode(text);
  // Deno has it ignored.
  defaultSignal("SIGPIPE");
  execve(env, ["env", ...argv].map(encode), own.map((entry) => encode(entry.join("="))));
}

/** Looks for a program on PATH, and says what is wrong with it. */
const env = "/usr/bin/env";

/** Goes on only inside: where nobody has tried yet, becomes this Deno with `argv` in a new namespace. */
export async function enterNamespace(argv: readonly string[]): Promise<void> {
  if (!Deno.env.has(variable)) await becomeInNamespace([Deno.execPath(), ...argv]);
}

/**
 * Runs `action` where nothing has happened yet: in a network namespace inside ours, with `wanted`
 * (by full name, such as `net.ipv4.tcp_fastopen`) set besides. It holds for this thread and the
 * programs that it launches, so nothing else may go on meanwhile. Where we have no namespace of our
 * own it is plain `action`.
 */
export async function inFreshNamespace<T>(
  wanted: Readonly<Record<string, string>>,
  action: () => Promise<T>,
): Promise<T> {
  if (namespaceProblem() !== undefined) return await action();
  using before = NetworkNamespace.ofThread();
  try {
    unshareNetwork();
    setUpHere(wanted);
    return await action();
  } finally {
    before.enter();
  }
}

/** Runs what starts a program, in the guest's namespace, and comes back. */
export type InGuests = <T>(start: () => T) => T;

/**
 * The same in two namespaces that a cable joins: `action` runs in that of the peers, and what the
 * guest does must be started through what it is given. `wanted` are the guest's settings. The
 * addresses on both sides are in places.ts.
 */
export async function inFreshPair<T>(
  wanted: Readonly<Record<string, string>>,
  action: (inGuests: InGuests) => Promise<T>,
): Promise<T> {
  const problem = pairProblem();
  if (problem !== undefined) throw new Error(`Cannot set up a pair of namespaces: ${problem}`);
  return await inFreshNamespace(wanted, async () => {
    using guests = NetworkNamespace.ofThread();
    return await inFreshNamespace({}, async () => {
      using peers = NetworkNamespace.ofThread();
      const inGuests: InGuests = (start) => {
        guests.enter();
        try {
          return start();
        } finally {
          peers.enter();
        }
      };
      tellIp([
        `link add ${end} type veth peer ${end} netns ${guests.path}`,
        ...plugIn,
        ...peerAddresses.flatMap(assigning),
      ]);
      const { natural, source } = guestAddresses;
      const own = [...assigning(natural), ...assigning(source).map(unchosen)];
      inGuests(() => tellIp([...plugIn, ...own, ...routes]));
      awaitLocal(peerAddresses.flatMap(ipv6Of));
      inGuests(() => awaitLocal([natural, source].flatMap(ipv6Of)));
      return await action(inGuests);
    });
  });
}

function ipv6Of(addresses: Addresses): string[] {
  return [addresses.ipv6, addresses["link-local"]];
}

/**
 * Waits until the kernel of this thread's namespace takes the IPv6 `addresses` for its own. They can
 * be bound at once, but the route that says so is made by a worker (addrconf_dad_work); until then
 * connect(2) may say ENETUNREACH, and datagrams are sent and not received.
 */
function awaitLocal(addresses: readonly string[]): void {
  const still = new Int32Array(new SharedArrayBuffer(4));
  const wanted = addresses.map((address) => bytesOf(address).toHex());
  while (!isEachLocal(wanted)) Atomics.wait(still, 0, 0, 1);
}

/** `wanted`: as /proc/net/ipv6_route spells them. Its columns are in the kernel's net/ipv6/route.c. */
function isEachLocal(wanted: readonly string[]): boolean {
  const [destination, flags, local] = [0, 8, 0x80000000];
  const lines = Deno.readTextFileSync("/proc/thread-self/net/ipv6_route").trim().split("\n");
  const found = lines.map((line) => line.split(/ +/)).filter((columns) =>
    parseInt(columns[flags], 16) >= local
  ).map((columns) => columns[destination]);
  return wanted.every((address) => found.includes(address));
}

function bytesOf(address: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(ipaddr.parse(address).toByteArray());
}

/** Why there can be no pair of namespaces here; undefined when there can. Found out once. */
export function pairProblem(): string | undefined {
  pairAnswer ??= { problem: namespaceProblem() ?? findPairProblem() };
  return pairAnswer.problem;
}

let pairAnswer: { readonly problem: string | undefined } | undefined;

function findPairProblem(): string | undefined {
  using before = NetworkNamespace.ofThread();
  try {
    unshareNetwork();
    tellIp([`link add ${end} type veth`]);
  } catch (error) {
    return reasonOf(error);
  } finally {
    before.enter();
  }
}

/** How ip(8) makes one end. */
const end = `name ${cable.name} index ${cable.index}`;

/** No address of its own making, and up. */
const plugIn = [`link set ${cable.name} addrgenmode none`, `link set ${cable.name} up`];

/** Gives the cable's end an address of each family, usable at once. */
function assigning(addresses: Addresses): string[] {
  return [
    `address add ${addresses.ipv4}/24 dev ${cable.name}`,
    `address add ${addresses.ipv6}/64 dev ${cable.name} nodad`,
    `address add ${addresses["link-local"]}/64 dev ${cable.name} nodad`,
  ];
}

/** Deprecated, an IPv6 address is never the kernel's choice; a further IPv4 one is not anyway. */
function unchosen(line: string): string {
  return line.endsWith(" nodad") ? `${line} preferred_lft 0` : line;
}

/** Through the first peer to the networks behind it. */
const routes = routedNetworks.map((network) =>
  `route add ${network} via ${peerAddresses[0][wayOf(network)]}`
);

/** Has ip(8) do it all; what it says about a failure is the error's message. */
function tellIp(lines: readonly string[]): void {
  const script = "PATH=$PATH:/usr/sbin:/sbin; printf '%s\\n' \"$@\" | ip -batch -";
  const { success, stderr } = new Deno.Command("sh", {
    args: ["-c", script, "sh", ...lines],
    stdin: "null",
  }).outputSync();
  if (!success) throw new Error(`ip: ${new TextDecoder().decode(stderr).trim().split("\n")[0]}`);
}

/**
 * Makes the new namespace that we are in usable, with no program: each start of one costs, and on
 * an emulated processor a tenth of a second.
 */
function setUpHere(wanted: Readonly<Record<string, string>>): void {
  try {
    bringUpLoopback(addresses.map(bytesOf));
    awaitLocal(addresses);
    for (const [name, value] of Object.entries({ ...settings, ...wanted })) {
      Deno.writeTextFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, value, { create: false });
    }
  } catch (error) {
    throw new Error(`Cannot set up a network namespace: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : `${error}`;
}

/** The word by which this file tells itself that it is root of a user namespace. */
const inside = "--inside";

if (import.meta.main) {
  const [first] = Deno.args;
  const argv = first === "--" || first === inside ? Deno.args.slice(1) : Deno.args;
  if (argv.length === 0) {
    console.error("portpin: Cannot run nothing: expected -- PROGRAM [ARGUMENT...]");
    Deno.exit(2);
  }
  if (first !== inside) await becomeInNamespace(argv);
  const problem = enterNew();
  if (problem === undefined) become(argv, "own");
  console.error(problem);
  Deno.exit(1);
}
