import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { readCases } from "../case_file.ts";
import { freePort } from "./free_port.ts";
import { acceptsConnections, launchServer } from "./process.ts";
import { describeMissing, findInstalled, installed, packages } from "./programs.ts";
import { missingPrograms, serverNames, serverProblem, startServer } from "./start.ts";

const address = "127.0.0.1";

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "portpin-servers-" });
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (const name of serverNames) {
  const missing = missingPrograms(name).map(describeMissing);
  const problem = missing.length > 0 ? `missing: ${missing.join(", ")}` : serverProblem(name);
  Deno.test({
    name: `startServer() starts ${name}, and stop() ends it` +
      (problem === undefined ? "" : ` (skipped: ${problem})`),
    ignore: problem !== undefined,
    fn: () =>
      inDirectory(async (directory) => {
        const server = await startServer(name, { directory, address });
        try {
          assert.ok(await acceptsConnections(server.address, server.port));
        } finally {
          await server.stop();
        }
        assert.equal(await acceptsConnections(server.address, server.port), false);
      }),
  });
}

Deno.test("startServer() refuses a server that does not exist", () => {
  assert.throws(
    () => startServer("gopher", { directory: "/nonexistent", address }),
    /^Error: Cannot start gopher: expected one of git, /,
  );
});

Deno.test("launchServer() says what a server said that did not start", () =>
  inDirectory(async (directory) => {
    const argv = ["sh", "-c", "echo I have no reason; exit 3"];
    await assert.rejects(
      launchServer({ name: "stubborn", directory, address, port: freePort(address), argv }),
      /^Error: Cannot start stubborn: it ended with status 3\nI have no reason\n$/,
    );
  }));

Deno.test("launchServer() leaves no child of a server behind", () =>
  inDirectory(async (directory) => {
    const pidFile = `${directory}/pid`;
    const argv = [
      "sh",
      "-c",
      `sleep 1000 & echo $! > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; wait`,
    ];
    const answers = () => Promise.resolve(existsSync(pidFile));
    const server = await launchServer({
      name: "parent",
      directory,
      address,
      port: freePort(address),
      argv,
      answers,
    });
    const child = (await Deno.readTextFile(pidFile)).trim();
    assert.ok(existsSync(`/proc/${child}`));
    await server.stop();
    const limit = performance.now() + 10_000;
    while (isAlive(child) && performance.now() < limit) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(isAlive(child), false);
  }));

Deno.test("freePort() gives a port that can be bound, outside the ephemeral ports, and then another", () => {
  const [low, high] = Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range")
    .split(/\s+/).map(Number);
  const ports = [freePort(address), freePort(address)];
  assert.notEqual(ports[0], ports[1]);
  for (const port of ports) {
    assert.ok(port < low || port > high, `${port} lies in ${low}-${high}`);
    Deno.listen({ hostname: address, port }).close();
  }
});

Deno.test("freePort() passes over a port that is taken", () => {
  const port = freePort(address);
  const listener = Deno.listen({ hostname: address, port: port + 1 });
  assert.notEqual(freePort(address), port + 1);
  listener.close();
});

Deno.test("findInstalled() finds a program by its name and by its path, and nothing else", () => {
  const path = installed("sh");
  assert.ok(path.endsWith("/sh"));
  assert.equal(findInstalled("sh"), path);
  assert.equal(findInstalled(path), path);
  assert.equal(findInstalled("portpin-is-no-program"), undefined);
  assert.equal(findInstalled("/proc/self/status"), undefined);
});

Deno.test("describeMissing() names the Debian package of a program, however it is called", () => {
  assert.equal(describeMissing("dig"), "dig (Debian package bind9-dnsutils)");
  assert.equal(describeMissing("/usr/sbin/nginx"), "/usr/sbin/nginx (Debian package nginx)");
  assert.equal(describeMissing("portpin-is-no-program"), "portpin-is-no-program");
});

Deno.test("packages has every program that a case launches, save our own and what Debian lacks", async () => {
  const cases = (await readCases()).map((file) => file.case);
  const launched = cases.flatMap(({ program, driver = [], requires }) =>
    [program[0], driver[0], ...requires].filter((word) => word !== undefined && !word.includes("{"))
  );
  const known = [...Object.keys(packages), "deno"];
  const unknown = launched.map((word) => basename(word!)).filter((word) => !known.includes(word));
  assert.deepEqual([...new Set(unknown)], []);
});

/** A killed orphan stays a zombie until init has time for it. */
function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
