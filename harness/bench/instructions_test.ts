import assert from "node:assert/strict";
import { parseLog } from "./instructions.ts";

Deno.test("parseLog() reads what callgrind collected", () => {
  const log = "==16473== Events    : Ir\n==16473== Collected : 261804\n==16473== \n";
  assert.equal(parseLog(log), 261_804);
});

Deno.test("parseLog() refuses a log without it", () => {
  assert.throws(() => parseLog("==1== Command: /bin/true\n"), /Cannot read callgrind's log/);
});
