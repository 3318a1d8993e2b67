// Publishes case.schema.json, for editors. `deno test -A harness/case_schema_test.ts -- --update`
// writes it anew.

import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { Case } from "./case.ts";

const published = join(import.meta.dirname!, "case.schema.json");

Deno.test("case.schema.json is the schema of a case", async () => {
  const schema = z.toJSONSchema(Case, { io: "input" });
  if (Deno.args.includes("--update")) {
    await Deno.writeTextFile(published, `${JSON.stringify(schema, null, 2)}\n`);
  }
  assert.deepEqual(
    JSON.parse(await Deno.readTextFile(published)),
    JSON.parse(JSON.stringify(schema)),
  );
});
