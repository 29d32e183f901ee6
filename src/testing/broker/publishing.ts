/**
 * Publishing on one channel: routing, returns, and the numbers of publisher confirms (RabbitMQ's
 * page on confirms).
 *
 * A message is confirmed as soon as it is in its queues, which here is at once. The acks are not
 * sent one by one, though: all messages that came in one read of the socket are confirmed by one
 * ack with `multiple`, unless a queue refused one of them, or a fault has it otherwise
 * (faults/irregular-confirms.ts). Returns go out when they happen, so a
 * message is always returned before it is confirmed, as the definition of class confirm demands.
 */
import type { Content } from "../../protocol/content-assembler.ts";
import type { FieldTable } from "../../wire/field-value.ts";
import { REPLY_CODE } from "../../wire/generated/constants.ts";
import type {
  BasicAck,
  BasicNack,
  BasicPublish,
  BasicReturn,
} from "../../wire/generated/methods.ts";
import type { ConfirmStyle } from "./faults/confirm-style.ts";
import type { IrregularConfirms } from "./faults/irregular-confirms.ts";
import type { PublishVerdict } from "./faults/points.ts";
import { type StoredMessage, storedMessage } from "./message.ts";
import { checkDeliveryMode, checkProperties, routingKeysOf } from "./published-check.ts";
import type { Queue } from "./queue.ts";
import { refusal, replyName } from "./refusal.ts";
import type { VirtualHost } from "./virtual-host.ts";

/** A message with the queues that it goes to. */
export interface Routed {
  readonly method: BasicPublish;
  readonly message: StoredMessage;
  readonly queues: readonly Queue[];
  /** What a fault makes of it. */
  readonly verdict?: PublishVerdict;
}

/** A message that goes back to its publisher. */
export interface Returned {
  readonly method: BasicReturn;
  readonly message: StoredMessage;
}

/** The publishing side of a channel. */
export class Publishing {
  readonly #vhost: VirtualHost;
  readonly #user: string;
  #confirming = false;
  #lastTag = 0;
  #lastConfirmed = 0;
  /** What queues refused and is not told yet. */
  #rejected: number[] = [];
  readonly #makeIrregular: (() => IrregularConfirms) | undefined;
  /** Set as long as there are confirms that are not sent at once and in order. */
  #irregular: IrregularConfirms | undefined;

  /** `makeIrregular` is called when the first confirm is not sent at once; without it all are. */
  constructor(vhost: VirtualHost, user: string, makeIrregular?: () => IrregularConfirms) {
    this.#vhost = vhost;
    this.#user = user;
    this.#makeIrregular = makeIrregular;
  }

  /** Whether confirm.select was received. */
  get confirming(): boolean {
    return this.#confirming;
  }

  /** Numbers publishes from here on; asked again, the numbers go on. */
  select(): void {
    this.#confirming = true;
  }

  /** Looks at a message and finds out where it goes. */
  route(content: Content<BasicPublish>): Routed {
    const { method, properties } = content;
    const exchange = this.#vhost.exchange(method.exchange);
    if (exchange.settings.internal) {
      const where = `'${exchange.name}' in vhost '${this.#vhost.name}'`;
      throw refusal("accessRefused", `cannot publish to internal exchange ${where}`);
    }
    checkProperties(properties, this.#user);
    const routingKeys = routingKeysOf(method.routingKey, properties.headers);
    checkDeliveryMode(properties);
    const message = storedMessage(content, routingKeys);
    const headers = properties.headers ?? NO_HEADERS;
    const queues = this.#vhost.route(exchange, { routingKeys, headers });
    return { method, message, queues };
  }

  /** Takes a message in; what it returns is to be sent back before the next ack. */
  store(routed: Routed): Returned | undefined {
    if (this.#confirming) this.#lastTag++;
    if (routed.verdict !== undefined) return this.#obey(routed.verdict, routed);
    const result = deposit(routed);
    if (this.#confirming) this.#answer(result);
    return result === true || result === false ? undefined : result;
  }

  /** What tells of all that was published since the last time, in a style if one is set. */
  takeConfirms(style: ConfirmStyle | undefined): readonly (BasicAck | BasicNack)[] {
    if (style !== undefined || this.#irregular !== undefined) return this.#takeIrregular(style);
    const confirms: (BasicAck | BasicNack)[] = [];
    for (const deliveryTag of this.#rejected) {
      this.#ackUpTo(deliveryTag - 1, confirms);
      // Everything before is settled, so `multiple` says nothing; both bits are as RabbitMQ has them.
      confirms.push({ name: "basic.nack", deliveryTag, multiple: true, requeue: true });
      this.#lastConfirmed = deliveryTag;
    }
    if (this.#rejected.length > 0) this.#rejected = [];
    this.#ackUpTo(this.#lastTag, confirms);
    return confirms;
  }

  /** The channel is over. */
  stop(): void {
    this.#irregular?.stop();
  }

  /** Does what a fault asks, with the message and with its confirm. */
  #obey(verdict: PublishVerdict, routed: Routed): Returned | undefined {
    const result = verdict.store ? deposit(routed) : true;
    const { replyCode, replyText } = verdict.returned ?? {};
    const returned =
      replyCode === undefined ? result : returnedWith(routed.message, replyCode, replyText);
    if (this.#confirming) this.#obeyConfirm(verdict, returned);
    return returned === true || returned === false ? undefined : returned;
  }

  #obeyConfirm(verdict: PublishVerdict, result: Result): void {
    const tag = this.#lastTag;
    const answer = verdict.confirm === "nack" || result === false ? "nack" : "ack";
    const isRegular = verdict.confirm !== "never" && !verdict.hold && !verdict.twice;
    if (isRegular) return this.#answer(answer === "ack");
    const irregular = this.#becomeIrregular(tag - 1);
    irregular.issue(tag);
    if (verdict.twice) irregular.repeat(tag);
    if (verdict.confirm === "never") return;
    if (verdict.hold === undefined) irregular.due(tag, answer);
    else verdict.hold({ confirms: irregular, tag, answer });
  }

  /** The message with the last tag was taken, refused or returned. */
  #answer(result: Result): void {
    if (this.#irregular !== undefined) {
      this.#irregular.issue(this.#lastTag);
      this.#irregular.due(this.#lastTag, result === false ? "nack" : "ack");
    } else if (result === false) {
      this.#rejected.push(this.#lastTag);
    }
  }

  /** Hands over what is not confirmed yet, up to and including a tag. */
  #becomeIrregular(lastTag: number): IrregularConfirms {
    if (this.#irregular !== undefined) return this.#irregular;
    const irregular = this.#makeIrregular?.();
    if (irregular === undefined) throw new Error("the confirms of this publisher are regular");
    for (let tag = this.#lastConfirmed + 1; tag <= lastTag; tag++) {
      irregular.issue(tag);
      irregular.due(tag, this.#rejected.includes(tag) ? "nack" : "ack");
    }
    this.#rejected = [];
    this.#irregular = irregular;
    return irregular;
  }

  #takeIrregular(style: ConfirmStyle | undefined): (BasicAck | BasicNack)[] {
    const irregular = this.#becomeIrregular(this.#lastTag);
    const confirms = irregular.take(style);
    if (irregular.idle && style === undefined) {
      this.#irregular = undefined;
      this.#lastConfirmed = this.#lastTag;
    }
    return confirms;
  }

  #ackUpTo(deliveryTag: number, confirms: (BasicAck | BasicNack)[]): void {
    const count = deliveryTag - this.#lastConfirmed;
    if (count === 0) return;
    this.#lastConfirmed = deliveryTag;
    confirms.push({ name: "basic.ack", deliveryTag, multiple: count > 1 });
  }
}

const NO_HEADERS: FieldTable = {};

/** Whether the queues took it; or, if there was nobody to take it, what goes back. */
type Result = boolean | Returned;

function deposit({ method, message, queues }: Routed): Result {
  if (method.mandatory && queues.length === 0) return returnedWith(message, REPLY_CODE.noRoute);
  if (method.immediate) return depositAtOnce(message, queues);
  let taken = true;
  for (const queue of queues) taken = queue.add(message) && taken;
  return taken;
}

/** To consumers that are ready, and nowhere else (specification section 1.8.3.3, "immediate"). */
function depositAtOnce(message: StoredMessage, queues: readonly Queue[]): Result {
  const ready = queues.filter((queue) => queue.deliversAtOnce);
  for (const queue of ready) queue.add(message);
  return ready.length > 0 || returnedWith(message, REPLY_CODE.noConsumers);
}

function returnedWith(
  message: StoredMessage,
  replyCode: number,
  replyText: string = replyName(replyCode),
): Returned {
  const { exchange, routingKey } = message;
  return { method: { name: "basic.return", replyCode, replyText, exchange, routingKey }, message };
}
