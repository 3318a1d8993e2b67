// The page as it is written, before any browser has seen it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { renderPage } from "./render_page.ts";
import { keep, type Kept, type Million, readKept, reportFolder } from "./results.ts";
import { brokenPromise, measureInto } from "./results_for_tests.ts";
import { readCommit } from "./versions.ts";

async function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "portpin-report-" });
  try {
    await action(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The page's text, without its tags. */
function textOf(html: string): string {
  const body = html.replace(/<(style|script)[^>]*>[^]*?<\/\1>/g, "");
  return body.replace(/<[^>]*>/g, "").replaceAll("&#8239;", "\u202f").replace(/\s+/g, " ");
}

Deno.test("the page says what became of each test, and why", () =>
  inFolder(async (folder) => {
    await measureInto(folder);
    const text = textOf(await renderPage(folder));
    for (
      const words of [
        brokenPromise,
        "BAD 1 test: a: expected ports outside 50000-50511, got 50",
        "skipped 2 tests: missing: no-such-program",
        "Linux 5.10",
        "connections at once from one address",
        "What one TCP connect costs where ports are taken",
        "What one UDP connect costs where ports are taken",
        "What each way to keep the ports costs short connections",
        "Which ports are chosen where none is taken",
      ]
    ) assert.ok(text.includes(words), words);
  }));

Deno.test("the whole release of a kernel is in the table of versions alone", () =>
  inFolder(async (folder) => {
    const million = await fixture();
    const versions = { ...million.versions, kernel: "6.18.44-something" };
    await keep("million", { ...million, versions }, folder);
    const text = textOf(await renderPage(folder));
    assert.ok(text.includes(", Linux 6.18.44, commit "));
    assert.equal(text.split("6.18.44-something").length - 1, 1);
    assert.ok(text.lastIndexOf("6.18.44-something") > text.lastIndexOf("Versions"));
  }));

Deno.test("the page asks for nothing: all that it needs is in it", () =>
  inFolder(async (folder) => {
    await measureInto(folder);
    const html = await renderPage(folder);
    for (const [, attribute, value] of html.matchAll(/\s(src|srcset|href|data)="([^"]*)"/g)) {
      assert.match(value, /^(#|data:)/, attribute);
    }
    assert.doesNotMatch(html, /@import|<(iframe|object|embed|base|img)\b|xlink:href="[^#]/);
    for (const [, place] of html.matchAll(/url\(([^)]*)\)/g)) {
      assert.match(place, /^["']?(#|data:)/);
    }
    // Namespaces are names, and nobody looks there.
    const addresses = html.replaceAll(/xmlns(:\w+)?="[^"]*"/g, "").match(/https?:\/\/[^\s"'<]+/g);
    assert.deepEqual(addresses ?? [], []);
    assert.doesNotMatch(html, /\bfetch\(|XMLHttpRequest|WebSocket|importScripts|import\(/);
    assert.ok(html.length < 2_000_000, `${html.length}`);
  }));

Deno.test("what is missing is said, with the command that makes it", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "kernels.json"), '{"versions":{}}');
    await Deno.writeTextFile(join(folder, "bench.json"), "{");
    const text = textOf(await renderPage(folder));
    const missing = "Nothing to show: dist/report/";
    assert.ok(text.includes(`${missing}cases.json is not there. deno task test makes it.`));
    assert.match(
      text,
      /kernels\.json is not of the shape that this version writes \(versions\.\w+\)\. deno task kernels/,
    );
    assert.ok(text.includes("bench.json is not of the shape that this version writes"));
    assert.ok(text.includes(`${missing}million.json is not there. deno task million makes it.`));
    assert.doesNotMatch(text, /undefined|NaN|\bnull\b/);
  }));

Deno.test("what is of another commit is said to be", () =>
  inFolder(async (folder) => {
    const million = await fixture();
    const versions = { ...million.versions, commit: "0".repeat(40), modified: false };
    await keep("million", { ...million, part: undefined, versions }, folder);
    const other = "Of another commit than this page";
    assert.ok(textOf(await renderPage(folder)).includes(other));
    const { commit } = await readCommit();
    if (commit === undefined) return;
    await keep(
      "million",
      { ...million, part: undefined, versions: { ...versions, commit } },
      folder,
    );
    assert.ok(!textOf(await renderPage(folder)).includes(other));
  }));

Deno.test("a part never takes the place of the whole", () =>
  inFolder(async (folder) => {
    const million = await fixture();
    const [part, whole] = [{ ...million, part: "a part" }, { ...million, part: undefined }];
    const kept = async () => (await readKept("million", folder) as Kept<"million">).part;
    await keep("million", part, folder);
    assert.equal(await kept(), "a part");
    await keep("million", whole, folder);
    assert.equal(await kept(), undefined);
    await keep("million", part, folder);
    assert.equal(await kept(), undefined);
  }));

Deno.test("`deno task report --picture` says in a line that Chromium is missing", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", join(import.meta.dirname!, "report.ts")],
      ...["--picture", "/nowhere.png"],
    ],
    env: { PATH: reportFolder },
  }).output();
  assert.equal(
    new TextDecoder().decode(stderr),
    "portpin: Cannot make /nowhere.png: missing: chromium (Debian package chromium)\n",
  );
  assert.equal(new TextDecoder().decode(stdout), "");
  assert.equal(code, 78);
});

async function fixture(): Promise<Million> {
  const folder = join(import.meta.dirname!, "..", "..", "fixtures", "report");
  return await readKept("million", folder) as Million;
}
