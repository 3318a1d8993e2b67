// The mdoc(7) dialect of roff: text that roff takes as text, and the macros of a manual page.

/** Text for a line of its own: no character of it is a request. */
export function escape(text: string): string {
  const safe = text.replaceAll("\\", "\\e").replaceAll("-", "\\-")
    .replaceAll(
      /[^\n -~]/gu,
      (character) =>
        `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`,
    );
  return safe.split("\n").map((line) => /^[.']/.test(line) ? `\\&${line}` : line).join("\n");
}

/** One argument of a macro: quoted, because a bare word may be a macro's name. */
export function argument(text: string): string {
  return `"\\&${escape(text).replaceAll('"', "\\(dq")}"`;
}

/** Text as paragraphs, each sentence on a line of its own, as mdoc(7) wants it; none of none. */
export function paragraphs(text: string): string[] {
  return text.trim().split(/\n\s*\n/).filter((paragraph) => paragraph !== "")
    .flatMap((paragraph, index) => {
      const line = escape(paragraph.replaceAll(/\s*\n\s*/g, " "));
      const sentences = line.replaceAll(/([.;]) (?=[A-Z])/g, "$1\n");
      return index === 0 ? [sentences] : [".Pp", sentences];
    });
}

/** Lines as they are, indented. */
export function literal(lines: readonly string[]): string[] {
  return [".Bd -literal -offset indent", ...lines.map(escape), ".Ed"];
}

/** A list of terms; each term is a macro line without its `.It`. */
export function terms(entries: readonly { term: string; lines: readonly string[] }[]): string[] {
  if (entries.length === 0) return [];
  const items = entries.flatMap(({ term, lines }) => [`.It ${term}`, ...lines]);
  return [".Bl -tag -width Ds", ...items, ".El"];
}
