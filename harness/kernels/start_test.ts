import assert from "node:assert/strict";
import { quoted, startScript } from "./start.ts";

Deno.test("quoted() comes back from a shell as it was", async () => {
  const text = 'it\'s $HOME; `x` \\ "y"\n';
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `printf %s ${quoted(text)}`],
  }).output();
  assert.equal(new TextDecoder().decode(stdout), text);
});

Deno.test("startScript() is a script that a shell can read, with the cases' names in it", async () => {
  const script = startScript("/a b/modules", ["tcp-connect", "udp-connect"]);
  const { success } = await new Deno.Command("sh", { args: ["-n", "-c", script] }).output();
  assert.ok(success);
  assert.match(script, /inside\.ts' 'tcp-connect' 'udp-connect' /);
  assert.match(script, /^mount --bind '\/a b\/modules' /m);
});
