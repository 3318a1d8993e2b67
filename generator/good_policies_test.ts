// Every file of fixtures/policies/good gives exactly the policy.zon beside it.
//
// `deno test -A generator -- --update` writes down what is generated now.

import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { root } from "./build.ts";
import { readPolicy } from "./parse_policy.ts";
import { renderZon } from "./render_zon.ts";
import { findZig } from "./zig.ts";

const directory = join(root, "fixtures", "policies", "good");
const files = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();

for (const name of files.filter((name) => name.endsWith(".jsonc"))) {
  Deno.test(`renderZon() prints good/${name}`, async () => {
    const zon = renderZon(await readPolicy(join(directory, name)));
    const expected = join(directory, `${basename(name, ".jsonc")}.zon`);
    if (Deno.args.includes("--update")) await Deno.writeTextFile(expected, zon);
    assert.equal(zon, await Deno.readTextFile(expected));
  });
}

Deno.test("renderZon() prints as zig fmt does", async () => {
  const zig = await findZig(root);
  const { success, stdout } = await new Deno.Command(zig.path, {
    args: ["fmt", "--check", directory],
    env: zig.environment,
  }).output();
  assert(success, new TextDecoder().decode(stdout));
});
