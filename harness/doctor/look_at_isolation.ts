// What the tests need of the kernel besides: namespaces, and seccomp filters.

import { readOr } from "../read_or.ts";
import type { Facts } from "./facts.ts";
import { output } from "./look_at_programs.ts";

/** Tries namespaces as harness/namespace.ts makes them. */
export async function lookAtIsolation(): Promise<Facts["isolation"]> {
  const user = await unshareProblem(["--user", "--map-root-user"]);
  const plain = await unshareProblem(["--net"]);
  const network = plain && await unshareProblem(["--user", "--map-root-user", "--net"]);
  const status = Deno.readTextFileSync("/proc/self/status");
  return {
    user,
    network,
    remedies: user === null && network === null ? [] : remedies(),
    seccomp: readSysctl("kernel/seccomp/actions_avail")?.split(" ") ?? [],
    filtered: /^Seccomp:\s*2$/m.test(status),
  };
}

async function unshareProblem(options: readonly string[]): Promise<string | null> {
  const token = "made";
  const said = await output("unshare", [...options, "echo", token]);
  if (typeof said === "string") return said;
  if (said.out.trim() === token) return null;
  return said.error.trim().split("\n")[0] || "unshare did not say why";
}

/** Sysctls that keep ordinary users from user namespaces; namespaces(7), and two distributions' own. */
const gates: readonly { name: string; shut: string; open: string }[] = [
  { name: "user.max_user_namespaces", shut: "0", open: "15000" },
  { name: "user.max_net_namespaces", shut: "0", open: "15000" },
  { name: "kernel.unprivileged_userns_clone", shut: "0", open: "1" },
  { name: "kernel.apparmor_restrict_unprivileged_userns", shut: "1", open: "0" },
];

function remedies(): string[] {
  return gates
    .filter(({ name, shut }) => readSysctl(name.replaceAll(".", "/")) === shut)
    .map(({ name, open }) => `sysctl -w ${name}=${open}`);
}

/** Undefined where there is no such file, or it is not ours to read. */
function readSysctl(path: string): string | undefined {
  return readOr(undefined, () => Deno.readTextFileSync(`/proc/sys/${path}`).trim());
}
