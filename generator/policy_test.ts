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
  assertDescribed(policyJsonSchema(), "policy");
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

function assertDescribed({ properties = {}, items }: Schema, name: string): void {
  for (const [key, field] of Object.entries(properties)) {
    assert("description" in field, `${name}.${key}`);
    assertDescribed(field, `${name}.${key}`);
  }
  if (items !== undefined) assertDescribed(items, `${name}[]`);
}
