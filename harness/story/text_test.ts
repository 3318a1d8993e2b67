import assert from "node:assert/strict";
import { wrap } from "./text.ts";

Deno.test("wrap() breaks at spaces alone, and makes one of several", () => {
  assert.deepEqual(wrap("  one two\n   three ", 7), ["one two", "three"]);
  assert.deepEqual(wrap("one unbreakable two", 5), ["one", "unbreakable", "two"]);
  assert.deepEqual(wrap("one two", Infinity), ["one two"]);
});

Deno.test("wrap() indents what follows, and marks what goes on, within the width", () => {
  const lines = wrap("$ command with words", 12, { indent: "  ", more: " \\" });
  assert.deepEqual(lines, ["$ command \\", "  with \\", "  words"]);
});
