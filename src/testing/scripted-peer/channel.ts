/** A channel in a script: the peer's own methods, with the number filled in. */
import { METHODS } from "../../wire/generated/method-table.ts";
import type { BasicProperties } from "../../wire/generated/properties.ts";
import type { Conversation, ExpectContentOptions, ExpectOptions } from "./conversation.ts";
import type { ContentMethodName, ExpectedFields, MethodName, SentFields } from "./method-types.ts";
import type { ReceivedContent, ReceivedMethod } from "./received.ts";

/** A channel of a {@link ScriptedPeer}. It has no state: it is a number with the peer's methods. */
export class ScriptedChannel {
  /** 0 to 65,535. */
  readonly number: number;
  readonly #peer: Conversation;

  /** Use {@link ScriptedPeer.openChannel} or {@link ScriptedPeer.channel}. */
  constructor(peer: Conversation, number: number) {
    this.#peer = peer;
    this.number = number;
  }

  /** {@link ScriptedPeer.expect} on this channel. */
  expect<N extends MethodName>(
    name: N,
    fields?: ExpectedFields<N>,
    options: Omit<ExpectOptions, "channel"> = {},
  ): Promise<ReceivedMethod<N>> {
    return this.#peer.expect(name, fields, { ...options, channel: this.number });
  }

  /** {@link ScriptedPeer.expectContent} on this channel. */
  expectContent<N extends ContentMethodName>(
    name: N,
    fields?: ExpectedFields<N>,
    options: Omit<ExpectContentOptions, "channel"> = {},
  ): Promise<ReceivedContent<N>> {
    return this.#peer.expectContent(name, fields, { ...options, channel: this.number });
  }

  /** {@link ScriptedPeer.send} on this channel. */
  send<N extends MethodName>(name: N, fields?: SentFields<N>): void {
    this.#peer.send(name, fields, { channel: this.number });
  }

  /** {@link ScriptedPeer.sendContent} on this channel. */
  sendContent<N extends ContentMethodName>(
    name: N,
    fields: SentFields<N>,
    body: Uint8Array | string,
    properties: BasicProperties = {},
  ): void {
    this.#peer.sendContent(name, fields, body, properties, { channel: this.number });
  }

  /**
   * Expects a method and sends the reply that the specification has for it: confirm.select-ok to
   * confirm.select. For basic.get it is basic.get-empty. Gives the method that came.
   *
   *     await channel.answer("queue.declare", { queue: "q", messageCount: 3 });
   */
  async answer<N extends MethodName>(
    name: N,
    reply: { readonly [field: string]: unknown } = {},
  ): Promise<ReceivedMethod<N>> {
    const replyName = METHODS[name].replies.findLast((it) => !METHODS[it].content);
    if (replyName === undefined) throw new TypeError(`the specification has no reply to ${name}`);
    const received = await this.expect(name);
    this.send(replyName, reply as SentFields<MethodName>);
    return received;
  }

  /**
   * Sends a method and expects this reply to it.
   *
   *     await channel.call("queue.declare", { queue: "q" }, "queue.declare-ok");
   */
  async call<N extends MethodName, A extends MethodName>(
    name: N,
    fields: SentFields<N>,
    reply: A,
  ): Promise<ReceivedMethod<A>> {
    this.send(name, fields);
    return await this.expect(reply);
  }
}
