/**
 * README's examples, run as a reader would type them.
 *
 * In a `console` block `$ ` begins a command and `> ` continues it; the lines below are what it
 * prints, on both streams, `...` standing for any lines; `? N` is its exit status when not 0. A
 * `jsonc` block whose first line is a comment with a path shows that file.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../generator/build.ts";

const readme = await Deno.readTextFile(join(root, "README.md"));

interface Example {
  readonly command: string;
  readonly output: string;
  readonly status: number;
}

for (const example of blocksOf("console").flatMap(examplesOf)) {
  Deno.test(`README: ${example.command.split("\n")[0]}`, async () => {
    const { code, output } = await runInShell(example.command);
    assert.match(output, patternOf(example.output), output);
    assert.equal(code, example.status, output);
  });
}

Deno.test("README shows files as they are", async () => {
  for (const block of blocksOf("jsonc")) {
    const [, path, shown] = /^\/\/ (\S+)\n([^]*)$/.exec(block)!;
    assert.equal(shown, await Deno.readTextFile(join(root, path)), path);
  }
});

Deno.test("README has examples", () => {
  assert.ok(blocksOf("console").flatMap(examplesOf).length >= 5);
});

function blocksOf(language: string): string[] {
  const blocks = readme.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm"));
  return [...blocks].map((match) => match[1]);
}

function examplesOf(block: string): Example[] {
  return block.split(/^\$ /m).slice(1).map((text) => {
    const lines = text.trimEnd().split("\n");
    const end = lines.findIndex((line, index) => index > 0 && !line.startsWith("> "));
    const command = end < 0 ? lines : lines.slice(0, end);
    const output = end < 0 ? [] : lines.slice(end);
    const status = /^\? (\d+)$/.exec(output.at(-1) ?? "")?.[1];
    if (status !== undefined) output.pop();
    return {
      command: command.map((line) => line.replace(/^> /, "")).join("\n"),
      output: output.map((line) => `${line}\n`).join(""),
      status: Number(status ?? 0),
    };
  });
}

function patternOf(output: string): RegExp {
  const lines = output.split("\n").map((line) => line === "..." ? "[^]*?" : RegExp.escape(line));
  return new RegExp(`^${lines.join("\n").replaceAll("[^]*?\n", "[^]*?")}$`);
}

/** What the command printed on both streams, in its order. */
async function runInShell(command: string): Promise<{ code: number; output: string }> {
  const { code, stdout } = await new Deno.Command("bash", {
    args: ["-c", `exec 2>&1\n${command}`],
    cwd: root,
    // The reader's `deno` is the one that runs this test.
    env: { PATH: `${join(Deno.execPath(), "..")}:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
  }).output();
  return { code, output: new TextDecoder().decode(stdout) };
}
