/** What was measured, as pictures. */
import { drawPicture, type LegendEntry, type Panel, type Series, type XAxis } from "./chart.ts";
import { CLIENTS, type Contestant, RAW } from "./clients.ts";
import type { Measured, Result } from "./measure.ts";
import type { Curve, Work } from "./work.ts";

/** Where and how was measured: it stands under the title. */
export interface Setting {
  readonly node: string;
  /** What the processor calls itself, and how many cores it has. */
  readonly processor: string;
  readonly broker: string;
  readonly rounds: number;
  readonly seconds: number;
}

/** Rate, CPU and latency of all contestants, by message size and by window; SVG. */
export function drawResults(all: readonly Measured[], setting: Setting): string {
  const families: readonly Family[] = [
    {
      title: "by message size",
      axis: "octets of the body, 1,000 unconfirmed",
      holds: (work) => isPlain(work) && work.window === 1000,
      x: ({ size }) => size,
      label: octets,
    },
    {
      title: "by window",
      axis: "publishes that may be unconfirmed, 16 B",
      holds: (work) => isPlain(work) && work.size === 16,
      x: ({ window }) => window,
      label: count,
    },
  ];
  const values: readonly Value[] = [
    { title: "Rate", unit: "confirmed messages/s", format: short, of: ({ rate }) => rate },
    { ...CPU, title: "CPU of the client" },
    {
      title: "Median latency",
      unit: "from publish to confirm, p50",
      format: duration,
      of: ({ latency }) => latency?.p50,
    },
    {
      title: "Latency of all but 1 %",
      unit: "from publish to confirm, p99",
      format: duration,
      of: ({ latency }) => latency?.p99,
    },
  ];
  const panels = values.flatMap((value) =>
    families.map((family) => {
      const points = all
        .filter(({ work }) => family.holds(work))
        .map((measured): Place => ({ x: family.x(measured.work), measured }));
      const ticks = points.map(({ x }) => ({ at: x, label: family.label(x) }));
      const x = { title: family.axis, ticks };
      return panelOf(`${value.title} ${family.title}`, x, value, points);
    }),
  );
  return drawPicture({
    title: "Confirmed publishes, one promise a message",
    notes: notesOf(setting),
    columns: families.length,
    panels: panels.filter(hasPoints),
    legend: legendOf(panels),
  });
}

/** CPU for a message along all curves; SVG. */
export function drawCurves(
  curves: readonly Curve[],
  all: readonly Measured[],
  setting: Setting,
): string {
  const panels = curves.map((curve) => {
    const points = curve.points.flatMap(({ x, work }, i): Place[] => {
      const measured = all.find((each) => each.work.id === work.id);
      return measured === undefined ? [] : [{ x: typeof x === "number" ? x : i, measured }];
    });
    const ticks = curve.points.map(({ x }, i) =>
      typeof x === "number" ? { at: x, label: count(x) } : { at: i, label: x },
    );
    const kinds = curve.points.some(({ x }) => typeof x === "string");
    return panelOf(`By ${curve.title}`, { title: curve.axis, ticks, kinds }, CPU, points);
  });
  return drawPicture({
    title: "CPU of the client for a confirmed message of 16 B",
    notes: notesOf(setting),
    columns: 2,
    panels: panels.filter(hasPoints),
    legend: legendOf(panels),
  });
}

interface Family {
  readonly title: string;
  readonly axis: string;
  readonly holds: (work: Work) => boolean;
  readonly x: (work: Work) => number;
  readonly label: (x: number) => string;
}

interface Value {
  readonly title: string;
  readonly unit: string;
  readonly format: (value: number) => string;
  readonly of: (result: Result) => number | undefined;
}

interface Place {
  readonly x: number;
  readonly measured: Measured;
}

const CPU: Value = {
  title: "CPU",
  unit: "µs for a message",
  format: short,
  of: ({ cpuMicros }) => cpuMicros,
};

function isPlain({ properties, mandatory, acks, channels, connections }: Work): boolean {
  return (
    properties === "none" &&
    !mandatory &&
    acks === "coalesced" &&
    channels === 1 &&
    connections === 1
  );
}

function panelOf(title: string, x: XAxis, value: Value, places: readonly Place[]): Panel {
  const sorted = [...places].sort((a, b) => a.x - b.x);
  const series = EVERYONE.map((name): Series => {
    const points = sorted.flatMap((place) => {
      const result = place.measured.results.find(({ contestant }) => contestant === name);
      const y = result === undefined ? undefined : value.of(result);
      // Nothing that is zero or less stands on a logarithmic axis.
      return y !== undefined && y > 0 ? [{ x: place.x, y }] : [];
    });
    return { name, points };
  });
  return {
    title,
    x,
    y: { title: value.unit, format: value.format },
    series: series.filter(({ points }) => points.length > 0),
  };
}

function hasPoints({ series }: Panel): boolean {
  return series.length > 0;
}

const EVERYONE: readonly Contestant[] = [...(Object.keys(CLIENTS) as Contestant[]), RAW];

/** Everyone has the same look in every picture; those who took no part are not named. */
function legendOf(panels: readonly Panel[]): LegendEntry[] {
  const took = new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)));
  return EVERYONE.filter((name) => took.has(name)).map((name) => ({
    name,
    isReference: name === RAW,
  }));
}

function notesOf({ node, processor, broker, rounds, seconds }: Setting): string[] {
  return [
    `Node ${node}, ${processor}; against ${broker}, each client and the broker in a process of its own`,
    `medians of ${rounds} rounds of ${seconds} s, interleaved; all scales logarithmic`,
  ];
}

/** `1,234,567` as `1.23 M`. */
function short(value: number): string {
  const [divisor, letter] = value >= 1e6 ? [1e6, " M"] : value >= 1000 ? [1000, " k"] : [1, ""];
  return `${three(value / divisor)}${letter}`;
}

/** Microseconds: `1,234` as `1.23 ms`. */
function duration(micros: number): string {
  if (micros >= 1e6) return `${three(micros / 1e6)} s`;
  return micros >= 1000 ? `${three(micros / 1000)} ms` : `${three(micros)} µs`;
}

/** To three digits that count. */
function three(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function octets(size: number): string {
  if (size >= 2 ** 20) return `${size / 2 ** 20} Mi`;
  return size >= 1024 ? `${size / 1024} Ki` : String(size);
}

function count(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1000 ? `${value / 1000} k` : String(value);
}
