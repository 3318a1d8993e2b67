// The ways to say a finding.

import type { Statement } from "../../generator/statement.ts";
import type { Finding } from "./report.ts";

export function good(text: string): Finding {
  return { mark: "good", text, advice: null };
}

export function bad(text: string, advice?: string): Finding {
  return { mark: "bad", text, advice: advice ?? null };
}

export function warning(text: string, advice?: string): Finding {
  return { mark: "warning", text, advice: advice ?? null };
}

export function fact(text: string, advice?: string): Finding {
  return { mark: "fact", text, advice: advice ?? null };
}

/** What the generator says of a policy, as a finding. */
export function findingOf({ kind, text }: Statement, advice?: string): Finding {
  return { mark: kind, text, advice: advice ?? null };
}
