import assert from "node:assert/strict";
import { join } from "node:path";
import { policyJsonSchema } from "./policy.ts";

// `deno test -A generator -- --update` publishes the schema anew.
const published = join(import.meta.dirname!, "policy.schema.json");

Deno.test("policyJsonSchema() is the schema that is published", async () => {
  const text = JSON.stringify(policyJsonSchema(), null, 2) + "\n";
  if (Deno.args.includes("--update")) await Deno.writeTextFile(published, text);
  assert.equal(await Deno.readTextFile(published), text);
});

Deno.test("policyJsonSchema() describes every field", () => {
  const { properties } = policyJsonSchema();
  for (const [key, field] of Object.entries(properties as Record<string, object>)) {
    assert("description" in field, key);
  }
});
