/**
 * A session of the client in which everything is in order: what the application asks for and what
 * the server answers, on several channels, with publishes in flight and calls that wait. The server
 * is a model so small that it needs no look at what the client writes.
 */
import type { Method, ServerMethod } from "../../../src/wire/generated/methods.ts";
import {
  confirmOf,
  contentFrames,
  DECLARE_OK,
  heartbeatFrame,
  methodFrame,
  noExchange,
  returnOf,
  START,
  serverClose,
  splitFrames,
  TUNE,
} from "../../protocol/support.ts";
import { anyMethodFrame } from "../octets/build.ts";
import type { Random } from "../random.ts";
import type { Octets } from "../steps.ts";

/** A publish of the application. */
export interface Publish {
  readonly do: "publish";
  /** The only one of this number. */
  readonly id: number;
  readonly channel: number;
  /** Past the window. */
  readonly direct: boolean;
  readonly exchange: string;
  readonly mandatory: boolean;
  readonly immediate: boolean;
  readonly size: number;
  /** Its message is like that of all twins, so that nobody can tell them apart. */
  readonly twin: boolean;
  readonly timeoutMs: number | undefined;
}

/** What the application does, or the world beside the server's octets. Channels count from 0. */
export type ClientAction =
  | { readonly do: "take" | "end" }
  | { readonly do: "respond" | "close" | "destroy" | "call" }
  | { readonly do: "wake"; readonly ms: number }
  | { readonly do: "stall"; readonly octets: number }
  | { readonly do: "open channel"; readonly observed: boolean; readonly window: number }
  | { readonly do: "channel call"; readonly channel: number; readonly name: CallName }
  | { readonly do: "release"; readonly id: number }
  | {
      readonly do: "close channel" | "abandon channel" | "withdraw call" | "ready";
      readonly channel: number;
    }
  | Publish;

/** The calls that are made on channels. */
export type CallName = "confirm.select" | "queue.declare" | "queue.bind" | "basic.get";

/** What the body of a publish is: its number is in it, so that it is known again; or not. */
export function bodyOf({ id, size, twin }: Pick<Publish, "id" | "size" | "twin">): string {
  return twin ? TWIN : `#${id}#${"x".repeat(size)}`;
}

/** The body of all twins. */
export const TWIN = "twin";

/** The largest body that the client accepts. */
export const MAX_BODY = 2000;

/** A session of some length; in a calm one nobody does anything that the server does not expect. */
export function clientSession(random: Random, isCalm = false): (Octets | ClientAction)[] {
  const session = new Session(random, isCalm);
  session.handshake();
  const activities = random.between(3, 30);
  for (let i = 0; i < activities; i++) session.goOn();
  session.end();
  return session.steps;
}

interface Channel {
  readonly index: number;
  readonly number: number;
  readonly window: number;
  nextTag: number;
  open: { readonly tag: number; readonly publish: Publish }[];
  waiting: Publish[];
  readonly confirming: boolean;
  paused: boolean;
}

class Session {
  readonly steps: (Octets | ClientAction)[] = [];
  readonly #random: Random;
  readonly #isCalm: boolean;
  #channels: Channel[] = [];
  /** The numbers of channels in the order in which the client takes them. */
  #unused: number[] = [];
  #opened = 0;
  #published = 0;
  #blocked = false;

  constructor(random: Random, isCalm: boolean) {
    this.#random = random;
    this.#isCalm = isCalm;
  }

  handshake(): void {
    const random = this.#random;
    const start = random.percent(50);
    this.#say(start ? methodFrame(0, START) : anyStart(random));
    this.#do({ do: "respond" }, { do: "take" });
    if (random.percent(15)) {
      this.#say(anyMethodFrame(random, "connection.secure", 0));
      this.#do({ do: "respond" }, { do: "take" });
    }
    const frameMax = random.pick([4096, 4096, 131_072, 0]);
    const heartbeat = random.pick([0, 10]);
    const channelMax = random.pick([0, 3, 2047]);
    this.#unused = channelMax === 3 ? [1, 2, 3] : [1, 2, 3, 4, 5];
    this.#tell(0, { ...TUNE, frameMax, heartbeat, channelMax });
    this.#do({ do: "take" });
    this.#tell(0, { name: "connection.open-ok" });
    this.#openChannel();
    if (random.percent(70)) this.#openChannel();
  }

  /** Something happens. */
  goOn(): void {
    const activity = this.#random.weighted<(channel: Channel) => void>([
      [10, (channel) => this.#publish(channel)],
      [9, (channel) => this.#confirm(channel)],
      [6, (channel) => this.#return(channel)],
      [1, (channel) => this.#hurry(channel)],
      [4, (channel) => this.#call(channel)],
      [2, (channel) => this.#flow(channel)],
      [1, () => this.#block()],
      [1, () => this.#openChannel()],
      [1, (channel) => this.#closeChannel(channel)],
      [2, (channel) => this.#refuse(channel)],
      [1, () => this.#say(heartbeatFrame())],
      [2, (channel) => this.#act(channel)],
    ]);
    while (this.#channels.length === 0) this.#openChannel();
    activity(this.#random.pick(this.#channels));
    if (this.#random.percent(85)) this.#do({ do: "take" });
  }

  end(): void {
    const { code, text, cause } = this.#random.pick(CLOSES);
    this.#random.weighted<() => void>([
      [4, () => {}],
      [2, () => this.#tell(0, serverClose("connection.close", code, text, cause))],
      [1, () => this.#do({ do: "end" })],
      [4, () => this.#closeOnBothSides()],
    ])();
  }

  #closeOnBothSides(): void {
    this.#do({ do: "close" }, { do: "take" });
    for (const channel of this.#channels) if (this.#random.percent(50)) this.#confirm(channel);
    const { code, text, cause } = this.#random.pick(CLOSES);
    if (this.#random.percent(20)) {
      this.#tell(0, serverClose("connection.close", code, text, cause));
      this.#do({ do: "take" });
    }
    this.#tell(0, { name: "connection.close-ok" });
  }

  #openChannel(): void {
    const random = this.#random;
    const number = this.#unused.shift();
    if (number === undefined) return;
    const index = this.#opened++;
    const window = random.pick([1, 3, 100, 100]);
    const confirming = random.percent(95);
    const numbers = { index, number, window, nextTag: 1 };
    this.#channels.push({ ...numbers, open: [], waiting: [], confirming, paused: false });
    this.#do({ do: "open channel", observed: random.percent(50), window }, { do: "take" });
    this.#tell(number, { name: "channel.open-ok" });
    if (!confirming) return;
    this.#do({ do: "channel call", channel: index, name: "confirm.select" }, { do: "take" });
    this.#tell(number, { name: "confirm.select-ok" });
  }

  #publish(channel: Channel, count = this.#random.between(1, 4)): void {
    const random = this.#random;
    for (let left = count; left > 0; left--) {
      const publish: Publish = {
        do: "publish",
        id: this.#published++,
        channel: channel.index,
        direct: channel.waiting.length === 0 && random.percent(10),
        exchange: random.pick(["", "", "x"]),
        mandatory: random.percent(50),
        immediate: random.percent(5),
        size: random.weighted([
          [10, random.below(20)],
          [1, 5000],
          [1, 9000],
        ]),
        twin: random.percent(20),
        timeoutMs: random.percent(10) ? random.between(1, 5000) : undefined,
      };
      this.#do(publish);
      if (!channel.confirming) continue;
      if (publish.direct) channel.open.push({ tag: channel.nextTag++, publish });
      else channel.waiting.push(publish);
    }
    this.#pump();
  }

  #confirm(channel: Channel): void {
    const random = this.#random;
    const { open } = channel;
    if (open.length === 0) return;
    const { tag } = random.pick(open);
    const multiple = random.percent(40);
    const all = multiple && random.percent(10);
    channel.open = open.filter(
      (each) => !(all || each.tag === tag || (multiple && each.tag < tag)),
    );
    const name = random.percent(85) ? "ack" : "nack";
    this.#do({ do: "take" });
    this.#tell(channel.number, confirmOf(name, all ? 0 : tag, multiple));
    this.#pump();
  }

  /** A lot is published, and most of it confirmed one by one in no order: some are left far behind. */
  #hurry(channel: Channel): void {
    if (channel.window < 100 || channel.paused || this.#blocked) return;
    for (let times = 0; times < 3; times++) {
      this.#publish(channel, 40);
      this.#do({ do: "take" });
      const answered = channel.open.filter(() => this.#random.percent(90));
      channel.open = channel.open.filter((each) => !answered.includes(each));
      for (const { tag } of answered) this.#tell(channel.number, confirmOf("ack", tag));
    }
  }

  /** A mandatory message comes back; its confirm may follow some other time. */
  #return(channel: Channel): void {
    const returnable = channel.open.filter(({ publish }) => publish.mandatory || publish.immediate);
    if (returnable.length === 0) return;
    const { publish } = this.#random.pick(returnable);
    if (publish.size > MAX_BODY) return;
    this.#do({ do: "take" });
    const { exchange } = publish;
    this.#say(returnOf(channel.number, { exchange, body: bodyOf(publish) }));
  }

  #call({ index, number }: Channel): void {
    const random = this.#random;
    const [name, reply] = random.pick<readonly [CallName, Uint8Array]>([
      ["confirm.select", methodFrame(number, { name: "confirm.select-ok" })],
      ["queue.declare", methodFrame(number, DECLARE_OK)],
      ["queue.bind", methodFrame(number, { name: "queue.bind-ok" })],
      ["basic.get", methodFrame(number, { name: "basic.get-empty" })],
      ["basic.get", anyDelivery(random, number)],
    ]);
    this.#do({ do: "channel call", channel: index, name }, { do: "take" });
    this.#say(reply);
  }

  #act({ index }: Channel): void {
    if (this.#isCalm) this.#do({ do: "ready", channel: index });
    else this.#do(anyAction(this.#random, index, this.#published));
  }

  #flow(channel: Channel): void {
    channel.paused = !channel.paused;
    this.#tell(channel.number, { name: "channel.flow", active: !channel.paused });
    this.#pump();
  }

  #block(): void {
    this.#blocked = !this.#blocked;
    this.#tell(
      0,
      this.#blocked
        ? { name: "connection.blocked", reason: "low on memory" }
        : { name: "connection.unblocked" },
    );
    this.#pump();
  }

  #closeChannel(channel: Channel): void {
    this.#do({ do: "close channel", channel: channel.index }, { do: "take" });
    if (this.#random.percent(30)) this.#confirm(channel);
    this.#tell(channel.number, { name: "channel.close-ok" });
    this.#forget(channel);
  }

  #refuse(channel: Channel): void {
    const random = this.#random;
    const cause = random.pick<Method["name"]>(["basic.publish", "queue.bind"]);
    const { code, text } = random.pick(REFUSALS);
    this.#tell(
      channel.number,
      random.percent(60)
        ? noExchange("x", "/", cause)
        : serverClose("channel.close", code, text, cause),
    );
    this.#forget(channel);
  }

  #forget(channel: Channel): void {
    this.#channels = this.#channels.filter((each) => each !== channel);
    this.#unused.push(channel.number);
  }

  /** What waits is written where there is room for it, and has a tag from then on. */
  #pump(): void {
    if (this.#blocked) return;
    for (const channel of this.#channels) {
      const { open, waiting, window, paused } = channel;
      while (!paused && waiting.length > 0 && open.length < window) {
        open.push({ tag: channel.nextTag++, publish: waiting.shift() as Publish });
      }
    }
  }

  #tell(channel: number, method: ServerMethod): void {
    this.#say(methodFrame(channel, method));
  }

  #say(octets: Uint8Array): void {
    for (const frame of splitFrames(octets)) this.steps.push({ do: "octets", octets: frame });
  }

  #do(...actions: readonly ClientAction[]): void {
    this.steps.push(...actions);
  }
}

/** Something that the application, the socket or the clock may do at any time. */
export function anyAction(random: Random, channel: number, published: number): ClientAction {
  return random.pick<() => ClientAction>([
    () => ({ do: "wake", ms: random.pick([0, 1, 250, 1000, 5000, 20_000]) }),
    () => ({ do: "stall", octets: random.pick([0, 0, 2_000_000]) }),
    () => ({ do: "release", id: random.below(published + 1) }),
    () => ({ do: "ready", channel }),
    () => ({ do: "call" }),
    () => ({ do: "withdraw call", channel }),
    () => ({ do: "channel call", channel, name: "queue.declare" }),
    () => ({ do: random.pick(["close channel", "abandon channel"] as const), channel }),
    () => ({ do: random.pick(["end", "take"] as const) }),
    () => ({ do: random.pick(["close", "destroy", "respond"] as const) }),
  ])();
}

function anyDelivery(random: Random, number: number): Uint8Array {
  const size = random.pick([0, 5, 1999, 2000]);
  const method = { deliveryTag: 1, redelivered: false, exchange: "", routingKey: "q" };
  return contentFrames(
    number,
    { name: "basic.get-ok", ...method, messageCount: 0 },
    "d".repeat(size),
    random.percent(50) ? { headers: { a: [1, { b: "c" }] } } : {},
    random.pick([100, 4096]),
  );
}

const CLOSES: readonly { code: number; text: string; cause?: Method["name"] }[] = [
  { code: 320, text: "CONNECTION_FORCED - bye" },
  { code: 540, text: "NOT_IMPLEMENTED - immediate=true", cause: "basic.publish" },
  { code: 541, text: "INTERNAL_ERROR" },
];

const REFUSALS: readonly { code: number; text: string }[] = [
  { code: 403, text: "ACCESS_REFUSED - access to exchange 'x' in vhost '/' refused for user 'u'" },
  { code: 406, text: "PRECONDITION_FAILED - message size 5005 is larger than configured max" },
  { code: 404, text: `NOT_FOUND - ${"\u20ac".repeat(70)}...` },
  { code: 404, text: "" },
];

/** Any connection.start of a server that speaks this version: 0-9, its first two arguments. */
function anyStart(random: Random): Uint8Array {
  const frame = anyMethodFrame(random, "connection.start", 0);
  frame.set([0, 9], START_ARGUMENTS);
  return frame;
}

/** Where the arguments of a method begin in its frame: behind type, channel, size and ids. */
const START_ARGUMENTS = 11;
