import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../generator/build.ts";
import { Failure } from "../../generator/failure.ts";
import { place, withTables } from "./readme_tables.ts";
import { type Bench, readKept } from "./results.ts";

const readme = await Deno.readTextFile(join(root, "README.md"));
const bench = await readKept("bench", join(root, "fixtures", "report")) as Bench;

/** The names of the tables, and what each of their lines begins with. */
function shapeOf(text: string) {
  return Array.from(text.matchAll(place), ([table, name]) => {
    const lines = table.split("\n").filter((line) => line.startsWith("|"));
    return { name, lines: lines.map((line) => line.split("|")[1].trim().replace(/^-+$/, "")) };
  });
}

Deno.test("README's tables of costs are those that the bench of today would put there", () => {
  const shape = shapeOf(readme);
  const names = ["calls", "time", "approaches", "occupancy", "udp", "instructions", "size"];
  assert.deepEqual(shape.map(({ name }) => name), names);
  assert.ok(shape.every(({ lines }) => lines.length > 4));
  assert.deepEqual(shape, shapeOf(withTables(readme, bench)));
});

Deno.test("withTables() replaces the tables and nothing else, and does so again", () => {
  const text = "before\n\n<!-- costs size -->\nold\n<!-- end of costs -->\n\nafter\n";
  const filled = withTables(text, bench);
  assert.match(
    filled,
    /^before\n\n<!-- costs size -->\n\n\| library +\| bytes +\| at most \|\n\| -+ \| -+ \| -+ \|\n/,
  );
  assert.match(filled, /\n\n<!-- end of costs -->\n\nafter\n$/);
  assert.doesNotMatch(filled, /old/);
  assert.equal(withTables(filled, bench), filled);
});

Deno.test("withTables() names a table that it does not know, and those that it does", () => {
  const text = "<!-- costs weight -->\n<!-- end of costs -->\n";
  assert.throws(
    () => withTables(text, bench),
    (error) =>
      error instanceof Failure &&
      /^portpin: Cannot make the table of costs weight: expected one of calls, time,/.test(
        error.message,
      ),
  );
});
