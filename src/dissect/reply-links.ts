/**
 * Which reply belongs to which synchronous method: on a channel they come in order, so it is the
 * oldest one of the other side that takes this reply.
 */
import { METHODS } from "../wire/generated/method-table.ts";
import type { Method } from "../wire/generated/methods.ts";
import type { EventItem, LinkItem, Side } from "./model.ts";
import { fieldValue, latency } from "./values.ts";

/** How many methods of a channel wait for their reply at most; the oldest is forgotten first. */
const MAX_WAITING = 256;

/** The synchronous methods of one channel. */
export class ReplyLinks {
  readonly #waiting: { readonly [S in Side]: Waiting[] } = { client: [], server: [] };

  /** Takes a method, or the protocol header; gives the method that it answers, linked. */
  see(event: EventItem): LinkItem | undefined {
    const answered = this.#answeredBy(event);
    const replies = repliesOf(event);
    if (replies.length > 0) {
      const waiting = this.#waiting[event.from];
      waiting.push({ id: event.id, time: event.time, replies });
      if (waiting.length > MAX_WAITING) waiting.shift();
    }
    if (answered === undefined) return undefined;
    const { connection, channel = 0, id, time } = event;
    return {
      ...({ kind: "link", link: "reply", connection, channel } as const),
      ...{ first: answered.id, second: id, latencyMs: latency(answered.time, time) },
    };
  }

  /** Whether a method of that side waits for this reply. */
  waits(side: Side, reply: string): boolean {
    return this.#waiting[side].some(({ replies }) => replies.includes(reply));
  }

  /** Whether a method of either side waits for this reply. */
  waitsForAny(reply: string): boolean {
    return this.waits("client", reply) || this.waits("server", reply);
  }

  #answeredBy(event: EventItem): Waiting | undefined {
    const waiting = this.#waiting[event.from === "client" ? "server" : "client"];
    const index = waiting.findIndex(({ replies }) => replies.includes(event.method as string));
    return index < 0 ? undefined : waiting.splice(index, 1)[0];
  }
}

interface Waiting {
  readonly id: number;
  readonly time: number | undefined;
  readonly replies: readonly string[];
}

function repliesOf(event: EventItem): readonly string[] {
  if (event.type === "protocol-header") return event.from === "client" ? ["connection.start"] : [];
  const name = event.method as Method["name"];
  if (!Object.hasOwn(METHODS, name) || fieldValue(event, "nowait") === true) return [];
  return METHODS[name].replies;
}
