// What `portpin doctor` prints: as JSON, of the shape below, or as text for a terminal, a log or an
// issue.

import { z } from "zod";
import { Facts } from "./facts.ts";

/** good: works; bad: ports are not kept; warning: worth knowing or changing; fact: neither. */
export const Mark = z.enum(["good", "bad", "warning", "fact"]);
export type Mark = z.infer<typeof Mark>;

export const Finding = z.strictObject({
  mark: Mark,
  text: z.string(),
  advice: z.string().nullable().describe("What to change; null where there is nothing to."),
});
export type Finding = z.infer<typeof Finding>;

export const Section = z.strictObject({ title: z.string(), findings: z.array(Finding) });
export type Section = z.infer<typeof Section>;

export const Report = z.strictObject({
  ports: z.string().describe("The ports that were asked about, slice taken; empty: none."),
  source: z.string().describe("The source that was asked about; empty: none."),
  kept: z.boolean().describe(
    "Whether every TCP and UDP socket keeps to the ports and the source; the exit status is 0 or 1.",
  ),
  engines: z.array(z.strictObject({
    transport: z.enum(["tcp", "udp", "mptcp", "sctp"]),
    family: z.enum(["ipv4", "ipv6"]),
    engine: z.enum(["kernel", "emulation"]).nullable().describe("null: none can."),
  })),
  facts: Facts,
  sections: z.array(Section).describe("The facts judged, as the text report has them."),
}).meta({
  title: "portpin doctor",
  description: "What `portpin doctor --json` prints.",
});
export type Report = z.infer<typeof Report>;

/** The marks where the locale has them, and where it is ASCII. */
const signs: Readonly<Record<"unicode" | "ascii", Readonly<Record<Mark, string>>>> = {
  unicode: { good: "✓", bad: "✗", warning: "!", fact: "·" },
  ascii: { good: "ok", bad: "no", warning: "! ", fact: "- " },
};

/** The report as text, without colours; `charset` is what the reader's locale has. */
export function renderReport({ sections }: Report, charset: keyof typeof signs): string {
  const indent = " ".repeat(3 + signs[charset].good.length);
  return sections.map(({ title, findings }) =>
    [
      title,
      ...findings.flatMap(({ mark, text, advice }) => [
        `  ${signs[charset][mark]} ${text}`,
        ...(advice === null ? [] : [`${indent}To change it: ${advice}`]),
      ]),
    ].join("\n")
  ).join("\n\n");
}

/** What the locale's variables say: the first that is set and not empty counts; locale(7). */
export function charsetOf(get: (name: string) => string | undefined): keyof typeof signs {
  const locale = get("LC_ALL") || get("LC_CTYPE") || get("LANG") || "C";
  return /utf-?8/i.test(locale) ? "unicode" : "ascii";
}
