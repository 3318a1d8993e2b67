/**
 * Pictures: a Vega-Lite specification becomes a self-contained SVG. The same specification always
 * gives the same text. In a file it brings its own light ground, so it reads alike on paper and in the dark; in the page it
 * follows the page's colours.
 */
import { logger, parse, resetSVGDefIds, View } from "vega";
import { compile, type Config, type TopLevelSpec } from "vega-lite";

/** Ink and ground: each colour has a contrast of 4.5 or more with the ground. */
export const colours = {
  ground: "#fcfcfa",
  ink: "#1b1f24",
  faint: "#60666d",
  grid: "#e3e4e1",
  kernel: "#0a5fa6",
  emulation: "#c03a0b",
  joined: "#8a5a00",
  locked: "#8b1a6b",
  search: "#3f6b2a",
} as const;

/** The same on a dark ground, for a page that follows the reader's scheme. */
export const darkColours: Readonly<Record<keyof typeof colours, string>> = {
  ground: "#14171a",
  ink: "#e4e7ea",
  faint: "#9ba3ac",
  grid: "#2c3238",
  kernel: "#6fb5f5",
  emulation: "#ff9a70",
  joined: "#dfb356",
  locked: "#ec8fcb",
  search: "#9fcb80",
};

const font = "system-ui, 'DejaVu Sans', 'Helvetica Neue', Arial, sans-serif";

const config: Config = {
  background: colours.ground,
  font,
  padding: 24,
  view: { stroke: colours.grid },
  concat: { spacing: 28 },
  title: {
    anchor: "start",
    color: colours.ink,
    fontSize: 13,
    fontWeight: 600,
    frame: "group",
    offset: 8,
    subtitleColor: colours.faint,
    subtitleFontSize: 11.5,
    subtitlePadding: 4,
  },
  axis: {
    domainColor: colours.faint,
    gridColor: colours.grid,
    labelColor: colours.ink,
    labelFontSize: 11,
    titleAnchor: "middle",
    tickColor: colours.faint,
    titleColor: colours.ink,
    titleFontSize: 12,
    titleFontWeight: "normal",
    titlePadding: 10,
  },
  legend: {
    labelColor: colours.ink,
    labelFontSize: 12,
    labelLimit: 0,
    symbolSize: 90,
    symbolStrokeWidth: 2.5,
  },
};

/** What every picture says of itself: shown on top, and to whoever cannot see it. */
export interface Caption {
  readonly title: string;
  /** How to read it, a line each. */
  readonly subtitle: readonly string[];
  /** What is to be seen, in a few sentences. */
  readonly description: string;
}

/**
 * Vega-Lite's own types want every word of a specification as a literal, which one that is put
 * together from parts has not; what does not fit is a warning at the latest, and thereby an error.
 */
export type Specification = Readonly<Record<string, unknown>>;

/**
 * The SVG of a specification that has neither a title nor a `config` of its own.
 *
 * @throws {Error} when Vega-Lite has anything to say against it.
 */
export async function drawPicture(spec: Specification, caption: Caption): Promise<string> {
  const title = {
    text: caption.title,
    subtitle: [...caption.subtitle],
    fontSize: 19,
    subtitleFontSize: 12.5,
    subtitleLineHeight: 17,
    subtitlePadding: 8,
    offset: 22,
  };
  const compiled = compile({ ...spec, title, config } as unknown as TopLevelSpec, {
    logger: refusing,
  });
  // The numbers in it would otherwise go on from the picture before.
  resetSVGDefIds();
  const view = new View(parse(compiled.spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  const spoken = `<title>${escaped(caption.title)}</title><desc>${
    escaped(caption.description)
  }</desc>`;
  return svg.replace(/<svg [^>]*>/, (start) => `${start.slice(0, -1)} role="img">${spoken}`) + "\n";
}

/**
 * A picture for a page whose style has a variable for each of the {@linkcode colours}; what it defines is
 * named after `name`, so that several can be in one page.
 */
export function embedded(svg: string, name: string): string {
  const variables = Object.entries(colours).map(([colour, value]) => [value, `var(--${colour})`]);
  const coloured = variables.reduce((text, [value, use]) => text.replaceAll(value, use), svg);
  return coloured.replaceAll(/(id="|url\(#)/g, `$1${name}-`).trimEnd();
}

const refusing = logger(2, undefined, (_method, _level, words) => {
  throw new Error(`Cannot draw: ${words.join(" ")}`);
});

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
