import assert from "node:assert/strict";
import { exitStatus, Failure } from "./failure.ts";
import { parsePolicy } from "./parse_policy.ts";
import { generalPolicy } from "./policy.ts";
import { valueOf } from "./ports.ts";
import { environmentSettings, flagSetting, withSettings } from "./settings.ts";
import { parseSource } from "./source.ts";

function settingsOf(environment: Record<string, string>) {
  return environmentSettings((name) => environment[name]);
}

function refusal(environment: Record<string, string>, policy = generalPolicy): string[] {
  try {
    withSettings(policy, settingsOf(environment));
  } catch (error) {
    assert(error instanceof Failure);
    assert.equal(error.status, exitStatus.configuration);
    return error.message.split("\n");
  }
  assert.fail("the environment was accepted");
}

Deno.test("withSettings() overrides the policy", () => {
  const settings = settingsOf({
    PORTPIN_PORTS: "60000-60511",
    PORTPIN_SLICE: "1/4",
    PORTPIN_ENGINE: "kernel",
    PORTPIN_OFF: "1",
    HOME: "/",
  });
  assert.deepEqual(withSettings(generalPolicy, settings), {
    ...generalPolicy,
    ports: [{ low: 60000, high: 60511 }],
    slice: { index: 1, count: 4 },
    engine: "kernel",
  });
});

Deno.test("withSettings() names every unusable value as it was spelled", () => {
  assert.deepEqual(
    refusal({
      PORTPIN_PORTS: "60000-",
      PORTPIN_SLICE: "4/4",
      PORTPIN_SOURCE: "192.0.2.7,192.0.2.8",
      PORTPIN_ENGINE: "fast",
      PORTPIN_LOG: "portpin.log",
      PORTPIN_OFF: "yes",
    }),
    [
      "portpin: Cannot use PORTPIN_PORTS=60000-: expected LOW-HIGH",
      "portpin: Cannot use PORTPIN_SLICE=4/4: expected an INDEX from 0 to 3",
      "portpin: Cannot use PORTPIN_SOURCE=192.0.2.7,192.0.2.8: " +
      "192.0.2.8 is a second IPv4 address, expected IPv6",
      "portpin: Cannot use PORTPIN_ENGINE=fast: expected one of auto, kernel, emulation",
      "portpin: Cannot use PORTPIN_LOG=portpin.log: expected an absolute path or stderr",
      "portpin: Cannot use PORTPIN_OFF=yes: expected 1",
    ],
  );
  assert.throws(() => withSettings(generalPolicy, [flagSetting("ports", "60000-")]), {
    message: "portpin: Cannot use --ports 60000-: expected LOW-HIGH",
  });
});

Deno.test("withSettings() puts a source in the place of the policy's whole source", () => {
  const policy = { ...generalPolicy, source: valueOf(parseSource("192.0.2.7,2001:db8::7")) };
  const { source } = withSettings(policy, settingsOf({ PORTPIN_SOURCE: "192.0.2.8" }));
  assert.deepEqual(source, valueOf(parseSource("192.0.2.8")));
  assert.deepEqual(refusal({ PORTPIN_SOURCE: "::" }), [
    "portpin: Cannot use PORTPIN_SOURCE=::: " +
    ":: is unspecified: without a source the kernel chooses the address",
  ]);
});

Deno.test("withSettings() blames a slice on the setting that made it too fine", () => {
  assert.deepEqual(refusal({ PORTPIN_PORTS: "60000-60001", PORTPIN_SLICE: "0/4" }), [
    "portpin: Cannot use PORTPIN_SLICE=0/4: 4 parts are more than the 2 ports",
  ]);
  const sliced = { ...generalPolicy, slice: { index: 0, count: 4 } };
  assert.deepEqual(refusal({ PORTPIN_PORTS: "60000" }, sliced), [
    "portpin: Cannot use PORTPIN_PORTS=60000: 4 parts are more than the 1 port",
  ]);
});

Deno.test("withSettings() takes the slice of a rule's own ports as well", () => {
  const policy = parsePolicy(
    `{ "name": "rules", "ports": "60000-60511", "rules": [
      { "to": { "ports": "80" }, "leave": true },
      { "to": { "ports": "443" }, "ports": "61000-61002" },
    ] }`,
    "rules.jsonc",
  );
  assert.equal(withSettings(policy, settingsOf({ PORTPIN_SLICE: "0/3" })).slice?.count, 3);
  assert.deepEqual(refusal({ PORTPIN_SLICE: "0/4" }, policy), [
    "portpin: Cannot use PORTPIN_SLICE=0/4: 4 parts are more than the 3 ports of rules[1]",
  ]);
});

Deno.test("withSettings() refuses what the policy forbids", () => {
  const environment = { ...generalPolicy.environment, ports: false };
  assert.deepEqual(refusal({ PORTPIN_PORTS: "60000" }, { ...generalPolicy, environment }), [
    "portpin: Cannot use PORTPIN_PORTS=60000: the policy forbids it",
  ]);
});
