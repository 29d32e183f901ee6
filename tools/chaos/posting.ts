/** One publish of the client under test, and what it says of it, checked and put on the books. */
import {
  AmqpError,
  type Channel,
  type Connection,
  type Message,
  type MessageResult,
  PublishError,
  type Publisher,
  ReturnedError,
  TimeoutError,
} from "../../src/index.ts";
import type { Account } from "./account.ts";
import { type Letter, nameOf } from "./letter.ts";

/** How many publishes of one publisher ended well, and how many did not. */
export interface Told {
  confirmed: number;
  failed: number;
}

/** A letter in the form that `publishAll()` takes. */
export interface LetterMessage extends Message {
  readonly letter: Letter;
}

/** Publishes letters on one connection. */
export class Posting {
  readonly #account: Account;
  readonly #connection: Connection;

  constructor(account: Account, connection: Connection) {
    this.#account = account;
    this.#connection = connection;
  }

  /** Publishes a letter; resolves when the client has said how it ended. */
  async publish(publisher: Publisher, letter: Letter, told?: Told): Promise<void> {
    const { route, body, options } = letter;
    this.#enter(letter);
    try {
      await publisher.publish(route.exchange, route.routingKey, body, options);
    } catch (error) {
      return this.failed(letter, error, told);
    }
    this.confirmed(letter, told);
  }

  /** Publishes on a channel; undefined where that refuses, and then it never was. */
  publishByTag(channel: Channel, letter: Letter): number | undefined {
    const { route, body, options } = letter;
    // Deadlines and signals are for promises.
    const { timeoutMs: _, signal: __, ...properties } = options;
    this.#enter(letter);
    try {
      return channel.basicPublish(route.exchange, route.routingKey, body, properties);
    } catch (error) {
      this.#account.withdraw(letter.id);
      if (!(error instanceof AmqpError)) {
        this.#account.violation("basicPublish() throws what is no AmqpError", String(error));
      }
      return undefined;
    }
  }

  /** Enters a letter that `publishAll()` is about to be given. */
  message(letter: Letter): LetterMessage {
    this.#enter(letter);
    const { route, body, options } = letter;
    return { ...options, exchange: route.exchange, routingKey: route.routingKey, body, letter };
  }

  /** What `publishAll()` said of it. */
  settled({ letter }: LetterMessage, result: MessageResult, told: Told): void {
    if (result instanceof Error) this.failed(letter, result, told);
    else this.confirmed(letter, told);
  }

  /** A letter was confirmed. */
  confirmed({ id }: Letter, told?: Told): void {
    if (told !== undefined) told.confirmed++;
    this.#account.settle(id, "confirmed");
  }

  /** A letter ended otherwise. */
  failed({ id, body }: Letter, error: unknown, told?: Told): void {
    if (told !== undefined) told.failed++;
    const name = nameOf(id);
    const account = this.#account;
    if (!(error instanceof PublishError)) {
      account.violation("a rejection that is no PublishError", `${name}: ${error}`);
      account.settle(id, "unknown");
      return;
    }
    const { outcome, mayBeDelivered, cause } = error;
    account.settle(id, outcome, cause instanceof Error ? cause.name : undefined);
    if (mayBeDelivered !== (outcome === "nacked" || outcome === "unknown")) {
      account.violation("mayBeDelivered does not say what the outcome says", name);
    }
    if (outcome === "returned" && !bringsBack(error, name, body)) {
      account.violation("returned, with some other message", name);
    }
    if (cause instanceof TimeoutError && this.#connection.blockedReason !== undefined) {
      account.violation("a deadline passed while the connection was blocked", name);
    }
  }

  #enter({ id, route, due, body }: Letter): void {
    this.#account.post({ id, route, due, bodySize: body.length });
  }
}

function bringsBack(error: PublishError, name: string, body: Uint8Array): boolean {
  if (!(error instanceof ReturnedError)) return false;
  const { returned } = error;
  return returned.properties.messageId === name && Buffer.compare(returned.body, body) === 0;
}
