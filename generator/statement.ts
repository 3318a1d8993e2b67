// What an explanation is made of.

/** One statement; a warning is something to change or to know before trusting the policy. */
export interface Statement {
  readonly kind: "fact" | "warning";
  readonly text: string;
}

export function fact(text: string): Statement {
  return { kind: "fact", text };
}

export function warning(text: string): Statement {
  return { kind: "warning", text };
}
