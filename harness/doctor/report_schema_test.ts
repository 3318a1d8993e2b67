// Publishes doctor.schema.json, for readers of `portpin doctor --json`.
// `deno test -A harness/doctor/report_schema_test.ts -- --update` writes it anew.

import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { Report } from "./report.ts";

const published = join(import.meta.dirname!, "doctor.schema.json");

Deno.test("doctor.schema.json is the schema of a report", async () => {
  const schema = z.toJSONSchema(Report);
  if (Deno.args.includes("--update")) {
    await Deno.writeTextFile(published, `${JSON.stringify(schema, null, 2)}\n`);
  }
  assert.deepEqual(
    JSON.parse(await Deno.readTextFile(published)),
    JSON.parse(JSON.stringify(schema)),
  );
});
