/** Tables for a terminal or a log: plain text, each column as wide as its widest cell. */

/** A table with a heading; every row has a cell for each column. */
export function renderTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = heading.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column])].map((cell) => cell.length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd();
  const rule = line(widths.map((width) => "─".repeat(width)));
  return [line(heading), rule, ...rows.map(line)].join("\n");
}
