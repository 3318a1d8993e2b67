// The page in Debian's Chromium: what a reader gets, with a script and without, on a phone, in the dark and
// on paper.
/// <reference lib="dom" />

import assert from "node:assert/strict";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { findChromium, missingChromium, openFile, photograph, startChromium } from "./chromium.ts";
import { renderPage } from "./render_page.ts";
import { measureInto } from "./results_for_tests.ts";

const chromium = findChromium();
const skipped = chromium === undefined ? ` (skipped: ${missingChromium})` : "";

Deno.test({
  name: `the page in Chromium${skipped}`,
  ignore: chromium === undefined,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "portpin-report-" });
    const file = join(folder, "index.html");
    await measureInto(folder);
    await Deno.writeTextFile(file, await renderPage(folder));
    const browser = await startChromium(chromium!);
    try {
      for (const [name, check] of checks) {
        await t.step(name, () => onPage(browser, file, check));
      }
    } finally {
      await browser.close();
    }
    await t.step("its picture is a PNG", async () => {
      const picture = join(folder, "page.png");
      await photograph(chromium!, file, picture);
      const signature = (await Deno.readFile(picture)).slice(0, 8);
      assert.deepEqual([...signature], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    });
    await Deno.remove(folder, { recursive: true });
  },
});

type Check = (page: Page, reload: () => Promise<unknown>) => Promise<void>;

/** Each on a page of its own. */
async function onPage(browser: Browser, file: string, check: Check): Promise<void> {
  const page = await openFile(browser, file);
  try {
    await check(page, () => page.reload());
  } finally {
    await page.close();
  }
}

const checks: readonly (readonly [string, Check])[] = [
  ["nothing is fetched, and nothing complains", async (page, reload) => {
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(`${error}`));
    page.on("request", (request) => requests.push(new URL(request.url()).protocol));
    await reload();
    await page.evaluate("document.querySelector('details').open = true");
    assert.deepEqual(complaints, []);
    assert.deepEqual(requests.filter((protocol) => protocol !== "data:"), ["file:"]);
  }],

  ["without a script the tables are there, and nothing that needs one", async (page, reload) => {
    await page.setJavaScriptEnabled(false);
    await reload();
    const rows = await visible(page, "#by-promise tbody tr");
    assert.ok(rows.length > 3 && rows.every(Boolean));
    assert.deepEqual(await visible(page, ".filter"), [false]);
    assert.deepEqual(await visible(page, "th button"), []);
    await page.click("#by-promise summary");
    assert.equal((await visible(page, "#by-promise details p"))[0], true);
  }],

  ["rows are filtered by words and by outcome", async (page) => {
    const rows = () => names(page, "#by-promise tbody tr:not([hidden]) summary");
    const { length } = await rows();
    await page.type("[name=text]", "promise broken");
    assert.deepEqual(await rows(), ["broken-promise"]);
    assert.equal(await textOf(page, ".filter output"), `1 of ${length} rows`);
    await page.evaluate("document.querySelector('.filter').reset()");
    await page.select("[name=outcome]", "bad");
    assert.deepEqual(await rows(), ["broken-promise"]);
    await page.select("[name=outcome]", "skipped");
    assert.deepEqual(await rows(), ["missing-program"]);
    await page.select("[name=outcome]", "");
    assert.equal((await rows()).length, length);
    assert.equal(await textOf(page, ".filter output"), `${length} rows`);
  }],

  ["rows are sorted by name and by outcome, by keyboard too", async (page) => {
    const rows = () => names(page, "#by-promise tbody summary");
    const sorted = await rows();
    assert.deepEqual(sorted, sorted.toSorted());
    const byName = "#by-promise thead tr:first-child button";
    await page.focus(byName);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    assert.deepEqual(await rows(), sorted.toReversed());
    const state = await page.$eval("#by-promise th[data-sort]", (head) => head.ariaSort);
    assert.equal(state, "descending");
    await page.click("#by-promise thead tr:last-child th button");
    assert.deepEqual((await rows()).slice(0, 2), ["broken-promise", "missing-program"]);
  }],

  ["pointing says what lies there", async (page) => {
    const wall = await page.$(".wall path.bad");
    await wall!.hover();
    assert.equal(await textOf(page, "figure:has(.wall) .hovered"), "broken-promise");
    const { x, y } = await page.$eval("[data-panel] path.dots.kernel", (path) => {
      path.scrollIntoView({ block: "center" });
      const dots = path as SVGGeometryElement;
      const { x, y } = dots.getPointAtLength(0).matrixTransform(dots.getScreenCTM()!);
      return { x, y };
    });
    await page.mouse.move(x, y);
    const said = await textOf(page, "figure:has(.scatter) .hovered");
    assert.match(said, /^Port 50\d\d\d, kernel, 0\.\d s: (tcp-connect-blocking|broken-promise)$/);
  }],

  ["on a phone the page does not scroll sideways", async (page, reload) => {
    await page.setViewport({ width: 390, height: 844, isMobile: true, hasTouch: true });
    await reload();
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
    const width = await page.evaluate("document.scrollingElement.scrollWidth");
    assert.equal(width, 390);
  }],

  ["by day each text has a contrast of 4.5", async (page) => {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
    await checkContrast(page, (luminance) => luminance > 0.8);
  }],

  ["in the dark it has, too", async (page) => {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
    await checkContrast(page, (luminance) => luminance < 0.1);
  }],

  ["on paper everything is there, and no control", async (page) => {
    await page.emulateMediaType("print");
    for (const control of ["nav", ".filter", ".hovered"]) {
      assert.ok((await visible(page, control)).every((is) => !is), control);
    }
    assert.ok((await visible(page, "details p, details table")).every(Boolean));
    const clipped = await page.$$eval(
      ".wide",
      (boxes) => boxes.filter((box) => box.scrollHeight > box.clientHeight + 1).length,
    );
    assert.equal(clipped, 0);
    const pdf = await page.pdf({ preferCSSPageSize: true });
    assert.equal(new TextDecoder().decode(pdf.slice(0, 5)), "%PDF-");
  }],

  ["headers and captions say what each cell is", async (page) => {
    const problems = await page.$$eval("table", (tables) =>
      tables.flatMap((table) => {
        const bare = [...table.querySelectorAll("th")].filter((head) => !head.scope).length;
        const named = table.caption !== null && table.querySelector("tbody th[scope=row]") !== null;
        return bare === 0 && named ? [] : [table.outerHTML.slice(0, 200)];
      }));
    assert.deepEqual(problems, []);
    const ids = await page.$$eval("[id]", (elements) => elements.map(({ id }) => id));
    assert.deepEqual(ids, [...new Set(ids)]);
    const links = await page.$$eval(
      "a[href^='#']",
      (links) =>
        links.filter((link) => document.querySelector(link.getAttribute("href")!) === null).length,
    );
    assert.equal(links, 0);
  }],
];

/** Whether each of what `selector` finds takes room. */
async function visible(page: Page, selector: string): Promise<boolean[]> {
  return await page.$$eval(
    selector,
    (elements) =>
      elements.map((element) => element.checkVisibility() && element.getClientRects().length > 0),
  );
}

async function names(page: Page, selector: string): Promise<string[]> {
  return await page.$$eval(selector, (elements) => elements.map(({ textContent }) => textContent!));
}

async function textOf(page: Page, selector: string): Promise<string> {
  return await page.$eval(selector, ({ textContent }) => textContent!);
}

/** Every text that is shown, against the ground that it is on, as WCAG 2 computes it. */
async function checkContrast(page: Page, isGround: (luminance: number) => boolean): Promise<void> {
  await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
  const texts = await page.evaluate(collectColours);
  assert.ok(texts.length > 100, `${texts.length}`);
  assert.ok(isGround(luminanceOf(texts[0].ground)), texts[0].ground);
  for (const { text, ink, ground } of texts) {
    const [light, dark] = [ink, ground].map(luminanceOf).sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    assert.ok(contrast >= 4.5, `${text}: ${ink} on ${ground}: ${contrast.toFixed(2)}`);
  }
}

/** Runs in the page: each text with its computed colour, and that of the nearest ground. */
function collectColours(): { text: string; ink: string; ground: string }[] {
  const transparent = "rgba(0, 0, 0, 0)";
  const groundOf = (element: Element | null): string => {
    if (element === null) return "rgb(255, 255, 255)";
    const { backgroundColor } = getComputedStyle(element);
    return backgroundColor === transparent ? groundOf(element.parentElement) : backgroundColor;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter(({ nodeType }) => nodeType === 3)
      .map(({ textContent }) => textContent!.trim()).join("");
    if (
      text === "" || !element.checkVisibility() || element.closest("script, style, desc, title")
    ) {
      continue;
    }
    const style = getComputedStyle(element);
    const ink = element.closest("svg") === null ? style.color : style.fill;
    found.push({ text, ink, ground: groundOf(element) });
  }
  return found;
}

/** Relative luminance of `rgb(R, G, B)`. */
function luminanceOf(colour: string): number {
  const [red, green, blue] = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour)!.slice(1).map((digits) => {
    const value = Number(digits) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
