import assert from "node:assert/strict";
import { ownsEveryUser, staticProgram, TemporaryDirectory } from "./programs_for_tests.ts";
import {
  filePrivilege,
  parseFileCapabilities,
  parseProcessPrivilege,
  secureReason,
} from "./privilege.ts";

const user = 4711;

/** Runs a command, failing when it fails; gives its standard output. */
function run(...[command, ...args]: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** Ways to become another process that then executes the file. */
const invokers: Record<string, string[]> = {
  "root": [],
  "a user": ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"],
  "a user with no_new_privs": [
    "setpriv",
    `--reuid=${user}`,
    `--regid=${user}`,
    "--clear-groups",
    "--no-new-privs",
  ],
  "a user with an inheritable capability": [
    "setpriv",
    `--reuid=${user}`,
    `--regid=${user}`,
    "--clear-groups",
    "--inh-caps=+net_raw",
  ],
  "a user with an ambient capability": [
    "setpriv",
    `--reuid=${user}`,
    `--regid=${user}`,
    "--clear-groups",
    "--inh-caps=+net_raw",
    "--ambient-caps=+net_raw",
  ],
  "a user with few capabilities to gain": [
    "setpriv",
    `--reuid=${user}`,
    `--regid=${user}`,
    "--clear-groups",
    "--bounding-set=-net_raw",
  ],
  "a set-user-ID root process": ["setpriv", `--ruid=${user}`],
  "a set-group-ID process": ["setpriv", `--rgid=${user}`, "--clear-groups"],
};

const modes = ["755", "4755", "2755", "2745", "6755"];
const owners = ["0:0", `${user}:${user}`, "12:13"];
const fileCapabilities = [
  undefined,
  "=",
  "cap_net_raw+ep",
  "cap_net_raw+p",
  "cap_net_raw+i",
  "cap_net_raw+ie",
];

/** What the kernel would be asked to do: everything that the promise is about, crossed. */
function* combinations(directory: string) {
  for (const mode of modes) {
    for (const owner of owners) {
      // Set-id bits and capabilities are judged apart; together they are a rarity.
      const sets = mode === "755" && owner === "0:0" ? fileCapabilities : [undefined];
      for (const capabilities of sets) {
        for (const invoker of Object.keys(invokers)) {
          yield { mode, owner, capabilities, invoker, directory };
        }
      }
    }
  }
}

function processPrivilege(invoker: string) {
  const [status, uidMap, gidMap] = ["status", "uid_map", "gid_map"].map((name) =>
    run(...invokers[invoker], "cat", `/proc/self/${name}`)
  );
  return parseProcessPrivilege({ status, uidMap, gidMap });
}

/** The status with which the file at `path`, which exits with its AT_SECURE, exits. */
function trueSecure(path: string, invoker: string): number | undefined {
  // By way of env, whose privileges are those that `cat` saw of itself.
  const [command, ...args] = [...invokers[invoker], "env", path];
  const { code, stderr } = new Deno.Command(command, { args }).outputSync();
  return stderr.length === 0 ? code : undefined;
}

async function compareWithKernel(directory: string, program: string): Promise<number> {
  const privileges = Object.fromEntries(
    Object.keys(invokers).map((invoker) => [invoker, processPrivilege(invoker)]),
  );
  let secure = 0;
  for (const { mode, owner, capabilities, invoker } of combinations(directory)) {
    const path = `${directory}/program`;
    await Deno.copyFile(program, path);
    run("chown", owner, path);
    run("chmod", mode, path);
    if (capabilities !== undefined) run("setcap", capabilities, path);
    const expected = trueSecure(path, invoker);
    const setBack = owner.startsWith(`${user}`) && invoker.startsWith("a set-");
    // The kernel executes no file whose effective capabilities it cannot grant; and kernels differ
    // on set-id back to the real user.
    if (expected !== undefined && !setBack) {
      const reason = secureReason(filePrivilege(path), privileges[invoker]);
      const combination = JSON.stringify({ mode, owner, capabilities, invoker, reason });
      assert.equal(reason === undefined ? 0 : 1, expected, combination);
      secure += expected;
    }
    await Deno.remove(path);
  }
  return secure;
}

if (ownsEveryUser) {
  Deno.test("secureReason() foretells the kernel's AT_SECURE", async () => {
    using directory = new TemporaryDirectory();
    const status = "@intCast(std.os.linux.getauxval(std.elf.AT_SECURE))";
    const program = await staticProgram(directory, { name: "secure", status });
    assert.ok(await compareWithKernel(directory.path, program) > 40);

    const nosuid = directory.file("nosuid");
    Deno.mkdirSync(nosuid);
    run("mount", "-t", "tmpfs", "-o", "nosuid,mode=755", "portpin-test", nosuid);
    try {
      const secure = await compareWithKernel(nosuid, program);
      const always = [...combinations(nosuid)].filter(({ owner, invoker }) =>
        invoker.startsWith("a set-") && !owner.startsWith(`${user}`)
      );
      assert.equal(secure, always.length);
    } finally {
      run("umount", nosuid);
    }
  });
}

Deno.test("secureReason() says which privilege it is", () => {
  const process = parseProcessPrivilege({
    status: `Uid:\t${user}\t${user}\t${user}\t${user}\nGid:\t${user}\t${user}\t${user}\t${user}\n` +
      "CapInh:\t0\nCapPrm:\t0\nCapBnd:\tff\nNoNewPrivs:\t0\n",
    uidMap: "0 0 4294967295",
    gidMap: "0 0 4294967295",
  });
  const plain = { mode: 0o755, uid: 0, gid: 0, nosuid: false, capabilities: undefined };
  assert.equal(secureReason(plain, process), undefined);
  assert.equal(secureReason({ ...plain, mode: 0o4755 }, process), "it is set-user-ID to user 0");
  assert.equal(secureReason({ ...plain, mode: 0o2755 }, process), "it is set-group-ID to group 0");
  const capabilities = { effective: true, permitted: 1n, inheritable: 0n };
  assert.equal(secureReason({ ...plain, capabilities }, process), "it has file capabilities");
});

Deno.test("secureReason() knows that an owner from outside the user namespace does not count", () => {
  const process = parseProcessPrivilege({
    status:
      "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapInh:\t0\nCapPrm:\tff\nCapBnd:\tff\nNoNewPrivs:\t0\n",
    uidMap: "         0       1000          1",
    gidMap: "         0       1000          1",
  });
  const file = { mode: 0o4755, uid: 65534, gid: 65534, nosuid: false, capabilities: undefined };
  assert.equal(secureReason(file, process), undefined);
});

Deno.test("parseFileCapabilities() reads what the kernel applies, and nothing else", () => {
  const attribute = (...words: number[]) => new Uint8Array(new Uint32Array(words).buffer);
  assert.deepEqual(parseFileCapabilities(attribute(0x02000001, 0x2000, 0, 1, 0)), {
    effective: true,
    permitted: 0x1_0000_2000n,
    inheritable: 0n,
  });
  assert.equal(parseFileCapabilities(attribute(0x03000001, 0x2000, 0, 0, 0, 1000)), undefined);
  assert.equal(parseFileCapabilities(attribute(0x02000001)), undefined);
});
