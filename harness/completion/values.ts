// What may stand in the place of a placeholder, as far as a shell can know it.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root, targets } from "../../generator/build.ts";
import { engines } from "../../generator/policy.ts";

/** Some words; `file`: a path; `program`: a command's name or path; `text`: nobody knows. */
export type Value = readonly string[] | "file" | "program" | "text";

/** What a placeholder stands for, by its name in the command's definition. */
export function valueOf(placeholder: string): Value {
  switch (placeholder) {
    case "file":
    case "policy":
    case "arguments":
      return "file";
    case "program":
      return "program";
    case "engine":
      return engines;
    case "triple":
      return targets;
    case "case":
      return readdirSync(join(root, "fixtures", "cases")).sort();
    default:
      return "text";
  }
}
