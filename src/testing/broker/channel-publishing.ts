/**
 * How messages come in on one channel: a method, a header and bodies are put together, faults have
 * their say, and then the message is stored, or waits for the end of its transaction.
 */
import { ProtocolError } from "../../errors.ts";
import { type Content, ContentAssembler, type Payload } from "../../protocol/content-assembler.ts";
import { REPLY_CODE } from "../../wire/generated/constants.ts";
import type { BasicPublish, ClientMethod } from "../../wire/generated/methods.ts";
import type { ChannelHost } from "./channel.ts";
import { IrregularConfirms } from "./faults/irregular-confirms.ts";
import { ask, type MethodVerdict, type PublishVerdict } from "./faults/points.ts";
import { SeededRandom } from "./faults/random.ts";
import { Publishing, type Routed } from "./publishing.ts";
import { refusal } from "./refusal.ts";

/** Where messages go. */
export interface PublishingOutlet {
  /** A message came in and was routed. */
  take(routed: Routed): void;
  /** Confirms may be due. */
  sendAck(): void;
}

/** The way in. */
export class ChannelPublishing {
  readonly #number: number;
  readonly #host: ChannelHost;
  readonly #outlet: PublishingOutlet;
  readonly #publishing: Publishing;
  readonly #content: ContentAssembler<BasicPublish>;
  /** The method of the message under way; only known while a fault wants to. */
  #begun: BasicPublish | undefined;

  /** `number` is the channel's. */
  constructor(number: number, host: ChannelHost, outlet: PublishingOutlet) {
    this.#number = number;
    this.#host = host;
    this.#outlet = outlet;
    this.#publishing = new Publishing(host.vhost, host.user, () => this.#irregularConfirms());
    this.#content = new ContentAssembler(host.maxMessageSize);
  }

  /** What is numbered, stored and confirmed. */
  get publishing(): Publishing {
    return this.#publishing;
  }

  /** Raises if a message is under way, so that no method may come. */
  checkIdle(method: ClientMethod): void {
    this.#content.refuseIfBusy(method.name);
  }

  /** basic.publish came. */
  begin(method: BasicPublish): void {
    this.#content.begin(method);
    this.#begun = this.#host.faults.bodies === undefined ? undefined : method;
  }

  /** A header frame came. */
  header(payload: Payload): void {
    try {
      const content = this.#content.header(payload);
      if (content !== undefined) this.#publish(content);
      else if (this.#begun !== undefined) this.#cutInBody(this.#begun);
    } catch (error) {
      throw tooLarge(error, this.#host.maxMessageSize);
    }
  }

  /** A body frame came. */
  body(payload: Payload): void {
    const content = this.#content.body(payload);
    if (content !== undefined) this.#publish(content);
  }

  #publish(content: Content<BasicPublish>): void {
    const { faults } = this.#host;
    const verdict = faults.publishes === undefined ? undefined : this.#verdictOn(content);
    if (verdict?.instead !== undefined) return this.#obey(verdict.instead);
    const routed = this.#publishing.route(content);
    this.#outlet.take(verdict === undefined ? routed : { ...routed, verdict });
    if (this.#publishing.confirming) this.#host.sendAckLater(this.#outlet);
  }

  #verdictOn({ method, properties, body }: Content<BasicPublish>): PublishVerdict | undefined {
    const { faults, faulty } = this.#host;
    const { exchange, routingKey, mandatory } = method;
    const { confirming } = this.#publishing;
    const message = { exchange, routingKey, mandatory, properties, body };
    return ask(faults.publishes ?? [], faulty, { ...message, method, confirming });
  }

  #obey(instead: MethodVerdict): void {
    if (typeof instead !== "string") throw instead;
    this.#host.faulty.cutAfterWriting(instead);
  }

  #cutInBody(method: BasicPublish): void {
    this.#begun = undefined;
    const kind = ask(this.#host.faults.bodies ?? [], this.#host.faulty, method);
    if (kind !== undefined) this.#host.faulty.cutAfterWriting(kind);
  }

  #irregularConfirms(): IrregularConfirms {
    const { faults, faulty } = this.#host;
    const random = new SeededRandom(faults.seed, faulty.facts.id, this.#number);
    return new IrregularConfirms(random, () => this.#outlet.sendAck());
  }
}

/** The assembler refuses at the header what RabbitMQ refuses when it has the whole body. */
function tooLarge(error: unknown, maxMessageSize: number): unknown {
  if (!(error instanceof ProtocolError)) return error;
  if (error.replyCode !== REPLY_CODE.preconditionFailed) return error;
  return refusal(
    "preconditionFailed",
    `message size ${error.got} is larger than configured max size ${maxMessageSize}`,
  );
}
