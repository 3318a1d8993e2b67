// The real thing on sets of a few ports, in a network namespace: what is counted is judged, never a time.

import assert from "node:assert/strict";
import { Failure } from "../../generator/failure.ts";
import type { PortRange } from "../../generator/ports.ts";
import { inFreshNamespace, namespaceProblem } from "../namespace.ts";
import { describeMissing, findInstalled } from "../servers/programs.ts";
import type { Place } from "./benchmark.ts";
import { Conversation } from "./conversation.ts";
import { buildCycles, noTimeWait } from "./cycles.ts";
import {
  type Contest,
  crowdAt,
  describePlace,
  type Engine,
  Holder,
  mustFail,
  placesIn,
  placesOf,
  Prober,
  takenAt,
  tcp,
  udp,
} from "./occupancy.ts";
import { budgetAt, countConnects } from "./occupancy_calls.ts";
import { median } from "./statistics.ts";
import { makeVariants } from "./variants.ts";

const range: PortRange = { low: 50_000, high: 50_099 };
const full: Place = { ports: 100, occupancy: 1, crowd: "own", destination: "same" };

Deno.test("placesIn() gives each place once, and an empty set only once", () => {
  const places = placesIn(range);
  assert.equal(new Set(places.map(describePlace)).size, places.length);
  assert.equal(places.filter(({ occupancy }) => occupancy === 0).length, 1);
  assert.equal(places.length, 1 + 4 * 4);
  assert.deepEqual(places.slice(0, 5).map(takenAt), [0, 50, 90, 99, 100]);
  assert.deepEqual(placesOf(tcp, range), places);
  assert.deepEqual(placesOf(udp, range), places.filter(({ crowd }) => crowd === "own"));
});

Deno.test("mustFail() knows who shares a full set", () => {
  const failing = (place: Partial<Place>, contest = tcp) =>
    contest.engines.filter((engine) => mustFail({ ...full, ...place }, engine, contest));
  assert.deepEqual(failing({}), ["kernel", "emulation", "search"]);
  assert.deepEqual(failing({ destination: "another" }), ["search"]);
  assert.deepEqual(failing({ crowd: "kernel's", destination: "another" }), ["emulation", "search"]);
  assert.deepEqual(failing({ occupancy: 0.99 }), []);
  assert.deepEqual(failing({}, udp), [...udp.engines]);
  assert.deepEqual(failing({ destination: "another" }, udp), ["kernel", "emulation", "search"]);
});

Deno.test("budgetAt() is as the documentation has it", () => {
  const budgets = [0, 0.5, 0.9, 0.99, 1].map((occupancy) => budgetAt({ ...full, occupancy }));
  assert.deepEqual(budgets, [8, 8, 20, undefined, 364]);
});

Deno.test("a conversation says in one line why its program ended", async () => {
  const argv = ["sh", "-c", "read line; echo Cannot go on >&2; exit 3"];
  const isReason = (error: unknown) =>
    error instanceof Failure && error.message === "portpin: Cannot measure it: Cannot go on";
  const conversation = new Conversation("it", argv, { PATH: "/usr/bin:/bin" });
  await assert.rejects(conversation.ask({ parse: () => 0 } as never, "go"), isReason);
  await assert.rejects(conversation[Symbol.asyncDispose](), isReason);
});

const missing = findInstalled("strace") === undefined ? describeMissing("strace") : undefined;
const problem = namespaceProblem() ?? (missing && `missing: ${missing}`);
const skipped = problem === undefined ? "" : ` (skipped: ${problem})`;
const ignore = problem !== undefined;

/** The median number of calls of one connect at a place. */
async function callsAt(place: Place, engine: Engine, contest: Contest = tcp): Promise<number> {
  await buildCycles();
  const variants = await makeVariants();
  return await inFreshNamespace(noTimeWait, async () => {
    const actor = { variants, contest, engine, range };
    await using holder = new Holder({ ...actor, engine: crowdAt(place, engine) });
    await holder.take(takenAt(place));
    return median(await countConnects(actor, place));
  });
}

Deno.test({
  name: `a search makes a bind for each port up to the first that is free${skipped}`,
  ignore,
  async fn() {
    const [socket, connect] = [1, 1];
    const at = (occupancy: number) => callsAt({ ...full, occupancy }, "search");
    assert.equal(await at(0), socket + 1 + connect);
    assert.equal(await at(0.5), socket + 51 + connect);
    assert.equal(await at(1), socket + 100);
  },
});

Deno.test({
  name: `the kernel engine makes the same calls wherever it is${skipped}`,
  ignore,
  async fn() {
    // socket, setsockopt, getsockopt, connect.
    assert.equal(await callsAt({ ...full, occupancy: 0.5 }, "kernel"), 4);
    assert.equal(await callsAt(full, "kernel"), 4);
  },
});

Deno.test({
  name: `the emulation joins its own ports, and looks at each that the kernel locks${skipped}`,
  ignore,
  async fn() {
    const joining = await callsAt({ ...full, destination: "another" }, "emulation");
    // 32 exclusive binds, one look-up, one bind.
    assert.ok(joining > 32 + 3 && joining < 32 + 30, `${joining}`);
    const sameDestination = await callsAt(full, "emulation");
    assert.ok(sameDestination >= 2 * 100 + 32 && sameDestination < 2 * 100 + 64);
    const locked = await callsAt(
      { ...full, crowd: "kernel's", destination: "another" },
      "emulation",
    );
    assert.ok(locked >= 3 * 100 + 32 && locked <= 3 * 100 + 64, `${locked}`);
  },
});

Deno.test({
  name: `UDP sockets share ports where they may, and else have one each${skipped}`,
  ignore,
  async fn() {
    const calls = (place: Partial<Place>, engine: Engine) =>
      callsAt({ ...full, ...place }, engine, udp);
    assert.equal(await calls({ occupancy: 0.5 }, "kernel"), 4);
    assert.equal(await calls({ occupancy: 0.5 }, "search"), 1 + 51 + 1);
    // Two for a look-up of each port; the rest is the same as where none is taken.
    const none = await calls({ occupancy: 0 }, "shared");
    const joining = await calls({ destination: "another" }, "shared");
    assert.ok(
      joining >= none - 2 && joining <= none + 2,
      `${joining}, where none is taken ${none}`,
    );
    const failing = await calls({}, "shared");
    assert.ok(failing >= 2 * 100 && failing <= 2 * 100 + none, `${failing}`);
  },
});

Deno.test({
  name: `a prober refuses what did not end as it must${skipped}`,
  ignore,
  async fn() {
    await buildCycles();
    const variants = await makeVariants();
    const connect = inFreshNamespace(noTimeWait, async () => {
      await using prober = new Prober({ variants, contest: tcp, engine: "kernel", range });
      return await prober.connect(full, 2);
    });
    await assert.rejects(
      connect,
      (error) => error instanceof Failure && /: 0 of 2 connects failed, not 2$/.test(error.message),
    );
  },
});

Deno.test({
  name: `a holder says when there are not so many ports${skipped}`,
  ignore,
  async fn() {
    await buildCycles();
    const variants = await makeVariants();
    for (const engine of tcp.engines) {
      const take = inFreshNamespace(noTimeWait, async () => {
        const holder = new Holder({ variants, contest: tcp, engine, range });
        await holder.take(101).finally(() => holder[Symbol.asyncDispose]().catch(() => {}));
      });
      await assert.rejects(
        take,
        (error) =>
          error instanceof Failure && /Cannot take a port: Cannot assign/.test(error.message),
      );
    }
  },
});
