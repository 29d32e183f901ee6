/**
 * The consumers of one channel, by their tags: for whom basic.deliver may come.
 *
 *     basic.consume sent with a tag, or consume-ok with the broker's --> there
 *     cancel-ok, or basic.cancel of the broker -----------------------> gone
 *     basic.cancel sent with nowait ----> leaving --next reply on the channel--> gone
 *
 * A tag of our own counts from the moment that it is sent: nothing says that consume-ok comes
 * before the first delivery. Without a cancel-ok, what tells that no more deliveries can come is
 * the reply to anything that was asked later: a broker handles a channel's methods in order.
 */
import { ProtocolError, UsageError } from "../errors.ts";
import { REPLY_CODE } from "../wire/generated/constants.ts";
import type { BasicConsume, ClientMethod, ServerMethod } from "../wire/generated/methods.ts";

/** What the table knows of a consumer. */
export interface RegisteredConsumer {
  /** Its deliveries need no answer. */
  readonly noAck: boolean;
}

/** The consumers of one channel. */
export class ConsumerTable {
  // Absent on most channels, which only publish.
  #consumers: Map<string, RegisteredConsumer> | undefined;
  #leaving: Set<string> | undefined;

  /** How many consumers there are, those that are leaving included. */
  get size(): number {
    return this.#consumers?.size ?? 0;
  }

  /** The consumer with this tag, if there is one. */
  get(consumerTag: string): RegisteredConsumer | undefined {
    return this.#consumers?.get(consumerTag);
  }

  /**
   * Raises for a consumer whose name another one has: RabbitMQ closes the connection for it (530).
   * One that is leaving has given it up, as far as the broker is concerned.
   */
  check(method: ClientMethod): void {
    if (method.name !== "basic.consume" || this.#leaving?.has(method.consumerTag)) return;
    if (this.get(method.consumerTag) !== undefined) throw consumerTagInUse(method.consumerTag);
  }

  /** A method of ours was written. */
  sent(method: ClientMethod): void {
    if (method.name === "basic.consume" && method.consumerTag !== "") {
      this.#register(method.consumerTag, method);
    } else if (method.name === "basic.cancel" && method.nowait) {
      this.#leaving ??= new Set();
      this.#leaving.add(method.consumerTag);
    }
  }

  /** A call of ours was answered. Returns the consumers that are gone by it, at our own wish. */
  answered(asked: ClientMethod, reply: ServerMethod): readonly string[] {
    const leaving = [...(this.#leaving ?? [])];
    if (asked.name === "basic.cancel") leaving.push(asked.consumerTag);
    this.#leaving = undefined;
    // Not one that the broker has ended before: its name may have been given away since.
    const gone = leaving.filter((consumerTag) => this.#consumers?.delete(consumerTag));
    if (asked.name === "basic.consume" && reply.name === "basic.consume-ok") {
      this.#answeredConsume(asked, reply.consumerTag);
    }
    return gone;
  }

  /** The broker cancelled a consumer; whether there was one. */
  cancelled(consumerTag: string): boolean {
    return this.#consumers?.delete(consumerTag) ?? false;
  }

  #answeredConsume(asked: BasicConsume, consumerTag: string): void {
    if (asked.consumerTag !== "" && asked.consumerTag !== consumerTag) {
      throw new ProtocolError("basic.consume-ok names another consumer than the one asked for", {
        replyCode: REPLY_CODE.commandInvalid,
        expected: asked.consumerTag,
        got: consumerTag,
      });
    }
    if (asked.consumerTag === "") this.#register(consumerTag, asked);
  }

  #register(consumerTag: string, { noAck }: BasicConsume): void {
    this.#consumers ??= new Map();
    this.#consumers.set(consumerTag, { noAck });
    this.#leaving?.delete(consumerTag);
  }
}

/** The mistake of a second consumer under the name of another. */
export function consumerTagInUse(consumerTag: string): UsageError {
  return new UsageError(`this channel has a consumer ${consumerTag} already`);
}
