// The manual page: what is in it, and that man's own tools find nothing to warn of.

import assert from "node:assert/strict";
import { join } from "node:path";
import { Command } from "commander";
import { root } from "../../generator/build.ts";
import { modelOf } from "../completion/command_model.ts";
import { manual } from "./manual.ts";

const decoder = new TextDecoder();

/** The page as `portpin man` prints it on that day. */
async function page(variables: Record<string, string> = { SOURCE_DATE_EPOCH: "1700000000" }) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", join(root, "harness", "portpin.ts"), "man"],
    env: variables,
  }).output();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

/** A program whose descriptions have what roff would take for its own. */
const awkward = new Command("tool").description("Do it").version("1").addCommand(
  new Command("paint").description(".Paint it\\n, 'with' \"care\" – or not")
    .argument("[wall...]", "No wall")
    .option("--Ar <No>", ".sp 9")
    .addHelpText("after", "\n'quoted first\n\nExample:\n  tool paint \\fB.x"),
);
const awkwardPage = manual(modelOf(awkward), "1", new Date(0));

async function has(program: string): Promise<boolean> {
  return await new Deno.Command(program, { args: ["-Tlint", "/dev/null"] }).output()
    .then(() => true, () => false);
}

/** What mandoc(1) makes of `text`, and what it warns of. */
async function mandoc(text: string): Promise<{ warnings: string; plain: string }> {
  const file = await Deno.makeTempFile({ suffix: ".1" });
  try {
    await Deno.writeTextFile(file, text);
    const run = async (args: string[]) =>
      decoder.decode((await new Deno.Command("mandoc", { args: [...args, file] }).output()).stdout);
    const warnings = await run(["-Tlint", "-Wwarning"]);
    // deno-lint-ignore no-control-regex -- bold is a letter, a backspace and the letter again
    const plain = (await run(["-Tutf8", "-Owidth=100"])).replaceAll(/.\x08/gu, "");
    return { warnings, plain };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("the manual has every section, command and variable", async () => {
  const { code, out, error } = await page();
  assert.deepEqual([code, error], [0, ""]);
  const sections = [...out.matchAll(/^\.Sh (.*)$/gm)].map(([, title]) => title);
  assert.deepEqual(sections, [
    ...["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS"],
    ...["ENVIRONMENT", "EXIT STATUS", "EXAMPLES", "SEE ALSO"],
  ]);
  assert.match(out, /^\.Dd November 14, 2023$/m);
  for (const command of ["build", "run", "check", "doctor", "completion", "man"]) {
    assert.ok(out.includes(`.Ss "\\&${command}"`), command);
  }
  for (const key of ["PORTS", "SLICE", "SOURCE", "ENGINE", "LOG", "OFF"]) {
    assert.ok(out.includes(`.It Ev "\\&PORTPIN_${key}=`), key);
  }
});

Deno.test("man refuses a date that is none", async () => {
  assert.deepEqual(await page({ SOURCE_DATE_EPOCH: "today" }), {
    code: 78,
    out: "",
    error: "portpin: Cannot use SOURCE_DATE_EPOCH=today: expected seconds since 1970\n",
  });
});

Deno.test({
  name: "mandoc has no warning of the manual (needs mandoc)",
  ignore: !await has("mandoc"),
  async fn() {
    const { warnings, plain } = await mandoc((await page()).out);
    assert.equal(warnings, "");
    assert.match(plain, /portpin run \[options\] -- PROGRAM \[ARGUMENT\.\.\.\]/);
    assert.match(plain, /--world world/);
  },
});

Deno.test({
  name: "what roff would take for its own comes out as it went in (needs mandoc)",
  ignore: !await has("mandoc"),
  async fn() {
    const { warnings, plain } = await mandoc(awkwardPage);
    assert.equal(warnings, "");
    for (
      const text of [
        ".Paint it\\n, 'with' \"care\" – or not.",
        "--Ar No",
        ".sp 9.",
        "'quoted first",
        "tool paint \\fB.x",
      ]
    ) {
      assert.ok(plain.includes(text), `${text} in\n${plain}`);
    }
  },
});
