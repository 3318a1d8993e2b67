/** Makes the page: one HTML file with its style, its script and its pictures, that asks for nothing. */
import { build, stop } from "esbuild";
import { join } from "node:path";
import { h } from "preact";
import { renderToString } from "preact-render-to-string";
import { type Data, there } from "./page/data.ts";
import { Page, titleOf } from "./page/page.tsx";
import { colours, darkColours, embedded } from "./picture.ts";
import { drawPictures } from "./pictures.ts";
import { readKept } from "./results.ts";
import { readCommit } from "./versions.ts";

/** The page of what is kept in `folder`. */
export async function renderPage(folder: string): Promise<string> {
  const kept = {
    cases: await readKept("cases", folder),
    kernels: await readKept("kernels", folder),
    bench: await readKept("bench", folder),
    million: await readKept("million", folder),
  };
  const bench = there(kept.bench);
  const drawn = bench === undefined ? [] : [...await drawPictures(bench)];
  const pictures = Object.fromEntries(drawn.map(([name, svg]) => [name, embedded(svg, name)]));
  const data: Data = { head: await readCommit(), kept, pictures };
  const [style, script] = await bundle(["style.css", "client.ts"]);
  return `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${titleOf(data)}</title>
<link rel="icon" href="data:,">
<style>${variables()}${style}</style>
${renderToString(h(Page, { data }))}
<script type="module">${script}</script>
</html>
`;
}

/** The colours of the pictures, which are those of the page. */
function variables(): string {
  const list = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => `--${name}:${value}`).join(";");
  return `:root{${list(colours)}}` +
    `@media screen and (prefers-color-scheme:dark){:root{${list(darkColours)}}}`;
}

/** The texts of `page/NAME`, minified, with all that they import. */
async function bundle(names: readonly string[]): Promise<string[]> {
  const entryPoints = names.map((name) => join(import.meta.dirname!, "page", name));
  try {
    const { outputFiles } = await build({
      entryPoints,
      bundle: true,
      minify: true,
      charset: "utf8",
      format: "esm",
      target: ["es2022", "chrome110", "firefox110", "safari16"],
      outdir: "/",
      write: false,
    });
    return outputFiles.map(({ text }) => text.trim());
  } finally {
    await stop();
  }
}
