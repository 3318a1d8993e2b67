// fixtures/rules.jsonc, which the shim's matcher is held to as well, by way of fixtures/rules.zon.

import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "jsonc-parser";
import { bytesOf, sixteenBytes } from "./address.ts";
import { root } from "./build.ts";
import { parseDestination } from "./destination.ts";
import { parsePolicy } from "./parse_policy.ts";
import { valueOf } from "./ports.ts";
import { zonBytes, zonList, zonRules } from "./render_zon.ts";
import { areAlike, covers, findRule, type Rule } from "./rules.ts";
import { findZig } from "./zig.ts";

interface Entry {
  readonly name: string;
  readonly rules: readonly unknown[];
  readonly destinations: Readonly<Record<string, number | null>>;
}

const table: Entry[] = parse(await Deno.readTextFile(join(root, "fixtures", "rules.jsonc")));
const published = join(root, "fixtures", "rules.zon");

function rulesOf(rules: readonly unknown[]): readonly Rule[] {
  return parsePolicy(JSON.stringify({ name: "rules", rules }), "rules.jsonc").rules;
}

for (const { name, rules, destinations } of table) {
  Deno.test(`findRule() knows: ${name}`, () => {
    for (const [destination, index] of Object.entries(destinations)) {
      const found = findRule(rulesOf(rules), valueOf(parseDestination(destination)));
      assert.equal(found ?? null, index, destination);
    }
  });
}

Deno.test("fixtures/rules.zon is fixtures/rules.jsonc", async () => {
  const text = "// fixtures/rules.jsonc, written by generator/rules_test.ts; do not edit.\n" +
    `${zonList(table.map(zonEntry), 1)}\n`;
  if (Deno.args.includes("--update")) await Deno.writeTextFile(published, text);
  assert.equal(await Deno.readTextFile(published), text);
});

/** A destination's address is as it was spelled: of a mapped one all sixteen bytes. */
function zonEntry({ name, rules, destinations }: Entry): string {
  const lines = Object.entries(destinations).map(([text, rule]) => {
    const { address, port, transport } = valueOf(parseDestination(text));
    const bytes = text.startsWith("[") ? sixteenBytes(address) : bytesOf(address);
    const family = bytes.length === 4 ? "ipv4" : "ipv6";
    return `.{ .address = .{ .${family} = ${zonBytes(bytes)} }, .port = ${port}, ` +
      `.transport = .${transport}, .rule = ${rule} }, // ${text}`;
  });
  const fields = [
    `.name = ${JSON.stringify(name)},`,
    `.rules = ${zonRules(rulesOf(rules), 3)},`,
    `.destinations = ${zonList(lines, 3)},`,
  ];
  return `${zonList(fields, 2)},`;
}

Deno.test("fixtures/rules.zon is as zig fmt has it, and of the types of shim/Policy.zig", async () => {
  const zig = await findZig(root);
  const run = async (...args: string[]) => {
    const { success, stdout, stderr } = await new Deno.Command(zig.path, {
      args,
      cwd: root,
      env: zig.environment,
    }).output();
    assert(success, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
  };
  await run("fmt", "--check", published);
  const program = await Deno.makeTempFile({ suffix: ".zig" });
  try {
    await Deno.writeTextFile(program, zigTypes);
    const modules = ["-MPolicy=shim/Policy.zig", `-Mrules=${published}`];
    const cache = ["--cache-dir", ".zig-cache"];
    await run(
      ...["build-obj", "-fno-emit-bin", ...cache, "--dep", "Policy", "--dep", "rules"],
      ...[`-Mroot=${program}`, ...modules],
    );
  } finally {
    await Deno.remove(program);
  }
});

/** How the shim's unit tests may read the table. */
const zigTypes = `
const Policy = @import("Policy");
const Entry = struct {
    name: []const u8,
    rules: []const Policy.Rule,
    destinations: []const struct {
        address: union(enum) { ipv4: [4]u8, ipv6: [16]u8 },
        port: u16,
        transport: Policy.Transport,
        rule: ?u8,
    },
};
pub const table: []const Entry = @import("rules");
comptime {
    if (table.len < 10) @compileError("the table is not all there");
}
`;

Deno.test("covers() says that a rule leaves nothing to another", () => {
  const rule = (to: object) => rulesOf([{ to, leave: true }])[0];
  const [wide, narrow] = [{ ports: "80,443" }, { ports: "443", networks: ["10.0.0.0/8"] }];
  assert(covers(rule(wide), rule(narrow)));
  assert(!covers(rule(narrow), rule(wide)));
  assert(!covers(rule({ ports: "1-442" }), rule(narrow)));
  assert(covers(rule({ ports: "443" }), rule({ ports: "443", transport: "udp" })));
  assert(!covers(rule({ ports: "443", transport: "udp" }), rule({ ports: "443" })));
  assert(!covers(rule({ transport: "tcp" }), rule({ transport: "udp" })));
  assert(covers(rule({ networks: ["::/0", "0.0.0.0/0"] }), rule({ ports: "1-65535" })));
  assert(!covers(rule({ networks: ["::/0"] }), rule({ ports: "1-65535" })));
});

Deno.test("covers() agrees with findRule() about every destination of the table", () => {
  const rules = table.flatMap(({ rules }) => rulesOf(rules));
  const destinations = table.flatMap(({ destinations }) => Object.keys(destinations))
    .map((text) => valueOf(parseDestination(text)));
  for (const earlier of rules) {
    for (const later of rules.filter((later) => covers(earlier, later))) {
      for (const destination of destinations) {
        if (findRule([later], destination) === 0) assert.equal(findRule([earlier], destination), 0);
      }
    }
  }
});

Deno.test("areAlike() looks at destinations and at what follows", () => {
  const [one, same, other, left] = [
    { to: { networks: ["192.0.2.0/25", "192.0.2.128/25"] }, ports: "61000-61001" },
    { to: { networks: ["192.0.2.0/24"] }, ports: "61001,61000" },
    { to: { networks: ["192.0.2.0/24"] }, ports: "61000" },
    { to: { networks: ["192.0.2.0/24"] }, leave: true },
  ].map((rule) => rulesOf([rule])[0]);
  assert(areAlike(one, same));
  assert(!areAlike(one, other) && !areAlike(other, left) && areAlike(left, left));
});
