/**
 * A broker small enough to be believed. It follows RabbitMQ where clients can tell: publishes of a
 * channel are handled in order; a return goes out before the confirm of its message; after a refusal
 * what follows on the channel is dropped until close-ok, and confirms that are due are not sent;
 * nothing is read while the connection is blocked. When it reads, handles and confirms is up to
 * the schedule. `lives` are its books, which tell what really became of each publish.
 */
import { writeContent } from "../../../src/wire/content.ts";
import { writeHeartbeatFrame, writeMethodFrame } from "../../../src/wire/frame.ts";
import { METHODS } from "../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import { Output } from "../../../src/wire/output.ts";
import { type Command, CommandStream, FrameStream } from "./frames.ts";
import { asSent, MAX_SIZE, REFUSALS, type Refusal, type Wording } from "./sentences.ts";

/** How this broker is set up. */
export interface BrokerConfig extends Wording {
  readonly frameMax: number;
  readonly channelMax: number;
  readonly heartbeatSeconds: number;
  /** RabbitMQ closes the connection with 540; other brokers honour the bit. */
  readonly immediate: "refused" | "returned";
  /** Whether the first message to the changing key finds a queue, the second, and so on, over again. */
  readonly routes: readonly boolean[];
}

/** What really became of a publish. */
export interface Fate {
  readonly command: Command;
  /** A queue was offered it, which may have answered with a nack. */
  routed: boolean;
  returned: boolean;
  stored: boolean;
  confirm: "ack" | "nack" | undefined;
}

/** One life of a channel number, from open to close-ok. */
export interface Life {
  readonly number: number;
  state: "open" | "closing" | "gone";
  confirming: boolean;
  /** Publishes that were handled, from confirm.select on: the first has delivery tag 1. */
  readonly handled: Fate[];
}

/** Exchanges that the schedule deletes and declares. */
export const EXCHANGE = "orders";
/** Keys that the schedule binds and unbinds. */
export const CHANGING_KEY = "sometimes";

type Publish = Extract<Method, { name: "basic.publish" }>;

/** The broker of one run. */
export class ModelBroker {
  readonly config: BrokerConfig;
  /** Every life of every channel number, in the order of their opening. */
  readonly lives: Map<number, Life[]> = new Map();
  /** Says octets, whatever they are. */
  readonly say: (octets: Uint8Array) => void;
  readonly #frames: FrameStream;
  readonly #contents: Map<number, CommandStream> = new Map();
  readonly #mailboxes: Map<number, Command[]> = new Map();
  state: "open" | "closing" | "closed" = "open";
  blocked = false;
  exchangeExists = true;
  /** The other way round while it is false. */
  keyIsBound = true;
  #routed = 0;
  #greeted = false;

  constructor(config: BrokerConfig, say: (octets: Uint8Array) => void) {
    this.config = config;
    this.say = say;
    this.#frames = new FrameStream("client", config.frameMax);
  }

  /** Octets from the client; what is for a channel waits in its mailbox. */
  read(octets: Uint8Array): void {
    if (octets.length > 0 && !this.#greeted) {
      this.#greeted = true;
      this.#sayMethod(0, START);
    }
    for (const frame of this.#frames.push(octets)) {
      if (this.state === "closed" || frame.type === "heartbeat") continue;
      const { channel } = frame;
      let content = this.#contents.get(channel);
      if (content === undefined) {
        content = new CommandStream();
        this.#contents.set(channel, content);
        this.#mailboxes.set(channel, []);
      }
      const command = content.push(frame);
      if (command === undefined) continue;
      if (channel === 0) this.#handleOnChannel0(command.method);
      else this.#mailboxes.get(channel)?.push(command);
    }
  }

  /** Channels whose mailbox is not empty. */
  get busy(): number[] {
    return [...this.#mailboxes].filter(([, box]) => box.length > 0).map(([number]) => number);
  }

  /** Channels that are open. */
  get open(): Life[] {
    if (this.state !== "open") return [];
    return [...this.lives.values()]
      .map((lives) => lives.at(-1) as Life)
      .filter(({ state }) => state === "open");
  }

  /** Handles what waits in the mailbox of a channel, up to `most` commands. */
  handle(number: number, most: number): void {
    const mailbox = this.#mailboxes.get(number) ?? [];
    for (let i = 0; i < most && this.state === "open"; i++) {
      const command = mailbox.shift();
      if (command === undefined) return;
      this.#handle(number, command);
    }
  }

  /** Handles everything that was read. */
  handleAll(): void {
    for (const number of this.busy) this.handle(number, Number.POSITIVE_INFINITY);
  }

  /** Tags of a life that were handled and not confirmed. */
  unconfirmed({ handled }: Life): number[] {
    return handled.flatMap(({ confirm }, i) => (confirm === undefined ? [i + 1] : []));
  }

  /** Confirms a tag, or all up to it; tag 0 is all. */
  confirm(life: Life, how: "ack" | "nack", tag: number, multiple: boolean): void {
    const last = tag === 0 ? life.handled.length : tag;
    for (let each = multiple ? 1 : last; each <= last; each++) {
      const fate = life.handled[each - 1] as Fate;
      if (how === "nack" && fate.confirm === undefined) fate.stored = false;
      fate.confirm ??= how;
    }
    const rest = how === "ack" ? {} : { requeue: false };
    this.#sayMethod(life.number, {
      name: `basic.${how}`,
      deliveryTag: tag,
      multiple,
      ...rest,
    } as Method);
  }

  /** Closes a channel for a reason that is no method's fault. */
  closeChannel(life: Life, replyCode: number, replyText: string, cause?: Method["name"]): void {
    life.state = "closing";
    this.#sayClose(life.number, "channel.close", replyCode, Buffer.from(replyText), cause);
  }

  /** Closes the connection. */
  closeConnection(replyCode: number, replyText: string, cause?: Method["name"]): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.#sayClose(0, "connection.close", replyCode, Buffer.from(replyText), cause);
  }

  flow(life: Life, active: boolean): void {
    this.#sayMethod(life.number, { name: "channel.flow", active });
  }

  block(): void {
    if (this.state !== "open" || this.blocked) return;
    this.blocked = true;
    this.#sayMethod(0, { name: "connection.blocked", reason: "low on memory" });
  }

  unblock(): void {
    if (this.state !== "open" || !this.blocked) return;
    this.blocked = false;
    this.#sayMethod(0, { name: "connection.unblocked" });
  }

  heartbeat(): void {
    if (!this.#greeted || this.state === "closed") return;
    this.#write((output) => writeHeartbeatFrame(output.writer));
  }

  #handleOnChannel0(method: Method): void {
    const { frameMax, channelMax, heartbeatSeconds } = this.config;
    switch (method.name) {
      case "connection.start-ok":
        this.#sayMethod(0, {
          name: "connection.tune",
          frameMax,
          channelMax,
          heartbeat: heartbeatSeconds,
        });
        break;
      case "connection.open":
        this.#sayMethod(0, { name: "connection.open-ok" });
        break;
      case "connection.close":
        this.#sayMethod(0, { name: "connection.close-ok" });
        if (this.state === "open") this.state = "closed";
        break;
      case "connection.close-ok":
        if (this.state !== "closing") throw new Error("503: connection.close-ok for nothing");
        this.state = "closed";
        break;
      case "connection.update-secret":
        this.#sayMethod(0, { name: "connection.update-secret-ok" });
        break;
      case "connection.tune-ok":
        break;
      default:
        throw new Error(`503: ${method.name} on channel 0`);
    }
  }

  #handle(number: number, command: Command): void {
    const { method } = command;
    const lives = this.lives.get(number) ?? [];
    const life = lives.at(-1);
    if (method.name === "channel.open") {
      if (life !== undefined && life.state !== "gone") throw new Error("504: the number is in use");
      const opened: Life = { number, state: "open", confirming: false, handled: [] };
      this.lives.set(number, [...lives, opened]);
      this.#sayMethod(number, { name: "channel.open-ok" });
    } else if (life === undefined || life.state === "gone") {
      throw new Error(`504: ${method.name}, expected 'channel.open'`);
    } else if (method.name === "channel.close") {
      this.#sayMethod(number, { name: "channel.close-ok" });
      if (life.state === "open") life.state = "gone";
    } else if (method.name === "channel.close-ok") {
      if (life.state !== "closing") throw new Error("503: channel.close-ok for nothing");
      life.state = "gone";
    } else if (life.state === "open") {
      this.#handleOpen(life, command);
    }
  }

  #handleOpen(life: Life, command: Command): void {
    const { method } = command;
    switch (method.name) {
      case "confirm.select":
        life.confirming = true;
        return this.#sayMethod(life.number, { name: "confirm.select-ok" });
      case "queue.bind":
        if (this.#has(method.exchange)) {
          return this.#sayMethod(life.number, { name: "queue.bind-ok" });
        }
        return this.#refuse(life, "no exchange", { ...NO_MESSAGE, ...method }, method.name);
      case "channel.flow-ok":
        return;
      case "basic.publish":
        return this.#publish(life, command, method);
      default:
        throw new Error(`540: ${method.name}`);
    }
  }

  #publish(life: Life, command: Command, method: Publish): void {
    const fate: Fate = {
      ...{ command, routed: false, returned: false, stored: false, confirm: undefined },
    };
    if (life.confirming) life.handled.push(fate);
    const refusal = this.#refusal(command, method);
    if (refusal !== undefined) {
      const { properties, body } = command;
      return this.#refuse(life, refusal, { ...method, properties, body }, method.name);
    }
    if (method.immediate && this.config.immediate === "refused") {
      return this.closeConnection(540, "NOT_IMPLEMENTED - immediate=true", method.name);
    }
    fate.routed = this.#isRouted(method) && !method.immediate;
    fate.stored = fate.routed;
    if (fate.routed) return;
    fate.returned = method.immediate || method.mandatory;
    if (method.immediate) this.#return(life, command, method, 313, "NO_CONSUMERS");
    else if (method.mandatory) this.#return(life, command, method, 312, "NO_ROUTE");
  }

  #refusal({ properties, body }: Command, { exchange }: Publish): Refusal | undefined {
    if (Buffer.byteLength(body) > MAX_SIZE) return "too large";
    if (exchange === "locked") return "no access";
    if (exchange === "locked topic") return "no topic access";
    if (!this.#has(exchange)) return "no exchange";
    if (exchange === "internal") return "internal exchange";
    const { userId } = properties;
    return userId !== undefined && userId !== this.config.user ? "foreign user" : undefined;
  }

  #has(exchange: string): boolean {
    if (exchange === EXCHANGE) return this.exchangeExists;
    return exchange === "" || exchange === "internal";
  }

  #isRouted({ routingKey }: Publish): boolean {
    if (routingKey === CHANGING_KEY) return this.#route();
    return routingKey === "queue";
  }

  #route(): boolean {
    const { routes } = this.config;
    return routes[this.#routed++ % routes.length] === this.keyIsBound;
  }

  #return(
    { number }: Life,
    { properties, body }: Command,
    { exchange, routingKey }: Publish,
    replyCode: number,
    replyText: string,
  ): void {
    // RabbitMQ takes BCC out, and interceptors add headers of their own.
    const { BCC: _removed, ...headers } = properties.headers ?? {};
    const kept = { ...properties, headers: { ...headers, "x-node": "a" } };
    const method = { replyCode, replyText, exchange, routingKey, name: "basic.return" } as const;
    this.#write((output) => writeContent(output, number, method, kept, body, this.config.frameMax));
  }

  #refuse(
    life: Life,
    refusal: Refusal,
    target: Parameters<(typeof REFUSALS)["no exchange"]["sentence"]>[0],
    cause: Method["name"],
  ): void {
    life.state = "closing";
    const { replyCode, sentence } = REFUSALS[refusal];
    const text = asSent(sentence(target, this.config));
    this.#sayClose(life.number, "channel.close", replyCode, text, cause);
  }

  #sayMethod(number: number, method: Method): void {
    this.#write((output) => writeMethodFrame(output.writer, number, method, this.config.frameMax));
  }

  /** A close whose text may be cut inside of a character, which no string can express. */
  #sayClose(
    number: number,
    name: "channel.close" | "connection.close",
    replyCode: number,
    text: Uint8Array,
    cause: Method["name"] | undefined,
  ): void {
    const { classId, methodId } = cause === undefined ? NO_METHOD : METHODS[cause];
    const replyText = "x".repeat(text.length);
    this.#write((output) => {
      const method = { name, replyCode, replyText, classId, methodId };
      writeMethodFrame(output.writer, number, method, this.config.frameMax);
      output.writer.written.set(text, TEXT_AT);
    });
  }

  #write(write: (output: Output) => void): void {
    write(OUTPUT);
    const pieces = OUTPUT.references === 0 ? [OUTPUT.writer.written] : OUTPUT.take();
    this.say(new Uint8Array(Buffer.concat(pieces)));
    OUTPUT.clear();
  }
}

const OUTPUT = new Output();

const START: Method = {
  name: "connection.start",
  versionMajor: 0,
  versionMinor: 9,
  serverProperties: { product: "model" },
  mechanisms: Buffer.from("PLAIN"),
  locales: Buffer.from("en_US"),
};

const NO_METHOD = { classId: 0, methodId: 0 } as const;
const NO_MESSAGE = { body: "", properties: {} } as const;

/** Where a reply text lies: behind the frame's header, two ids, the reply code and its length. */
const TEXT_AT = 7 + 4 + 2 + 1;
