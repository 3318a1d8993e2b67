import assert from "node:assert/strict";
import { parseMessage } from "./messages.ts";

const result = {
  kind: "result",
  case: "tcp-connect",
  test: "tcp-connect family=ipv4",
  engine: "kernel",
  outcome: "good",
  reasons: [],
  duration: 12,
};

Deno.test("parseMessage() gives what was said", () => {
  assert.deepEqual(parseMessage(JSON.stringify(result)), result);
  assert.deepEqual(parseMessage('{"kind":"end"}'), { kind: "end" });
});

Deno.test("parseMessage() refuses what is no message, and says what it got", () => {
  const unknown = JSON.stringify({ ...result, outcome: "fine" });
  for (const line of ["", "Segmentation fault", '{"kind":"end","more":1}', unknown]) {
    assert.throws(() => parseMessage(line), {
      message: `Cannot understand what the machine says: ${line}`,
    });
  }
});
