/** The arguments of the benchmark. */
import { parseArgs } from "node:util";
import { CLIENTS, type Contestant, RAW } from "./clients.ts";
import type { Effort } from "./measure.ts";
import { MEMORY_WORKS } from "./memory.ts";
import { CURVES, WORKS } from "./work.ts";

/** What `--help` says. */
export const HELP = `npm run bench -- [options]

  --quick          few and short rounds: a look, no measurement; memory with a tenth of it all
  --curves         CPU for a message by what is outstanding, channels, connections and acks;
                   of this client alone unless --clients names others
  --memory         memory for unconfirmed messages, idle connections and channels
  --only a,b       these works alone:
                   ${WORKS.slice(0, 9)
                     .map(({ id }) => id)
                     .join(", ")},
                   ${WORKS.slice(9)
                     .map(({ id }) => id)
                     .join(", ")};
                   with --curves ${CURVES.map(({ id }) => id).join(", ")};
                   with --memory ${MEMORY_WORKS.map(({ holds }) => holds).join(", ")}
  --clients a,b    these alone: ${Object.keys(CLIENTS).join(", ")},
                   "${RAW}"
  --rounds n       default 5
  --seconds n      of load in each round for each client, default 1.5
  --out directory  for JSON and SVG, default bench
  --embedded       against the embedded broker of amqp091/testing, in a process of its own
  --check          exit with 1 if a promise was not held

AMQP_URL names a real broker to run against instead of the null broker.`;

/** What was asked for. */
export interface Settings {
  readonly mode: "works" | "curves" | "memory";
  readonly quick: boolean;
  readonly check: boolean;
  /** Whether it is the embedded broker that is published to. */
  readonly embedded: boolean;
  readonly effort: Effort;
  readonly contestants: readonly Contestant[];
  /** Whether the contestants were named. */
  readonly named: boolean;
  /** Whether a work or curve is to be run. */
  readonly wants: (id: string) => boolean;
  readonly out: string;
}

/** Reads them; raises a `TypeError` about what it does not know. */
export function readSettings(args: readonly string[]): Settings | "help" {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      quick: { type: "boolean", default: false },
      curves: { type: "boolean", default: false },
      memory: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      embedded: { type: "boolean", default: false },
      only: { type: "string" },
      clients: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      out: { type: "string", default: "bench" },
    },
  });
  if (values.help) return "help";
  const { quick, curves, memory, check, embedded, out } = values;
  if (curves && memory) throw new TypeError("--curves and --memory are two runs");
  const seconds = positive("--seconds", values.seconds ?? (quick ? "0.6" : "1.5"));
  const mode = memory ? "memory" : curves ? "curves" : "works";
  const only = values.only === undefined ? undefined : known("--only", values.only, IDS[mode]);
  const clients =
    values.clients === undefined ? undefined : known("--clients", values.clients, ALL);
  return {
    mode,
    quick,
    check,
    embedded,
    effort: {
      rounds: Math.ceil(positive("--rounds", values.rounds ?? (quick ? "2" : "5"))),
      seconds,
      warmUpSeconds: Math.min(quick ? 0.4 : 1, seconds),
    },
    contestants: ALL.filter((who) => clients?.includes(who) ?? true),
    named: clients !== undefined,
    wants: (id) => only?.includes(id) ?? true,
    out,
  };
}

const ALL: readonly Contestant[] = [...(Object.keys(CLIENTS) as Contestant[]), RAW];

const IDS: { readonly [mode in Settings["mode"]]: readonly string[] } = {
  works: WORKS.map(({ id }) => id),
  curves: CURVES.flatMap(({ id, points }) => [id, ...points.map(({ work }) => work.id)]),
  memory: MEMORY_WORKS.map(({ holds }) => holds),
};

function known(option: string, list: string, all: readonly string[]): readonly string[] {
  const names = list.split(",");
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new TypeError(`${option} ${unknown.join(", ")}: there is ${all.join(", ")}`);
  }
  return names;
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new TypeError(`${option} ${text}: a number above 0 is wanted`);
  return value;
}
