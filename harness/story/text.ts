/** Text that fits the reader's terminal, in plain ASCII: readable in any locale, and in a pipe. */

/**
 * `text` in lines of at most `width` characters, broken at spaces alone: a longer word stays whole.
 * Lines after the first begin with `indent`; those that go on end with `more`.
 */
export function wrap(text: string, width: number, { indent = "", more = "" } = {}): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.trim().split(/\s+/)) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && longer.length + more.length > width) {
      lines.push(line + more);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line];
}

/** The width of the terminal that we write to, or 80 where there is none or it does not say. */
export function terminalWidth(): number {
  if (!Deno.stdout.isTerminal()) return 80;
  return Math.max(40, Deno.consoleSize().columns || 80);
}
