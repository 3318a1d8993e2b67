import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "./build.ts";
import { parsePolicy } from "./parse_policy.ts";
import { generalPolicy } from "./policy.ts";
import { escape, renderZon } from "./render_zon.ts";

Deno.test("renderZon() gives the same bytes however the file is laid out", () => {
  const tidy = parsePolicy(
    `{
      "name": "same",
      "ports": "60000-60511,61000", // a comment
      "slice": "0/2",
      "deferBind": true,
      "environment": ["PORTPIN_PORTS", "PORTPIN_OFF"],
    }`,
    "tidy.jsonc",
  );
  const untidy = parsePolicy(
    `\t/* first */{"environment":["PORTPIN_OFF","PORTPIN_PORTS"],"slice":"0/2",\r\n` +
      `"whenUnkept":"refuse","ports":"61000,60256-60511,60000-60255","name":"s\\u0061me"}`,
    "untidy.jsonc",
  );
  assert.equal(renderZon(untidy), renderZon(tidy));
});

Deno.test("renderZon() prints the policy that zig build takes without one", async () => {
  const general = await Deno.readTextFile(join(root, "shim", "general.zon"));
  assert.equal(renderZon(generalPolicy), general);
});

Deno.test("escape() leaves nothing in a string that could end it or its line", () => {
  assert.equal(escape("plain text"), "plain text");
  assert.equal(escape('say "\\n"\n'), 'say \\"\\\\n\\"\\x0a');
  assert.equal(escape("é\u2028\x7f"), "\\xc3\\xa9\\xe2\\x80\\xa8\\x7f");
});
