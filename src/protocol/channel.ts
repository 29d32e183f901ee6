/**
 * One channel, from channel.open to its number being free again: its calls and their replies, its
 * publishes and their confirms, its content, and how it ends. channel-states.ts has its life as a
 * table.
 */
import {
  type AmqpError,
  ChannelClosedError,
  CLOSED_BY_US,
  type ProtocolError,
  UsageError,
} from "../errors.ts";
import { writeContent } from "../wire/content.ts";
import { writeMethodFrame } from "../wire/frame.ts";
import { METHODS } from "../wire/generated/method-table.ts";
import type {
  BasicCancel,
  BasicDeliver,
  BasicReturn,
  ChannelClose,
  ClientMethod,
  ContentMethod,
  ServerMethod,
} from "../wire/generated/methods.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import { LastHead } from "../wire/last-head.ts";
import { NO_PROPERTIES } from "../wire/properties.ts";
import { type Call, type CallHandle, type CallHooks, CallQueue } from "./call-queue.ts";
import type { ChannelLink } from "./channel-link.ts";
import { type ChannelState, moveChannel, nextChannelState } from "./channel-states.ts";
import { ConfirmLedger, type Decide } from "./confirm-ledger.ts";
import { ConsumerTable } from "./consumer-table.ts";
import { type Content, ContentAssembler, type Payload } from "./content-assembler.ts";
import { DeliveryLedger } from "./delivery-ledger.ts";
import { closeReason } from "./frame-reading.ts";
import { type Publication, publishError } from "./publication.ts";
import { type Blame, blameCall, blamePublish, decideBy } from "./refusal.ts";
import { replyText } from "./reply-text.ts";
import { returnedMessage } from "./returned-error.ts";

export type { ChannelEvent } from "./channel-events.ts";
export type { ChannelLink } from "./channel-link.ts";

/** The state of one channel. */
export class ChannelMachine {
  static readonly #callHooks: CallHooks<ChannelMachine> = {
    send: (channel, method) => channel.#sendCall(method),
    answered: (channel, asked, reply) => channel.#answered(asked, reply),
  };

  /** 1 to channel-max. */
  readonly number: number;
  /** The open publishes, once confirm.select was sent. */
  readonly ledger: ConfirmLedger = new ConfirmLedger();
  /** For whom deliveries may come. */
  readonly consumers: ConsumerTable = new ConsumerTable();
  /** The deliveries that wait for an answer. */
  readonly deliveries: DeliveryLedger = new DeliveryLedger();
  /** Whether acks, nacks, returns and flow become events, or are only accounted for. */
  observed = false;
  readonly #link: ChannelLink;
  readonly #calls: CallQueue<ChannelMachine> = new CallQueue(this, ChannelMachine.#callHooks);
  // Made when they are needed: few channels both publish and consume.
  #assembler: ContentAssembler | undefined;
  #lastHead: LastHead | undefined;
  #fixedProperties: BasicProperties = NO_PROPERTIES;
  #state: ChannelState = "opening";
  #confirming = false;
  #hasUnwritten = false;
  #flowActive = true;
  #error: AmqpError | undefined;
  #nextTagAtCall = 1;
  /** What has no reply and waits for the end of a transaction. */
  #held: ClientMethod[] | undefined;

  /** Writes channel.open. */
  constructor(number: number, link: ChannelLink, opened: Pick<Call, "resolve" | "reject">) {
    this.number = number;
    this.#link = link;
    this.#calls.add({ ...opened, method: { name: "channel.open" } });
  }

  get state(): ChannelState {
    return this.#state;
  }

  /** Whether publishes are numbered: confirm.select was sent. */
  get confirming(): boolean {
    return this.#confirming;
  }

  /** Whether content may be sent now: the channel is open and the peer has not paused it. */
  get canPublish(): boolean {
    return this.#state === "open" && this.#error === undefined && this.#flowActive;
  }

  /** Whether the peer takes content on this channel: false between its channel.flow off and on. */
  get flowActive(): boolean {
    return this.#flowActive;
  }

  /** Why the channel is not open any more; undefined while it is. */
  get closeError(): AmqpError | undefined {
    return this.#error;
  }

  /** Sends a synchronous method when its turn comes; a closed channel rejects it at once. */
  call(call: Call): CallHandle | undefined {
    const error = this.#refusal();
    if (error === undefined) return this.#calls.add(call);
    call.reject(error);
    return undefined;
  }

  /**
   * Whether the peer is ending a transaction. Nothing may be sent until it has: RabbitMQ closes the
   * connection for anything but a channel.close behind tx.commit.
   */
  get endsTransaction(): boolean {
    const name = this.#calls.pending?.method.name;
    return name === "tx.commit" || name === "tx.rollback";
  }

  /** Sends a method that has no reply: now, or behind the end of a transaction. */
  send(method: ClientMethod): void {
    const error = this.#refusal();
    if (error !== undefined) throw error;
    if (!this.endsTransaction) this.#write(method);
    else if (this.#held === undefined) this.#held = [method];
    else this.#held.push(method);
    this.deliveries.sent(method);
  }

  /** Properties that most publishes have, the same object each time, and that nobody changes. */
  set fixedProperties(properties: BasicProperties) {
    this.#fixedProperties = properties;
  }

  /**
   * Encodes a publish into the output, where it cannot be withdrawn, and takes its delivery tag.
   * Raises `UsageError`, with nothing written and no tag taken, for what cannot be encoded.
   */
  publish(publication: Publication): number {
    const error = this.#refusal();
    if (error !== undefined) throw error;
    this.#lastHead ??= new LastHead(this.#fixedProperties);
    publication.bodySize = writeContent(
      this.#link.output,
      this.number,
      publication.route,
      publication.properties ?? NO_PROPERTIES,
      publication.body ?? "",
      this.#link.frameMax,
      this.#lastHead,
    );
    if (!this.#confirming) {
      if (publication.route.immediate) this.#link.lostSightOfImmediate();
      return 0;
    }
    if (!this.#hasUnwritten) this.#link.published(this);
    this.#hasUnwritten = true;
    return this.ledger.add(publication);
  }

  /** All publishes so far have been given to the socket. */
  markWritten(): void {
    this.#hasUnwritten = false;
    this.ledger.markWritten();
  }

  /**
   * Sends channel.close behind the calls that wait. Nothing else can be asked afterwards; a channel
   * that is closed, or about to be, rejects with the reason.
   */
  close(closed: Pick<Call, "resolve" | "reject">): void {
    if (this.#error !== undefined) return closed.reject(this.#error);
    this.#error = new ChannelClosedError(CLOSED_BY_US);
    this.#calls.add({
      ...closed,
      method: { name: "channel.close", ...OUR_CLOSE, replyCode: 200, replyText: "closed" },
    });
  }

  /** Gives up on the peer's answers: everybody is told now, and channel.close goes out. */
  abandon(error: AmqpError): void {
    if (this.#state === "closed" || this.#state === "failing") return;
    this.#giveUp(error, { replyCode: 200, replyText: "closed", ...OUR_CLOSE });
  }

  /** The peer broke a rule on this channel: closes it with the reply code of the error. */
  fail(error: ProtocolError, method?: ServerMethod["name"]): void {
    const { classId, methodId } = method === undefined ? OUR_CLOSE : METHODS[method];
    const { replyCode } = error;
    this.#giveUp(error, { replyCode, replyText: replyText(error.message), classId, methodId });
  }

  /** The connection is gone, and with it what it had not given to the socket. */
  lose(error: AmqpError, blame: Blame, byUs: boolean): void {
    const told = this.#state === "failing";
    this.#state = moveChannel(this.#state, "lose");
    if (told) return;
    this.#settle(error, decideBy(blame, error, "unsent"), byUs);
  }

  /** A method arrived for this channel. */
  receive(method: ServerMethod): void {
    switch (method.name) {
      case "channel.open-ok":
        this.#state = nextChannelState(this.#state, method.name);
        if (this.#state !== "failing") this.#calls.reply(method);
        return;
      case "channel.close":
        return this.#closedByPeer(method, nextChannelState(this.#state, method.name));
      case "channel.close-ok":
        return this.#closeOk(method, nextChannelState(this.#state, method.name));
      default:
        if (this.#state === "failing") return;
        this.#assembler?.refuseIfBusy(method.name);
        if (METHODS[method.name].content) this.#assembling.begin(method as ContentMethod);
        else this.#handle(method);
    }
  }

  /** A content header arrived for this channel. */
  receiveHeader(payload: Payload): void {
    if (this.#state !== "failing") this.#handleContent(this.#assembling.header(payload));
  }

  /** A piece of a body arrived for this channel. */
  receiveBody(payload: Payload): void {
    if (this.#state !== "failing") this.#handleContent(this.#assembling.body(payload));
  }

  get #assembling(): ContentAssembler {
    this.#assembler ??= new ContentAssembler(this.#link.maxBodyBytes);
    return this.#assembler;
  }

  #handle(method: ServerMethod): void {
    switch (method.name) {
      case "basic.ack":
        return this.#confirmed("ack", method.deliveryTag, method.multiple);
      case "basic.nack":
        return this.#confirmed("nack", method.deliveryTag, method.multiple);
      case "basic.cancel":
        if (this.#discards) return;
        if (this.consumers.cancelled(method.consumerTag)) return this.#cancelled(method);
        return this.#reply(method);
      case "channel.flow":
        if (this.#discards) return;
        this.#flowActive = method.active;
        this.#write({ name: "channel.flow-ok", active: method.active });
        if (this.observed) this.#link.emit(this, { type: "flow", active: method.active });
        return;
      default:
        this.#reply(method);
    }
  }

  #confirmed(type: "ack" | "nack", deliveryTag: number, multiple: boolean): void {
    this.ledger[type](deliveryTag, multiple);
    if (this.observed) this.#link.emit(this, { type, deliveryTag, multiple });
  }

  #handleContent(content: Content | undefined): void {
    if (content === undefined) return;
    if (content.method.name === "basic.return") {
      const message = returnedMessage(content as Content<BasicReturn>);
      this.ledger.returned(message);
      if (this.observed) this.#link.emit(this, { type: "return", message });
    } else if (content.method.name === "basic.deliver") {
      if (!this.#discards) this.#delivered(content as Content<BasicDeliver>);
    } else {
      this.#reply(content.method as ServerMethod, content);
    }
  }

  #delivered(content: Content<BasicDeliver>): void {
    const { consumerTag, deliveryTag } = content.method;
    const consumer = this.consumers.get(consumerTag);
    if (consumer === undefined) return this.#reply(content.method); // which says what was due
    const open = consumer.noAck ? undefined : this.deliveries.add(deliveryTag);
    this.#link.emit(this, { type: "deliver", content, open });
  }

  /** The peer cancelled a consumer: its queue is gone, or will be somewhere else. */
  #cancelled({ consumerTag, nowait }: BasicCancel): void {
    if (!nowait) this.#write({ name: "basic.cancel-ok", consumerTag });
    this.#link.emit(this, { type: "cancel", consumerTag });
  }

  #reply(method: ServerMethod, content?: Content): void {
    if (this.#state !== "closing") this.#calls.reply(method, content);
  }

  /**
   * Whether we said that this channel or the connection is to be closed: what the peer tells until
   * it has read that is discarded (rule stability of both closes), but for answers, confirms and
   * returns. A delivery could not be acked any more, and comes again elsewhere.
   */
  get #discards(): boolean {
    return this.#state === "closing" || this.#link.refusal !== undefined;
  }

  /** Everybody is told; only the closing handshake is left. */
  #giveUp(error: AmqpError, reason: Omit<ChannelClose, "name">): void {
    const closeSent = this.#state === "closing";
    const unhandled = this.ledger.unhandledPublications();
    if (unhandled.some(({ route }) => route.immediate)) this.#link.lostSightOfImmediate();
    this.#settle(error);
    this.#state = moveChannel(this.#state, "giveUp");
    if (!closeSent) this.#write({ name: "channel.close", ...reason });
  }

  #closedByPeer(close: ChannelClose, next: ChannelState): void {
    const told = this.#state === "failing";
    this.#state = next;
    this.#write({ name: "channel.close-ok" });
    if (!told) {
      const reason = closeReason(close);
      const error = new ChannelClosedError(reason);
      const callRefused =
        reason.method !== undefined && this.#calls.pending?.method.name === reason.method;
      const blame = callRefused
        ? blameCall(this.#nextTagAtCall)
        : blamePublish(reason, this.ledger.unhandledPublications(), this.#link.vhost);
      // What follows the peer's close on this channel is dropped unseen until our close-ok.
      this.#settle(error, decideBy(blame, error, "unprocessed"));
    }
    if (next === "closed") this.#link.freed(this);
  }

  #closeOk(method: ServerMethod, next: ChannelState): void {
    const told = this.#state === "failing";
    this.#state = next;
    if (!told) {
      this.#calls.reply(method);
      this.#settle(this.#error as AmqpError, undefined, true);
    }
    this.#link.freed(this);
  }

  /** Tells everybody who waits for something of this channel. */
  #settle(
    error: AmqpError,
    decide: Decide = (publication) => publishError(publication, "unknown", error),
    byUs = false,
  ): void {
    this.#error = error;
    this.ledger.closeAll(decide);
    this.#calls.rejectAll(error);
    this.#link.emit(this, { type: "closed", error: byUs ? undefined : error });
  }

  #refusal(): AmqpError | undefined {
    const closed = this.#error ?? this.#link.refusal;
    if (closed !== undefined) return closed;
    return this.#state === "opening"
      ? new UsageError("the channel is not open yet: await openChannel() first")
      : undefined;
  }

  #sendCall(method: ClientMethod): void {
    // What expects no reply would seem to have been sent.
    const refusal = this.#link.refusal;
    if (refusal !== undefined && "nowait" in method && method.nowait) throw refusal;
    this.consumers.check(method);
    this.#write(method);
    this.#nextTagAtCall = this.ledger.nextTag;
    this.consumers.sent(method);
    this.deliveries.sent(method);
    if (method.name === "confirm.select") this.#confirming = true;
    if (method.name === "channel.close") this.#state = moveChannel(this.#state, "close");
  }

  #answered(asked: ClientMethod, reply: ServerMethod): void {
    for (const consumerTag of this.consumers.answered(asked, reply)) {
      this.#link.emit(this, { type: "left", consumerTag });
    }
    this.deliveries.answered(asked, reply);
    // At once, before any call that waits: what is sent from now on may not overtake it.
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const method of held) {
      this.#write(method);
      this.deliveries.sent(method);
    }
  }

  #write(method: ClientMethod): void {
    if (this.#link.refusal !== undefined) return;
    writeMethodFrame(this.#link.output.writer, this.number, method, this.#link.frameMax);
  }
}

/** A close that no method of the peer caused carries no ids. */
const OUR_CLOSE = { classId: 0, methodId: 0 } as const;
