/**
 * The placeholders of a case: `{word}` and `{word.word}`. What they stand for is in case.ts.
 *
 * `%{x}` and `${x}` belong to the programs themselves; any other unknown word is an error.
 */

/** What a placeholder stands for, by the text between its braces. */
export type Words = Readonly<Record<string, string>>;

const placeholder = /(?<![%$])\{([a-zA-Z]\w*(?:\.[a-zA-Z]\w*)?)\}/g;

/**
 * The text with every placeholder replaced, except those named in `kept`.
 *
 * @throws {Error} for a placeholder that is not known.
 */
export function fill(text: string, words: Words, kept: readonly string[] = []): string {
  return text.replaceAll(placeholder, (whole, word: string) => {
    if (kept.includes(word)) return whole;
    const value = Object.hasOwn(words, word) ? words[word] : undefined;
    if (value !== undefined) return value;
    const known = Object.keys(words).sort().join(", ");
    throw new Error(`Cannot fill in ${whole}: expected one of ${known}`);
  });
}

/** The words of a service called `name`: `{NAME}`, `{NAME.address}` and so on. */
export function serviceWords(name: string, words: Words): Words {
  return Object.fromEntries(
    Object.entries(words).map(([key, value]) => [key === "" ? name : `${name}.${key}`, value]),
  );
}

/** The placeholders that only a line of an expectation has. */
const patterns = { port: "(?<port>[0-9]+)", number: "[0-9]+", any: ".*?" } as const;

/** Whether an output line is as expected, and which ports its `{port}`s matched. */
export type LineMatch = { readonly matches: boolean; readonly ports: readonly number[] };

/** Compares one line of output with an expected one, which may have placeholders. */
export function matchLine(expected: string, words: Words, line: string): LineMatch {
  const text = fill(expected, words, Object.keys(patterns));
  const parts = text.split(/(?<![%$])\{(port|number|any)\}/);
  let ports = 0;
  const source = parts.map((part, index) => {
    if (index % 2 === 0) return RegExp.escape(part);
    const pattern = patterns[part as keyof typeof patterns];
    return part === "port" ? pattern.replace("port", `port${ports++}`) : pattern;
  }).join("");
  const match = new RegExp(`^${source}$`).exec(line);
  if (match === null) return { matches: false, ports: [] };
  return { matches: true, ports: Object.values(match.groups ?? {}).map(Number) };
}
