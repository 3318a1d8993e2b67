// What shells complete: made-up commands show that the scripts follow the definitions, and the real
// ones that portpin's own are complete.

import assert from "node:assert/strict";
import { join } from "node:path";
import { Argument, Command, Option } from "commander";
import { root } from "../../generator/build.ts";
import { bashCompletion } from "./bash.ts";
import { modelOf } from "./command_model.ts";
import { fishCompletion } from "./fish.ts";
import { zshCompletion } from "./zsh.ts";

/** A program with a little of everything that definitions may have. */
function madeUp(): Command {
  return new Command("tool").enablePositionalOptions().option("-q, --quiet", "say [nothing]: hush")
    .addCommand(
      new Command("paint").description("Paint it, the user's: way")
        .argument("<file>", "what to paint")
        .addArgument(new Argument("[brush]", "with what").choices(["broad", "fine"]))
        .addOption(new Option("-c, --colour <colour>", "which").choices(["red", "green"]))
        .addOption(new Option("--secret", "not shown").hideHelp()),
    )
    .addCommand(
      new Command("launch").argument("<program>").argument("[arguments...]")
        .option("--fast", "be quick").passThroughOptions(),
    )
    .addCommand(new Command("ghost"), { hidden: true });
}

const tool = modelOf(madeUp());

async function output(command: string, args: string[], cwd?: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd }).output();
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.ok(success && error === "", error);
  return out;
}

async function portpin(...args: string[]): Promise<string> {
  const main = join(root, "harness", "portpin.ts");
  return await output(Deno.execPath(), ["run", "-A", "--quiet", main, ...args]);
}

/** What bash would offer for the last of `words`, the first being the program. */
async function inBash(script: string, words: string[], cwd?: string): Promise<string[]> {
  const complete = `${script}\nCOMP_WORDS=("$@")\nCOMP_CWORD=$(($# - 1))\n_$1\n` +
    `printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = await output("bash", ["-c", complete, "bash", ...words], cwd);
  return out.split("\n").filter((line) => line !== "").sort();
}

const toolInBash = (...words: string[]) => inBash(bashCompletion(tool), ["tool", ...words]);

Deno.test("bash completes commands, options and the words that they take", async () => {
  assert.deepEqual(await toolInBash(""), ["help", "launch", "paint"]);
  assert.deepEqual(await toolInBash("pa"), ["paint"]);
  assert.deepEqual(await toolInBash("--q"), ["--quiet"]);
  assert.deepEqual(await toolInBash("-q", "pa"), ["paint"]);
  assert.deepEqual(await toolInBash("paint", "-"), ["--colour", "--help", "-c", "-h"]);
  assert.deepEqual(await toolInBash("paint", "--colour", "g"), ["green"]);
  assert.deepEqual(await toolInBash("paint", "-c", ""), ["green", "red"]);
  // As readline splits --colour=g and --colour=.
  assert.deepEqual(await toolInBash("paint", "--colour", "=", "g"), ["green"]);
  assert.deepEqual(await toolInBash("paint", "--colour", "="), ["green", "red"]);
  assert.deepEqual(await toolInBash("help", "la"), ["launch"]);
});

Deno.test("bash completes arguments by their place, past options and their values", async () => {
  assert.deepEqual(await toolInBash("paint", "wall", "f"), ["fine"]);
  assert.deepEqual(await toolInBash("paint", "-c", "red", "wall", ""), ["broad", "fine"]);
  assert.deepEqual(await toolInBash("paint", "--colour", "=", "red", "wall", "b"), ["broad"]);
  assert.deepEqual(await toolInBash("paint", "wall", "fine", ""), []);
});

Deno.test("bash completes files with blanks, and programs", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(directory, "two words"), "");
    const files = await inBash(bashCompletion(tool), ["tool", "paint", "tw"], directory);
    assert.deepEqual(files, ["two words"]);
    assert.ok((await toolInBash("launch", "bas")).includes("bash"));
    assert.ok((await toolInBash("launch", "--fast", "--", "bas")).includes("bash"));
    // What follows the program is the program's own.
    const own = await inBash(bashCompletion(tool), ["tool", "launch", "ls", "tw"], directory);
    assert.deepEqual(own, ["two words"]);
    assert.deepEqual(await toolInBash("launch", "ls", "--fa"), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("bash completes portpin's own commands, options and values", async () => {
  const script = await portpin("completion", "bash");
  const complete = (...words: string[]) => inBash(script, ["portpin", ...words], root);
  assert.deepEqual(await complete("doc"), ["doctor"]);
  assert.deepEqual(await complete("completion", ""), ["bash", "fish", "zsh"]);
  assert.deepEqual(await complete("run", "--engine", "k"), ["kernel"]);
  assert.deepEqual(await complete("doctor", "--so"), ["--source"]);
  const cases = [...Deno.readDirSync(join(root, "fixtures", "cases"))].map(({ name }) => name);
  const ofCurl = cases.filter((name) => name.startsWith("program-cu")).sort();
  assert.ok(ofCurl.length > 1);
  assert.deepEqual(await complete("check", "program-cu"), ofCurl);
  assert.deepEqual(await complete("explain", "README"), ["README.md"]);
  // Each command's help and completion name the same options.
  const commands = (await complete("")).filter((name) => name !== "help");
  for (const command of commands) {
    const help = await portpin(command, "--help");
    const shown = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name]) => name);
    assert.ok(shown.length > 0, command);
    assert.deepEqual(await complete(command, "--"), shown.sort(), command);
  }
});

async function has(shell: string): Promise<boolean> {
  return await new Deno.Command(shell, { args: ["-c", "true"] }).output()
    .then(({ success }) => success, () => false);
}

Deno.test({
  name: "zsh takes the completion, of a made-up program and of portpin (needs zsh)",
  ignore: !await has("zsh"),
  async fn() {
    for (const script of [zshCompletion(tool), await portpin("completion", "zsh")]) {
      const [, name] = /^#compdef (\w+)\n/.exec(script)!;
      await output("zsh", ["-fnc", script]);
      const registered = `autoload -U compinit; compinit -D -u; ${script}; print $_comps[${name}]`;
      assert.equal(await output("zsh", ["-fc", registered]), `_${name}\n`);
    }
  },
});

Deno.test("zsh is told of descriptions with what it would take for its own", () => {
  const script = zshCompletion(tool);
  assert.ok(script.includes("'--quiet[say \\[nothing\\]\\: hush]'"));
  assert.ok(script.includes("'paint:Paint it, the user'\\''s\\: way'"));
  assert.ok(script.includes("'--colour=[which]:colour:(red green)'"));
  assert.doesNotMatch(script, /secret|ghost/);
});

Deno.test({
  name: "fish completes commands, options and values (needs fish)",
  ignore: !await has("fish"),
  async fn() {
    const home = await Deno.makeTempDir();
    try {
      const complete = async (script: string, line: string) => {
        const commands = `${script}\ncomplete -C ${JSON.stringify(line)}`;
        const { stdout, stderr } = await new Deno.Command("fish", {
          args: ["--no-config", "-c", commands],
          env: { HOME: home },
        }).output();
        assert.equal(new TextDecoder().decode(stderr), "");
        return new TextDecoder().decode(stdout).split("\n").filter((word) => word !== "")
          .map((word) => word.split("\t")[0]);
      };
      const made = fishCompletion(tool);
      assert.deepEqual(await complete(made, "tool "), ["help", "launch", "paint"]);
      assert.deepEqual(await complete(made, "tool paint --co"), ["--colour"]);
      assert.deepEqual(await complete(made, "tool paint --colour "), ["green", "red"]);
      assert.ok((await complete(made, "tool launch bas")).includes("bash"));
      const script = await portpin("completion", "fish");
      assert.deepEqual(await complete(script, "portpin doc"), ["doctor"]);
      assert.deepEqual(await complete(script, "portpin run --engine k"), ["kernel"]);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  },
});

Deno.test("completion refuses a shell that it does not know as a usage error", async () => {
  const main = join(root, "harness", "portpin.ts");
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", main, "completion", "tcsh"],
  }).output();
  assert.equal(code, 2);
  assert.match(new TextDecoder().decode(stderr), /Allowed choices are bash, zsh, fish/);
});
