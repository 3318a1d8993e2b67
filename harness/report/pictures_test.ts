import assert from "node:assert/strict";
import type { Figure } from "../bench/benchmark.ts";
import { describePlace, placesIn } from "../bench/occupancy.ts";
import { choiceOf } from "../bench/port_choice.ts";
import { drawApproaches } from "./approaches_picture.ts";
import { drawOccupancy, drawUdpOccupancy } from "./occupancy_picture.ts";
import { colours, darkColours, drawPicture, embedded } from "./picture.ts";
import { drawPorts } from "./ports_picture.ts";

const ranges = [{ low: 60_000, high: 60_511 }, { low: 32_768, high: 60_999 }];

/** Numbers that only look like measured ones. */
const figures: Figure[] = ranges.flatMap(placesIn).map((place) => {
  const emulation = 11 + 900 * place.occupancy;
  const measured = { kernel: 4, emulation, search: 3 + place.ports * place.occupancy };
  const spread = Object.fromEntries(
    Object.entries(measured).map(([engine, value]) => [engine, [value, 2 * value] as const]),
  );
  return { what: describePlace(place), measured, cost: 7, budget: 8, spread, at: place };
});

const choices = ranges.flatMap((range) =>
  (["one", "many"] as const).flatMap((destinations) =>
    (["kernel", "emulation"] as const).map((engine) => {
      const ports = Array.from({ length: 4_096 }, (_, index) => range.low + index * 7 % 512);
      return choiceOf(engine, range, destinations, ports);
    })
  )
);

/** What every picture must be. */
function checkPicture(svg: string) {
  assert.match(svg, /^<svg [^>]*role="img"><title>[^<]+<\/title><desc>[^<]+<\/desc>/);
  // Self-contained, and no script.
  assert.doesNotMatch(svg, /<script|<image|<use|@import|url\((?!#)|href=/);
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
}

Deno.test("drawOccupancy() draws every curve in a panel for each size and measure", async () => {
  const svg = await drawOccupancy(figures, figures);
  checkPicture(svg);
  const curves = ["kernel", "emulation", "joined", "locked", "search"] as const;
  for (const name of curves) {
    assert.ok(svg.match(new RegExp(`stroke="${colours[name]}"`, "g"))!.length >= 4, name);
  }
  for (const text of ["512 ports", "28,232 ports", "time of one connect", "100 ms", "+8", "99 %"]) {
    assert.ok(svg.includes(`>${text}<`), text);
  }
  const [, description] = /<desc>(.*?)<\/desc>/.exec(svg)!;
  assert.match(description, /50 % of 512 ports taken: kernel 4, emulation 461, search 259/);
});

Deno.test("drawApproaches() draws each way in a panel for each number of threads", async () => {
  const ways = ["bare again", "portpin, kernel engine", "seccomp user notification"];
  const compared = [1, 8].flatMap((threads) =>
    ways.map((name, nth): Figure => ({
      what: `${name}, ${threads}`,
      measured: {},
      cost: 1 + nth / 5,
      interval: [0.9 + nth / 5, 1.1 + nth / 5],
      middle: [0.62, 1.7],
      approach: { name, threads },
    }))
  );
  const svg = await drawApproaches(compared);
  checkPicture(svg);
  for (const text of ["1 thread", "8 threads at once", "1.200 (1.100–1.300)", "0.6", "1.7"]) {
    assert.ok(svg.includes(`>${text}<`), text);
  }
  const [, description] = /<desc>(.*?)<\/desc>/.exec(svg)!;
  assert.match(description, /8 threads at once: bare again 1\.000 \(0\.900–1\.100\); portpin/);
  const dots = svg.match(
    /<path aria-label="[^"]*" role="graphics-symbol" aria-roledescription="point"/g,
  );
  assert.equal(dots?.length, compared.length);
});

Deno.test("drawUdpOccupancy() has the curves of shared ports", async () => {
  const udp = figures.filter(({ at }) => at!.crowd === "own").map((figure) => ({
    ...figure,
    measured: { ...figure.measured, shared: 40 },
    spread: { ...figure.spread, shared: [38, 44] as const },
  }));
  const svg = await drawUdpOccupancy(udp, udp);
  checkPicture(svg);
  assert.ok(svg.includes(">shared, the ports are taken for another destination<"));
  const [, description] = /<desc>(.*?)<\/desc>/.exec(svg)!;
  assert.match(description, /50 % of 512 ports taken: kernel 4, emulation 461, shared 40, search/);
});

Deno.test("a picture in a page follows its colours, and shares no name with another", async () => {
  const svg = embedded(await drawPorts(choices), "ports");
  for (const colour of Object.values(colours)) assert.ok(!svg.includes(colour), colour);
  assert.ok(svg.includes('="var(--kernel)"'));
  assert.doesNotMatch(svg, /(id="|url\(#)(?!ports-)/);
});

Deno.test("drawPorts() says how even each choice is", async () => {
  const svg = await drawPorts(choices);
  checkPicture(svg);
  assert.ok(svg.includes("emulation, 28,232 ports (32768–60999)"));
  const verdicts = svg.match(/>(one|many) destinations?: χ² \d+, df 511, p (below )?[\d.]+</g);
  assert.equal(verdicts?.length, choices.length);
});

Deno.test("the same figures give the same picture", async () => {
  const [first, ports] = [await drawOccupancy(figures, figures), await drawPorts(choices)];
  assert.equal(await drawOccupancy(figures, figures), first);
  assert.equal(await drawPorts(choices), ports);
});

Deno.test("drawPicture() refuses what Vega-Lite warns of", async () => {
  const spec = { data: { values: [] }, mark: "bar", encoding: { nowhere: { field: "x" } } };
  const caption = { title: "Title", subtitle: [], description: "Nothing." };
  await assert.rejects(drawPicture(spec, caption), /^Error: Cannot draw: /);
});

Deno.test("every colour can be told from the ground", () => {
  for (const { ground, grid: _grid, ...inks } of [colours, darkColours]) {
    for (const [name, ink] of Object.entries(inks)) {
      const [dark, light] = [ground, ink].map(luminance).sort((a, b) => a - b);
      const contrast = (light + 0.05) / (dark + 0.05);
      assert.ok(contrast >= 4.5, `${name}: ${contrast}`);
    }
  }
});

/** Relative luminance of `#rrggbb`, as WCAG 2 defines it. */
function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
