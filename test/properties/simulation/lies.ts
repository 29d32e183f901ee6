/**
 * Lying clients: what an honest one said, and the judge's findings, to what a liar would have said.
 * The judge must notice, or it would prove nothing of honest ones.
 */
import type { Judgement } from "./judge/court.ts";
import { confirmedWith, type Ending, type Entry, type Saying } from "./transcript.ts";

/** Makes the entries of a liar; gives back the very same ones where there is nothing to lie about. */
export type Lie = (honest: readonly Entry[], found: Judgement) => readonly Entry[];

/** Lies, by how they go on from "notices a client that". */
export const LIES: { readonly [name: string]: Lie } = {
  ...endingLies(),

  "says unknown for everything": sayings((saying) => ({ ...saying, ending: "unknown" })),

  "gives the tag of the publish before": sayings((saying) => ({
    ...saying,
    deliveryTag: Math.max(saying.deliveryTag - 1, 0),
  })),

  "says nothing of a publish": (honest) => without(honest, honest.find(isSaid)),

  "says it twice": each((entry) => (isSaid(entry) ? [entry, entry] : [entry])),

  "closes a member without a reason": each((entry) =>
    entry.what === "member closed" && entry.reason !== undefined
      ? [{ ...entry, reason: undefined }]
      : [entry],
  ),

  "calls every end of a member a lost connection": each((entry) =>
    entry.what === "member closed" && entry.reason !== "ConnectionLostError"
      ? [{ ...entry, reason: "ConnectionLostError" }]
      : [entry],
  ),

  "gives the wrong reply code for the end of a member": each((entry) =>
    entry.what === "member closed" && /\d/.test(entry.reason ?? "")
      ? [{ ...entry, reason: entry.reason?.replace(/\d+/, "402") }]
      : [entry],
  ),

  "never says that a member is closed": each((entry) =>
    entry.what === "member closed" ? [] : [entry],
  ),

  "closes the connection without a reason": each((entry) =>
    entry.what === "connection closed" && entry.reason !== undefined
      ? [{ ...entry, reason: undefined }]
      : [entry],
  ),

  "takes its own close for a lost connection": each((entry) =>
    entry.what === "connection closed" && entry.reason === undefined
      ? [{ ...entry, reason: "ConnectionLostError" }]
      : [entry],
  ),

  "never says that the connection is closed": each((entry) =>
    entry.what === "connection closed" ? [] : [entry],
  ),

  "loses a failure of publishAll()": each((entry) =>
    entry.what === "batch over" && entry.failures.length > 0
      ? [{ ...entry, failures: entry.failures.slice(1) }]
      : [entry],
  ),

  "counts a failure of publishAll() as confirmed": each((entry) =>
    entry.what === "batch over" && (entry.failed ?? 0) > 0
      ? [{ ...entry, confirmed: (entry.confirmed ?? 0) + 1, failed: (entry.failed ?? 0) - 1 }]
      : [entry],
  ),

  "stops publishAll() and does not say why": each((entry) =>
    entry.what === "batch over" && entry.cause !== undefined
      ? [{ ...entry, cause: undefined }]
      : [entry],
  ),

  "never ends publishAll()": each((entry) => (entry.what === "batch over" ? [] : [entry])),

  "leaves the iterable of publishAll() open": each((entry) =>
    entry.what === "gives up" ? [] : [entry],
  ),

  "reads on after the end of publishAll()": each((entry) =>
    entry.what === "gives up" ? [entry, { what: "reads", batch: entry.batch }] : [entry],
  ),

  "resolves ready() before there is room": (honest) => {
    const late = new Set(honest.flatMap((entry, at) => lateReady(honest, entry, at)));
    if (late.size === 0) return honest;
    return honest.flatMap((entry): readonly Entry[] => {
      if (entry.what === "room" && late.has(entry.ready)) return [];
      if (entry.what !== "wants room" || !late.has(entry.ready)) return [entry];
      return [entry, { what: "room", ready: entry.ready, reason: undefined }];
    });
  },

  "never settles ready()": each((entry) => (entry.what === "room" ? [] : [entry])),

  "resolves ready() when it is over": each((entry) =>
    entry.what === "room" && entry.reason !== undefined
      ? [{ ...entry, reason: undefined }]
      : [entry],
  ),

  "resolves a call that is over": each((entry) =>
    entry.what === "answered" && entry.reason !== undefined
      ? [{ ...entry, reason: undefined }]
      : [entry],
  ),

  "never answers a call": each((entry) => (entry.what === "answered" ? [] : [entry])),

  "resolves a call before its reply": each((entry) => {
    if (entry.what === "answered") return [];
    return entry.what === "asks"
      ? [entry, { what: "answered", call: entry.call, reason: undefined }]
      : [entry];
  }),

  "answers a broken rule with another reply code": each((entry) => {
    if (entry.what !== "wrote") return [entry];
    const octets = Buffer.from(entry.octets);
    for (const close of [CONNECTION_CLOSE, CHANNEL_CLOSE]) {
      const at = octets.indexOf(close);
      if (at < 0 || octets.readUInt16BE(at + 4) === 200) continue;
      octets.writeUInt16BE(541, at + 4);
      return [{ ...entry, octets }];
    }
    return [entry];
  }),

  "confirms the twin that came back": (honest, found) =>
    each((entry) =>
      isSaid(entry) && isOfTwins(found, entry) && entry.saying.ending === "unknown"
        ? [{ ...entry, saying: confirmedWith(entry.saying.deliveryTag) }]
        : [entry],
    )(honest, found),

  "takes the confirm of a twin for none": (honest, found) =>
    each((entry) =>
      isSaid(entry) && isOfTwins(found, entry) && entry.saying.ending === "confirmed"
        ? [{ ...entry, saying: { ...entry.saying, ending: "unknown" } }]
        : [entry],
    )(honest, found),

  "confirms a twin before it can know": (honest, found) => {
    const early = new Map<number, Entry>();
    honest.forEach((entry, at) => {
      if (!isSaid(entry) || !isOfTwins(found, entry) || entry.saying.ending !== "confirmed") return;
      const ackedAt = found.acked.get(entry.id) as number;
      // What it had to wait for may have come together with its own ack.
      const between = honest.slice(ackedAt + 1, at);
      if (between.some(({ what }) => what === "delivered")) early.set(ackedAt, entry);
    });
    if (early.size === 0) return honest;
    const moved = new Set(early.values());
    return honest.flatMap((entry, at): readonly Entry[] => {
      const told = early.get(at);
      const kept = moved.has(entry) ? [] : [entry];
      return told === undefined ? kept : [...kept, told];
    });
  },
};

/** One outcome for another. */
function endingLies(): { [name: string]: Lie } {
  const told: readonly Ending[] = [
    ...(["confirmed", "returned", "nacked", "refused", "unprocessed", "unsent", "usage"] as const),
  ];
  const pairs: readonly (readonly [ending: Ending, instead: Ending])[] = [
    ...told.map((ending) => [ending, "unknown"] as const),
    ...([["unknown", "unsent"] as const, ["unknown", "unprocessed"] as const] as const),
    ...([["unprocessed", "unsent"] as const, ["refused", "unprocessed"] as const] as const),
    ...([["nacked", "confirmed"] as const, ["returned", "confirmed"] as const] as const),
  ];
  return Object.fromEntries(
    pairs.map(([ending, instead]) => [
      `says ${instead} for ${ending}`,
      sayings((saying) => (saying.ending === ending ? { ...saying, ending: instead } : saying)),
    ]),
  );
}

/** The same lie wherever it is said how a publish ended. */
function sayings(lie: (saying: Saying) => Saying): Lie {
  const lies = (saying: Saying): Saying => {
    const said = lie(saying);
    const isSame = said.ending === saying.ending && said.deliveryTag === saying.deliveryTag;
    return isSame ? saying : said;
  };
  return each((entry) => {
    if (entry.what === "said") {
      const saying = lies(entry.saying);
      return [saying === entry.saying ? entry : { ...entry, saying }];
    }
    if (entry.what !== "waited" && entry.what !== "batch over") return [entry];
    const failures = entry.failures.map((failure) => {
      const saying = lies(failure.saying);
      return saying === failure.saying ? failure : { ...failure, saying };
    });
    const isSame = failures.every((failure, i) => failure === entry.failures[i]);
    return [isSame ? entry : { ...entry, failures }];
  });
}

/** Changes entries one by one. */
function each(change: (entry: Entry) => readonly Entry[]): Lie {
  return (honest) => {
    const changed = honest.map(change);
    const isSame = changed.every(
      (entries, at) => entries.length === 1 && entries[0] === honest[at],
    );
    return isSame ? honest : changed.flat();
  };
}

function without(honest: readonly Entry[], entry: Entry | undefined): readonly Entry[] {
  return entry === undefined ? honest : honest.filter((other) => other !== entry);
}

function isSaid(entry: Entry): entry is Extract<Entry, { what: "said" }> {
  return entry.what === "said";
}

/** Whether its ack came when an identical message had come back. */
function isOfTwins({ tangled, acked }: Judgement, { id }: { readonly id: number }): boolean {
  return tangled.has(id) && acked.has(id);
}

/** The ready() that resolves here, where it had to wait for something. */
function lateReady(honest: readonly Entry[], entry: Entry, at: number): number[] {
  if (entry.what !== "room" || entry.reason !== undefined) return [];
  const from = honest.findIndex(
    (other) => other.what === "wants room" && other.ready === entry.ready,
  );
  return honest.slice(from, at).some(({ what }) => what === "quiet") ? [entry.ready] : [];
}

/** Class and method. */
const CONNECTION_CLOSE = Buffer.from([0, 10, 0, 50]);
const CHANNEL_CLOSE = Buffer.from([0, 20, 0, 40]);
