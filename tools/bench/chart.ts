/**
 * Line charts as SVG: panels in a grid under one title and one legend. Every point is a measurement;
 * nothing is smoothed or filled in. Each point says its value when pointed at.
 */

/** A picture: panels from left to right, row after row. */
export interface Picture {
  readonly title: string;
  /** What one must know to judge the numbers. */
  readonly notes: readonly string[];
  readonly columns: number;
  readonly panels: readonly Panel[];
  /** The order of the legend, and of colours and marks. */
  readonly legend: readonly LegendEntry[];
}

/** Who a line belongs to. */
export interface LegendEntry {
  readonly name: string;
  /** A reference to compare with, drawn dashed and grey. */
  readonly isReference?: boolean;
}

/** One coordinate system. */
export interface Panel {
  readonly title: string;
  readonly x: XAxis;
  /** What the values are; the axis is logarithmic. `format` writes one of them with its unit. */
  readonly y: { readonly title: string; readonly format: (value: number) => string };
  readonly series: readonly Series[];
}

/** The places where was measured: numbers on a logarithmic axis, or kinds side by side. */
export interface XAxis {
  readonly title: string;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
  readonly kinds?: boolean;
}

/** The points of one contestant, by ascending x. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Draws it; a document of its own. */
export function drawPicture(picture: Picture): string {
  const { title, notes, columns, panels, legend } = picture;
  const top = 44 + 18 * notes.length + 34;
  const width = MARGIN + columns * (PANEL.width + MARGIN);
  const height = top + Math.ceil(panels.length / columns) * (PANEL.height + MARGIN);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
      `height="${height}" font-family="system-ui, Helvetica, Arial, sans-serif" font-size="12" ` +
      `fill="${INK}" role="img" aria-label="${escapeXml(title)}">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(MARGIN, 34, title, { size: 19, weight: 600 }),
    ...notes.map((note, i) => text(MARGIN, 54 + 18 * i, note, { fill: FAINT_INK })),
    ...drawLegend(legend, top - 20),
    ...panels.flatMap((panel, i) => {
      const x = MARGIN + (i % columns) * (PANEL.width + MARGIN);
      const y = top + Math.floor(i / columns) * (PANEL.height + MARGIN);
      return [`<g transform="translate(${x} ${y})">`, ...drawPanel(panel, legend), "</g>"];
    }),
    "</svg>",
    "",
  ].join("\n");
}

const MARGIN = 28;
const PANEL = { width: 440, height: 262 } as const;
/** Where lines are drawn within a panel. */
const PLOT = { left: 68, right: 428, top: 30, bottom: 222 } as const;

const INK = "#1f2328";
const FAINT_INK = "#59636e";
const GRID = "#e4e7eb";

/** Colours that those who see few can tell apart (Okabe and Ito), and a mark of its own each. */
const LOOKS: readonly { readonly color: string; readonly mark: Mark }[] = [
  { color: "#0072b2", mark: "circle" },
  { color: "#d55e00", mark: "square" },
  { color: "#009e73", mark: "triangle" },
  { color: "#b8578f", mark: "diamond" },
];
const REFERENCE = { color: "#6e7781", mark: "circle" } as const;

type Mark = "circle" | "square" | "triangle" | "diamond";

interface Look {
  readonly color: string;
  readonly mark: Mark;
  readonly stroke: string;
}

/** The first one is what the picture is about: its line is wider. */
function lookOf(legend: readonly LegendEntry[], name: string): Look {
  const i = legend.findIndex((entry) => entry.name === name);
  const isReference = legend[i]?.isReference === true;
  const look = isReference ? REFERENCE : (LOOKS[i % LOOKS.length] ?? REFERENCE);
  const dashes = isReference ? ' stroke-dasharray="5 4"' : "";
  return {
    ...look,
    stroke: `stroke="${look.color}" stroke-width="${i === 0 ? 2.6 : 1.5}"${dashes}`,
  };
}

function drawLegend(legend: readonly LegendEntry[], y: number): string[] {
  let x = MARGIN;
  return legend.flatMap(({ name }) => {
    const { color, mark, stroke } = lookOf(legend, name);
    const from = x;
    x += 34 + 7.2 * name.length + 22;
    return [
      `<line x1="${from}" y1="${y - 4}" x2="${from + 26}" y2="${y - 4}" ${stroke}/>`,
      drawMark(mark, from + 13, y - 4, color),
      text(from + 33, y, name),
    ];
  });
}

function drawPanel({ title, x, y, series }: Panel, legend: readonly LegendEntry[]): string[] {
  const values = series.flatMap(({ points }) => points.map((point) => point.y));
  const scaleX = x.kinds === true ? kindScale(x.ticks.length) : logScale(x.ticks, PLOT);
  const steps = stepsAround(values);
  const scaleY = logScale(
    steps.map((at) => ({ at })),
    { left: PLOT.bottom, right: PLOT.top },
  );
  const labels = x.ticks.map(({ label }) => label);
  return [
    text(PLOT.left, 14, title, { size: 13, weight: 600 }),
    ...steps.flatMap((at) => [
      `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${round(scaleY(at))}" ` +
        `y2="${round(scaleY(at))}" stroke="${GRID}"/>`,
      text(PLOT.left - 6, scaleY(at) + 4, y.format(at), { anchor: "end", size: 11 }),
    ]),
    ...x.ticks.flatMap(({ at, label }) => [
      `<line x1="${round(scaleX(at))}" x2="${round(scaleX(at))}" y1="${PLOT.bottom}" ` +
        `y2="${PLOT.bottom + 4}" stroke="${FAINT_INK}"/>`,
      text(scaleX(at), PLOT.bottom + 17, label, { anchor: "middle", size: 11 }),
    ]),
    `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${PLOT.bottom}" y2="${PLOT.bottom}" ` +
      `stroke="${FAINT_INK}"/>`,
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 36, x.title, {
      anchor: "middle",
      fill: FAINT_INK,
    }),
    `<text transform="translate(12 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)" ` +
      `text-anchor="middle" fill="${FAINT_INK}">${escapeXml(y.title)}</text>`,
    // The first one last, so that it lies on top.
    ...[...series].reverse().flatMap(({ name, points }) => {
      const { color, mark, stroke } = lookOf(legend, name);
      const places = points.map((point) => [round(scaleX(point.x)), round(scaleY(point.y))]);
      return [
        `<g data-series="${escapeXml(name)}">`,
        ...(x.kinds === true ? [] : [drawLine(places, stroke)]),
        ...points.map((point, i) => {
          const at = labels[x.ticks.findIndex((tick) => tick.at === point.x)] ?? point.x;
          const told = `${name}, ${x.title} ${at}: ${y.format(point.y)} ${y.title}`;
          return drawMark(mark, places[i]?.[0] ?? 0, places[i]?.[1] ?? 0, color, told);
        }),
        "</g>",
      ];
    }),
  ];
}

function drawLine(places: readonly (readonly number[])[], stroke: string): string {
  const points = places.map((place) => place.join(",")).join(" ");
  return `<polyline points="${points}" fill="none" stroke-linejoin="round" ${stroke}/>`;
}

function drawMark(mark: Mark, x: number, y: number, color: string, told = ""): string {
  const inside = told === "" ? "" : `<title>${escapeXml(told)}</title>`;
  const shapes: { readonly [mark in Mark]: string } = {
    circle: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
    square: "M-3.5 -3.5H3.5V3.5H-3.5Z",
    triangle: "M0 -4.5L4.3 3.3H-4.3Z",
    diamond: "M0 -4.8L4.8 0L0 4.8L-4.8 0Z",
  };
  return (
    `<path d="${shapes[mark]}" transform="translate(${x} ${y})" fill="${color}" ` +
    `stroke="#ffffff" stroke-width="0.8">${inside}</path>`
  );
}

type Scale = (value: number) => number;

function logScale(
  ticks: readonly { readonly at: number }[],
  { left, right }: { readonly left: number; readonly right: number },
): Scale {
  const all = ticks.map(({ at }) => Math.log(at));
  const low = Math.min(...all);
  const high = Math.max(...all);
  // Room for the marks of the first and the last; a single one stands in the middle.
  const inset = left < right ? 12 : 0;
  const from = left + inset;
  const to = right - inset;
  if (low === high) return () => (from + to) / 2;
  return (value) => from + ((Math.log(value) - low) / (high - low)) * (to - from);
}

function kindScale(count: number): Scale {
  return (i) => PLOT.left + ((i + 0.5) / count) * (PLOT.right - PLOT.left);
}

/**
 * 1, 2, 5, 10, 20, ... from below the least to above the most, a decade at least, so that what is
 * nearly the same looks so; fewer steps in each decade if there are many.
 */
function stepsAround(values: readonly number[]): number[] {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const decades = Math.log10(most / least);
  const digits = decades > 3 ? [1] : decades > 1.6 ? [1, 3] : [1, 2, 5];
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most) + 2; power++) {
    for (const digit of digits) all.push(Number((digit * 10 ** power).toPrecision(1)));
  }
  const first = all.findLastIndex((step) => step <= least);
  const last = all.findIndex((step) => step >= most && step >= 10 * (all[first] ?? step));
  return all.slice(first, last + 1);
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

interface TextStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: "middle" | "end";
}

function text(x: number, y: number, words: string, style: TextStyle = {}): string {
  const attributes = [
    `x="${round(x)}" y="${round(y)}"`,
    ...(style.size === undefined ? [] : [`font-size="${style.size}"`]),
    ...(style.weight === undefined ? [] : [`font-weight="${style.weight}"`]),
    ...(style.fill === undefined ? [] : [`fill="${style.fill}"`]),
    ...(style.anchor === undefined ? [] : [`text-anchor="${style.anchor}"`]),
  ];
  return `<text ${attributes.join(" ")}>${escapeXml(words)}</text>`;
}

function escapeXml(words: string): string {
  return words
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
