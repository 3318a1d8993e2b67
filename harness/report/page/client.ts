/**
 * What the page can do with a script, and does without otherwise: filter the matrix, sort tables, and
 * say what lies under the pointer.
 */
/// <reference lib="dom" />

for (const form of document.querySelectorAll<HTMLFormElement>("form[data-filter]")) filter(form);
for (const table of document.querySelectorAll<HTMLTableElement>("[data-sortable]")) sortable(table);
for (const svg of document.querySelectorAll<SVGSVGElement>("[data-wall]")) pointAtWall(svg);
for (const svg of document.querySelectorAll<SVGSVGElement>("[data-scatter]")) pointAtScatter(svg);
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

/** Shows the rows that have the words in their text, and a cell of the outcome. */
function filter(form: HTMLFormElement) {
  const rows = [...document.querySelectorAll<HTMLElement>(`#${form.dataset.filter} tbody tr`)];
  const texts = rows.map((row) => row.querySelector("th")!.textContent.toLowerCase());
  const output = form.querySelector("output")!;
  const all = output.textContent;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    const data = new FormData(form);
    const words = `${data.get("text")}`.toLowerCase().split(/\s+/);
    const outcome = `${data.get("outcome")}`;
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !words.every((word) => texts[index].includes(word)) ||
        outcome !== "" && row.querySelector(`td.${outcome}, td .${outcome}`) === null;
      if (!row.hidden) shown++;
    });
    output.textContent = shown === rows.length ? all : `${shown} of ${all}`;
  });
}

/** Puts a button in each head: its column upwards, then downwards. */
function sortable(table: HTMLTableElement) {
  const body = table.tBodies[0];
  const heads = [...table.querySelectorAll<HTMLElement>("th[data-sort]")];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const factor = head.ariaSort === "ascending" ? -1 : 1;
      for (const other of heads) other.ariaSort = null;
      head.ariaSort = factor === 1 ? "ascending" : "descending";
      const rows = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[column]) }));
      rows.sort((a, b) => factor * compare(a.key, b.key));
      body.append(...rows.map(({ row }) => row));
    });
  });
}

const ranks = ["bad", "skipped", "absent", "refused", "good", "none"];

/** What a cell is sorted by: the rank of its worst outcome, then its first number, or its text. */
function keyOf(cell: HTMLTableCellElement): [number, number | string] {
  const text = cell.querySelector("summary")?.textContent ?? cell.textContent;
  const number = /-?\d[\d,]*(\.\d+)?/.exec(text.replace("−", "-"))?.[0].replaceAll(",", "");
  const isText = cell.tagName === "TH" || number === undefined;
  return [ranks.indexOf(cell.className.split(" ")[0]), isText ? text : Number(number)];
}

function compare([rank, value]: ReturnType<typeof keyOf>, [other, more]: ReturnType<typeof keyOf>) {
  if (rank !== other) return rank - other;
  return value < more ? -1 : value > more ? 1 : 0;
}

/** Where the pointer is, in the units of the drawing. */
function placeIn(svg: SVGSVGElement, event: PointerEvent) {
  return new DOMPoint(event.clientX, event.clientY).matrixTransform(
    svg.getScreenCTM()!.inverse(),
  );
}

/** Names the promise under the pointer. */
function pointAtWall(svg: SVGSVGElement) {
  const { left, pitch, names } = JSON.parse(svg.dataset.wall!);
  const cursor = svg.querySelector(".cursor")!;
  const output = svg.closest("figure")!.querySelector("output")!;
  const leave = () => {
    cursor.setAttribute("hidden", "");
    output.textContent = "";
  };
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("pointermove", (event) => {
    const index = Math.floor((placeIn(svg, event).x - left) / pitch);
    if (names[index] === undefined) return leave();
    cursor.removeAttribute("hidden");
    cursor.setAttribute("x", `${left + index * pitch}`);
    output.textContent = names[index];
  });
}

/** As far from a mark as this, in the units of the drawing, one still means it. */
const reach = 12;

/** Says which port was seen under the pointer, when, and in which case. */
function pointAtScatter(svg: SVGSVGElement) {
  const { left, plot, end, starts } = JSON.parse(svg.dataset.scatter!);
  const cursor = svg.querySelector<SVGGElement>(".cursor")!;
  const output = svg.closest("figure")!.querySelector("output")!;
  const panels = [...svg.querySelectorAll<SVGGElement>("[data-panel]")].map((panel) => ({
    ...JSON.parse(panel.dataset.panel!),
    marks: [...panel.querySelectorAll("path.dots, path.crosses")].flatMap(marksOf),
  }));
  const leave = () => {
    cursor.setAttribute("hidden", "");
    output.textContent = "";
  };
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("pointermove", (event) => {
    const { x, y } = placeIn(svg, event);
    const panel = panels.find(({ top, height }) => y >= top - reach && y <= top + height + reach);
    const mark = panel && nearest(panel.marks, x, y);
    if (mark === undefined) return leave();
    const port = portAt(panel, mark.y);
    const time = (mark.x - left) / plot * end;
    const name = starts.findLast(([start]: [number]) => start <= time + 0.005)?.[1];
    cursor.removeAttribute("hidden");
    cursor.setAttribute("transform", `translate(${mark.x} ${mark.y})`);
    output.textContent = `${port}, ${mark.engine}, ${time.toFixed(1)} s: ${name}`;
  });
}

interface Panel {
  readonly top: number;
  readonly height: number;
  readonly domain: readonly [number, number];
}

/** A tenth of a unit is as well as a place is known: where that is many ports, it is about there. */
function portAt({ top, height, domain: [low, high] }: Panel, y: number): string {
  const port = low + (top + height - y) / height * (high - low);
  return high - low < 5 * height
    ? `Port ${Math.round(port)}`
    : `About port ${Math.round(port / 50) * 50}`;
}

interface Mark {
  readonly x: number;
  readonly y: number;
  readonly engine: string;
}

/** The places in a path, which begin with M; a cross begins at its upper left. */
function marksOf(path: Element): Mark[] {
  const isCross = path.classList.contains("crosses");
  const engine = path.classList.contains("kernel") ? "kernel" : "emulation";
  const places = (path.getAttribute("d") ?? "").matchAll(/M([\d.-]+) ([\d.-]+)/g);
  const shift = isCross ? 2.5 : 0;
  return Array.from(
    places,
    ([_, x, y]) => ({ x: Number(x) + shift, y: Number(y) + shift, engine }),
  );
}

function nearest(marks: readonly Mark[], x: number, y: number): Mark | undefined {
  let best: Mark | undefined;
  let least = reach;
  for (const mark of marks) {
    const distance = Math.hypot(mark.x - x, mark.y - y);
    if (distance < least) [best, least] = [mark, distance];
  }
  return best;
}
