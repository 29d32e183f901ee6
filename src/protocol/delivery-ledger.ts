/**
 * The deliveries of one channel that wait to be acked, nacked or rejected. A broker answers a
 * second ack of the same tag by closing the channel (406), so that what was settled is known here.
 *
 * In a transaction (tx.select) a settlement counts when tx.commit is answered; tx.rollback takes
 * it back, as RabbitMQ does.
 */
import { ProtocolError } from "../errors.ts";
import { REPLY_CODE } from "../wire/generated/constants.ts";
import type { ClientMethod, ServerMethod } from "../wire/generated/methods.ts";

/** What took a delivery off the ledger. */
export interface Settlement {
  readonly method: Answer | "basic.recover" | "basic.recover-async";
  /** The tag that the method named: another one than the delivery's where it covered several. */
  readonly deliveryTag: number;
}

type Answer = "basic.ack" | "basic.nack" | "basic.reject";

/** A delivery that needs an answer. */
export class OpenDelivery {
  readonly deliveryTag: number;
  /** How it was settled; undefined while it is not. */
  settlement: Settlement | undefined;
  /** Who gives it back if nobody settles it; for the use of whoever that is. */
  holder: object | undefined;

  constructor(deliveryTag: number) {
    this.deliveryTag = deliveryTag;
  }
}

/** The ledger of one channel. */
export class DeliveryLedger {
  #open: Map<number, OpenDelivery> = NO_DELIVERIES;
  #lastTag = 0;
  /** Whether the tags came in ascending order; some brokers mix those of several consumers. */
  #ascending = true;
  /** Settled in the transaction that is under way; undefined outside of any. */
  #uncommitted: OpenDelivery[] | undefined;
  /** Settled in the one whose end was asked for: what is settled meanwhile belongs to the next. */
  #ending: OpenDelivery[] | undefined;

  /** How many deliveries are not settled. */
  get size(): number {
    return this.#open.size;
  }

  /** The delivery with this tag; undefined where there is none, or it was settled. */
  get(deliveryTag: number): OpenDelivery | undefined {
    return this.#open.get(deliveryTag);
  }

  /** The deliveries that are not settled, in the order in which they came. */
  [Symbol.iterator](): IterableIterator<OpenDelivery> {
    return this.#open.values();
  }

  /** A delivery arrived that needs an answer. */
  add(deliveryTag: number): OpenDelivery {
    if (deliveryTag === 0 || this.#open.has(deliveryTag)) {
      throw new ProtocolError("a delivery came with a tag that names no delivery, or another one", {
        replyCode: REPLY_CODE.preconditionFailed,
        expected: "a delivery tag above 0 that is not in use",
        got: String(deliveryTag),
      });
    }
    this.#ascending &&= deliveryTag > this.#lastTag;
    this.#lastTag = deliveryTag;
    if (this.#open === NO_DELIVERIES) this.#open = new Map();
    const delivery = new OpenDelivery(deliveryTag);
    this.#open.set(deliveryTag, delivery);
    return delivery;
  }

  /** A method of ours was written. */
  sent(method: ClientMethod): void {
    switch (method.name) {
      case "basic.ack":
      case "basic.nack":
        return this.#settle(method.name, method.deliveryTag, method.multiple);
      case "basic.reject":
        return this.#settle(method.name, method.deliveryTag, false);
      case "basic.recover-async":
        return this.#settleAll(method.name);
      case "tx.select":
        this.#uncommitted ??= [];
        return;
      case "tx.commit":
      case "tx.rollback":
        this.#ending = this.#uncommitted;
        this.#uncommitted = [];
        return;
      default:
    }
  }

  /** A call of ours was answered. */
  answered(asked: ClientMethod, reply: ServerMethod): void {
    switch (reply.name) {
      case "basic.get-ok":
        if (asked.name === "basic.get" && !asked.noAck) this.add(reply.deliveryTag);
        return;
      case "basic.recover-ok":
        return this.#settleAll("basic.recover");
      case "tx.commit-ok":
        this.#ending = undefined;
        return;
      case "tx.rollback-ok":
        return this.#rollBack();
      default:
    }
  }

  #settle(method: Answer, deliveryTag: number, multiple: boolean): void {
    if (!multiple) {
      const delivery = this.#open.get(deliveryTag);
      if (delivery !== undefined) this.#take(delivery, { method, deliveryTag });
      return;
    }
    // Tag 0 stands for all. The broker refuses a tag that is not there, whatever lies below it.
    if (deliveryTag !== 0 && !this.#open.has(deliveryTag)) return;
    const last = deliveryTag === 0 ? Number.POSITIVE_INFINITY : deliveryTag;
    const settlement = { method, deliveryTag };
    for (const delivery of this.#open.values()) {
      if (delivery.deliveryTag <= last) this.#take(delivery, settlement);
      else if (this.#ascending) return;
    }
  }

  #take(delivery: OpenDelivery, settlement: Settlement): void {
    delivery.settlement = settlement;
    this.#open.delete(delivery.deliveryTag);
    this.#uncommitted?.push(delivery);
  }

  /** They are delivered again, with new tags; a rollback does not change that. */
  #settleAll(method: "basic.recover" | "basic.recover-async"): void {
    for (const delivery of this.#open.values()) delivery.settlement = { method, deliveryTag: 0 };
    this.#open.clear();
  }

  #rollBack(): void {
    const back = [...this.#open.values(), ...(this.#ending ?? [])];
    this.#ending = undefined;
    for (const delivery of back) delivery.settlement = undefined;
    back.sort((a, b) => a.deliveryTag - b.deliveryTag);
    this.#open = new Map(back.map((delivery) => [delivery.deliveryTag, delivery]));
  }
}

/** What most channels have, which only publish: never added to. */
const NO_DELIVERIES: Map<number, OpenDelivery> = new Map();
