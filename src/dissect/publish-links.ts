/**
 * Which confirm and which return belong to which publish: a pure function of the events of one
 * channel, as any observer could compute it.
 *
 * From confirm.select on, both sides count the publishes of a channel from 1; basic.ack and
 * basic.nack name that number, alone or with all before it (`multiple`). A basic.return names no
 * number: it belongs to the oldest open mandatory publish with the same exchange, routing key and
 * body, among which the one with the same properties is preferred; brokers send it before the
 * confirm. What is remembered is bounded: the oldest publish is forgotten first.
 */
import type { WholeContent } from "./content.ts";
import type { EventItem, LinkItem } from "./model.ts";
import { fieldValue, latency, textOf } from "./values.ts";

/** How many open publishes all channels of a connection may have; shared among them. */
export interface OpenPublishes {
  left: number;
}

/** How many open publishes of a connection are remembered. */
export const MAX_OPEN_PUBLISHES = 262_144;

/** Of these, on a channel without confirms, where nothing ever settles them. */
const MAX_WITHOUT_CONFIRMS = 1024;

/** How many twins of a returned message are looked at for one with the same properties. */
const MAX_TWINS = 64;

/** The publishes of one channel. */
export class PublishLinks {
  readonly #shared: OpenPublishes;
  #confirms = false;
  /** The number of the first entry of `#open`. */
  #first = 1;
  /** By delivery tag; settled ones at the front are taken away, `#head` tells how many. */
  #open: (Publish | undefined)[] = [];
  #head = 0;
  readonly #twins = new Map<string, Twins>();

  constructor(shared: OpenPublishes) {
    this.#shared = shared;
  }

  /** confirm.select: the next publish is number 1. A second one changes nothing. */
  select(): void {
    if (this.#confirms) return;
    this.forget();
    this.#confirms = true;
  }

  /** The end of the channel, or a gap, after which nobody knows the numbers. */
  forget(): void {
    while (this.#head < this.#open.length) this.#dropFirst();
    this.#open = [];
    this.#head = 0;
    this.#first = 1;
    this.#confirms = false;
  }

  /** A whole basic.publish. */
  publish(content: WholeContent): void {
    const mandatory = fieldValue(content.start, "mandatory") === true;
    if (!this.#confirms && !mandatory) return;
    const publish: Publish = {
      ...{ id: content.start.id, time: content.start.time, settled: false, returned: false },
      ...{ propertiesHash: content.propertiesHash, twins: undefined },
    };
    if (mandatory) this.#file(publish, keyOf(content));
    this.#open.push(publish);
    this.#shared.left--;
    const tooMany = !this.#confirms && this.#open.length - this.#head > MAX_WITHOUT_CONFIRMS;
    if (tooMany || this.#shared.left < 0) this.#dropFirst();
  }

  /** A whole basic.return. */
  return(content: WholeContent): LinkItem | undefined {
    const publish = this.#twins.get(keyOf(content))?.find(content.propertiesHash);
    if (publish === undefined) return undefined;
    publish.returned = true;
    return link("return", publish, content.start);
  }

  /** A basic.ack or basic.nack of the broker: the publishes that it settles, in their order. */
  confirm(event: EventItem): LinkItem[] {
    const deliveryTag = fieldValue(event, "deliveryTag");
    const multiple = fieldValue(event, "multiple") === true;
    if (!this.#confirms || typeof deliveryTag !== "number") return [];
    const outcome = event.method === "basic.nack" ? "nack" : "ack";
    const links: LinkItem[] = [];
    const settle = (index: number): void => {
      const publish = this.#open[index];
      if (publish === undefined) return;
      const { returned } = publish;
      const number = this.#first + index;
      const details = { deliveryTag: number, outcome, multiple, returned } as const;
      links.push({ ...link("confirm", publish, event), ...details });
      this.#settle(index, publish);
    };
    const last = multiple && deliveryTag === 0 ? this.#open.length - 1 : deliveryTag - this.#first;
    if (multiple) {
      for (let i = this.#head; i <= Math.min(last, this.#open.length - 1); i++) settle(i);
    } else if (last >= this.#head) {
      settle(last);
    }
    this.#trim();
    return links;
  }

  #file(publish: Publish, key: string): void {
    let twins = this.#twins.get(key);
    if (twins === undefined) {
      twins = new Twins(key);
      this.#twins.set(key, twins);
    }
    publish.twins = twins;
    twins.all.push(publish);
  }

  #settle(index: number, publish: Publish): void {
    this.#open[index] = undefined;
    this.#shared.left++;
    publish.settled = true;
    if (publish.twins?.trim() === 0) this.#twins.delete(publish.twins.key);
  }

  #dropFirst(): void {
    const publish = this.#open[this.#head];
    if (publish !== undefined) this.#settle(this.#head, publish);
    this.#head++;
    this.#trim();
  }

  #trim(): void {
    while (this.#head < this.#open.length && this.#open[this.#head] === undefined) this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#open.length) {
      this.#open.splice(0, this.#head);
      this.#first += this.#head;
      this.#head = 0;
    }
  }
}

interface Publish {
  readonly id: number;
  readonly time: number | undefined;
  readonly propertiesHash: number;
  settled: boolean;
  returned: boolean;
  twins: Twins | undefined;
}

/** Publishes that only their properties tell apart, in their order. */
class Twins {
  readonly key: string;
  readonly all: Publish[] = [];
  /** Before it all are settled. */
  #head = 0;
  /** Before it all are settled or have come back. */
  #from = 0;

  constructor(key: string) {
    this.key = key;
  }

  /** The oldest open one, of those with the same properties if there are any. */
  find(propertiesHash: number): Publish | undefined {
    let oldest: Publish | undefined;
    this.#from = Math.max(this.#from, this.#head);
    while (this.#from < this.all.length && !isOpen(this.all[this.#from] as Publish)) this.#from++;
    const end = Math.min(this.all.length, this.#from + MAX_TWINS);
    for (let i = this.#from; i < end; i++) {
      const publish = this.all[i] as Publish;
      if (!isOpen(publish)) continue;
      if (publish.propertiesHash === propertiesHash) return publish;
      oldest ??= publish;
    }
    return oldest;
  }

  /** Takes away what nothing is waited for; tells how many are left. */
  trim(): number {
    while (this.#head < this.all.length && (this.all[this.#head] as Publish).settled) this.#head++;
    const left = this.all.length - this.#head;
    if (this.#head > 64 && this.#head > left) {
      this.all.splice(0, this.#head);
      this.#from = Math.max(this.#from - this.#head, 0);
      this.#head = 0;
    }
    return left;
  }
}

function isOpen({ settled, returned }: Publish): boolean {
  return !settled && !returned;
}

function keyOf({ start, message, bodyHash }: WholeContent): string {
  const exchange = textOf(start, "exchange");
  return `${message.size} ${bodyHash} ${exchange.length} ${exchange}${textOf(start, "routingKey")}`;
}

function link(kind: LinkItem["link"], first: Publish, second: EventItem): LinkItem {
  const { connection } = second;
  const channel = second.channel as number;
  return {
    ...({ kind: "link", link: kind, connection, channel } as const),
    ...{ first: first.id, second: second.id, latencyMs: latency(first.time, second.time) },
  };
}
