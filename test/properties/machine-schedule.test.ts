import { expect } from "chai";
import fc from "fast-check";
import { AbortError, ProtocolError } from "../../src/errors.ts";
import type { ChannelMachine } from "../../src/protocol/channel.ts";
import { PublishDeadline } from "../../src/protocol/publish-deadline.ts";
import type { PublishWindow } from "../../src/protocol/publish-window.ts";
import type { ClientMethod, Method } from "../../src/wire/generated/methods.ts";
import {
  Conversation,
  call,
  confirmOf,
  contentFrames,
  DECLARE,
  DECLARE_OK,
  describeFrame,
  heartbeatFrame,
  methodFrame,
  noExchange,
  publication,
  readClientFrames,
  type SentFrame,
  serverClose,
  type TestCall,
  type TestPublication,
} from "../protocol/support.ts";
import { concat } from "../wire/octets.ts";

/**
 * A client and a broker that keeps every rule, both driven by a schedule of small steps with any
 * delay between them. The broker's own books tell what the client may say of each publish.
 */
const FRAME_MAX = 4096;

/** What the broker did with one publish. */
interface Fate {
  readonly mandatory: boolean;
  handled: boolean;
  stored: boolean;
  returned: boolean;
  refused: boolean;
  confirm: "ack" | "nack" | undefined;
}

type Publish = Extract<Method, { name: "basic.publish" }>;

/** One life of a channel number, as the broker sees it. */
class BrokerChannel {
  state: "open" | "closing" | "gone" = "open";
  confirming = false;
  /** Publishes from confirm.select on, those that lie unread on the wire included. */
  readonly sent: Fate[] = [];
  handled = 0;
  content: { method: Publish; left: number; body: Uint8Array[] } | undefined;
  /** Bookkeeping of what was sent, which runs ahead of what was handled. */
  sentConfirming = false;

  get unconfirmed(): number[] {
    const handled = this.sent.slice(0, this.handled);
    return handled.flatMap(({ confirm }, i) => (confirm === undefined ? [i + 1] : []));
  }
}

class Broker {
  readonly wire: SentFrame[] = [];
  output: Uint8Array[] = [];
  /** By channel number; each opening of a number adds one. */
  readonly channels: Map<number, BrokerChannel[]> = new Map();
  readonly #sentChannels: Map<number, BrokerChannel[]> = new Map();
  state: "open" | "closing" | "closed" = "open";
  blocked = false;
  #clientClosed = false;

  /** The client wrote this; a broker may read it later. */
  take(octets: Uint8Array): void {
    for (const frame of readClientFrames(octets)) {
      check(frame.size <= FRAME_MAX, "a frame is over frame-max");
      const name = "method" in frame ? frame.method.name : "";
      const mayFollow = name === "connection.close-ok" || "heartbeat" in frame;
      check(!this.#clientClosed || mayFollow, `${describeFrame(frame)} after connection.close`);
      if (name === "connection.close") this.#clientClosed = true;
      this.#countSent(frame);
      this.wire.push(frame);
    }
  }

  say(channel: number, method: Method): void {
    this.output.push(methodFrame(channel, method));
  }

  /** Handles the oldest frame that is unread. */
  serve(): void {
    if (this.blocked || this.state === "closed") return;
    const frame = this.wire.shift();
    if (frame === undefined || "heartbeat" in frame) return;
    if (frame.channel === 0) {
      if ("method" in frame) this.#serveConnection(frame.method);
    } else if (this.state === "open") {
      this.#serveChannel(frame);
    }
  }

  channel(number: number): BrokerChannel | undefined {
    return this.channels.get(number)?.at(-1);
  }

  open(): [number, BrokerChannel][] {
    return [...this.channels.keys()].flatMap((number) => {
      const channel = this.channel(number) as BrokerChannel;
      return channel.state === "open" ? [[number, channel] as [number, BrokerChannel]] : [];
    });
  }

  closeChannel(number: number, method: ReturnType<typeof serverClose<"channel.close">>): void {
    const channel = this.channel(number) as BrokerChannel;
    channel.state = "closing";
    channel.content = undefined;
    this.say(number, method);
  }

  closeConnection(replyCode: number, cause?: Method["name"]): void {
    if (this.state !== "open") return;
    this.state = "closing";
    this.say(0, serverClose("connection.close", replyCode, "it had to be", cause));
  }

  confirm(number: number, how: "ack" | "nack", which: number, multiple: boolean): void {
    const channel = this.channel(number) as BrokerChannel;
    const tags = channel.unconfirmed;
    if (tags.length === 0) return;
    const tag = tags[which % tags.length] as number;
    const settled = multiple ? tags.filter((each) => each <= tag) : [tag];
    for (const each of settled) (channel.sent[each - 1] as Fate).confirm = how;
    // Never tag 0 for "all outstanding": what that means depends on who is asked, and when.
    this.say(number, confirmOf(how, tag, multiple));
  }

  #countSent(frame: SentFrame): void {
    if (!("method" in frame) || frame.channel === 0) return;
    const { name } = frame.method;
    const lives = this.#sentChannels.get(frame.channel) ?? [];
    if (name === "channel.open") {
      this.#sentChannels.set(frame.channel, [...lives, new BrokerChannel()]);
      return;
    }
    const life = lives.at(-1);
    if (life === undefined) return;
    if (name === "confirm.select") life.sentConfirming = true;
    if (frame.method.name !== "basic.publish" || !life.sentConfirming) return;
    const { mandatory } = frame.method;
    const fate = { mandatory, stored: false, returned: false, refused: false, handled: false };
    life.sent.push({ ...fate, confirm: undefined });
  }

  /** What was sent in the nth life of a channel. */
  sent(number: number, life: number): readonly Fate[] {
    return this.#sentChannels.get(number)?.[life]?.sent ?? [];
  }

  #serveConnection(method: ClientMethod): void {
    if (method.name === "connection.close") {
      this.say(0, { name: "connection.close-ok" });
      if (this.state === "open") this.state = "closed";
    } else if (method.name === "connection.close-ok") {
      check(this.state === "closing", "close-ok for nothing");
      this.state = "closed";
    }
  }

  #serveChannel(frame: SentFrame): void {
    const number = frame.channel;
    const channel = this.channel(number);
    const name = "method" in frame ? frame.method.name : undefined;
    if (name === "channel.open") {
      check(channel === undefined || channel.state === "gone", "a number is used again too soon");
      const lives = this.channels.get(number) ?? [];
      const opened = this.#sentChannels.get(number)?.[lives.length] as BrokerChannel;
      this.channels.set(number, [...lives, opened]);
      this.say(number, { name: "channel.open-ok" });
      return;
    }
    check(channel !== undefined && channel.state !== "gone", `504: ${describeFrame(frame)}`);
    if (channel === undefined) return;
    if (name === "channel.close") {
      check(channel.content === undefined, "a method inside of content");
      this.say(number, { name: "channel.close-ok" });
      if (channel.state === "open") channel.state = "gone";
    } else if (name === "channel.close-ok") {
      check(channel.state === "closing", "close-ok for nothing");
      channel.state = "gone";
    } else if (channel.state === "open") {
      if ("method" in frame) this.#serveMethod(number, channel, frame.method);
      else this.#serveContent(number, channel, frame);
    }
  }

  #serveMethod(number: number, channel: BrokerChannel, method: ClientMethod): void {
    check(channel.content === undefined, "a method inside of content");
    if (method.name === "basic.publish") channel.content = { method, left: -1, body: [] };
    else if (method.name === "confirm.select") {
      channel.confirming = true;
      this.say(number, { name: "confirm.select-ok" });
    } else if (method.name === "queue.declare") {
      if (method.queue === "q") this.say(number, DECLARE_OK);
      else this.closeChannel(number, noExchange("missing", "/", "queue.declare"));
    } else check(method.name === "channel.flow-ok", `what is ${method.name} for?`);
  }

  #serveContent(number: number, channel: BrokerChannel, frame: SentFrame): void {
    const { content } = channel;
    check(content !== undefined, "content without a method");
    if (content === undefined) return;
    if ("bodySize" in frame) {
      check(content.left === -1, "a second header");
      content.left = frame.bodySize;
    } else if ("body" in frame) {
      check(content.left >= frame.body.length, "a body is too long");
      content.left -= frame.body.length;
      content.body.push(frame.body);
    }
    if (content.left > 0) return;
    channel.content = undefined;
    this.#servePublish(number, channel, content.method, concat(...content.body));
  }

  #servePublish(number: number, channel: BrokerChannel, method: Publish, body: Uint8Array): void {
    const fate: Fate | undefined = channel.confirming ? channel.sent[channel.handled++] : undefined;
    if (fate !== undefined) fate.handled = true;
    if (method.immediate) {
      if (fate !== undefined) fate.refused = true;
      this.closeConnection(540, "basic.publish");
    } else if (method.exchange.startsWith("missing")) {
      if (fate !== undefined) fate.refused = true;
      this.closeChannel(number, noExchange(method.exchange));
    } else if (method.exchange !== "nowhere") {
      if (fate !== undefined) fate.stored = true;
    } else if (method.mandatory) {
      if (fate !== undefined) fate.returned = true;
      const { exchange, routingKey } = method;
      const reason = { replyCode: 312, replyText: "NO_ROUTE", exchange, routingKey };
      this.output.push(
        contentFrames(number, { name: "basic.return", ...reason }, body, {}, FRAME_MAX),
      );
    }
  }
}

/** A channel, as the application sees it. */
interface AppChannel {
  readonly machine: ChannelMachine;
  readonly window: PublishWindow;
  /** Which life of its number it is. */
  readonly life: number;
  readonly published: TestPublication[];
  abandoned: boolean;
  closing: boolean;
}

class Application {
  readonly talk: Conversation;
  readonly broker = new Broker();
  readonly channels: AppChannel[] = [];
  readonly calls: TestCall[] = [];
  readonly released: Set<TestPublication> = new Set();
  #saidLastWord = false;

  constructor(channelMax: number) {
    const proposal = { frameMax: FRAME_MAX, channelMax, heartbeatSeconds: 10 };
    this.talk = new Conversation({ proposal, maxBodyBytes: 100_000 }).open();
  }

  get machine() {
    return this.talk.machine;
  }

  asked(method: ClientMethod): TestCall {
    const asked = call(method);
    this.calls.push(asked);
    return asked;
  }

  openChannel(a: number): void {
    if (this.machine.state !== "open") return;
    const lives = (number: number) =>
      this.channels.filter(({ machine }) => machine.number === number).length;
    let machine: ChannelMachine;
    try {
      machine = this.machine.openChannel(this.asked({ name: "channel.open" }));
    } catch {
      this.calls.pop();
      return;
    }
    const limits = { maxUnconfirmed: 1 + (a % 6), maxQueued: 5, maxQueuedBytes: 20_000 };
    const window = this.machine.scheduler.openWindow(machine, limits);
    const life = lives(machine.number);
    this.channels.push({
      machine,
      window,
      life,
      published: [],
      abandoned: false,
      closing: false,
    });
  }

  publish(channel: AppChannel, a: number, b: number): void {
    const { machine, window } = channel;
    const one = publication({
      exchange: EXCHANGES[a % EXCHANGES.length] as string,
      mandatory: b % 2 === 0,
      immediate: b % 41 === 7,
      body: b % 13 === 5 ? new Uint8Array(9000) : "xyz".slice(0, b % 4),
    });
    if (!machine.confirming) return;
    if (a % 3 > 0) window.submit(one);
    else if (machine.canPublish && this.machine.state === "open") machine.publish(one);
    else return;
    channel.published.push(one);
    if (b % 5 === 0 && !one.told) {
      const timeoutMs = 100 + (b % 2000);
      const deadline = new PublishDeadline(one, window, timeoutMs);
      this.machine.deadlines.add(deadline, timeoutMs, this.talk.now);
      this.released.add(one);
    }
  }

  take(socketBytes: number): void {
    if (!this.machine.hasOutput) return;
    check(!this.#saidLastWord, "something was written after the last word");
    const closed = this.machine.state === "closed";
    const octets = concat(...this.machine.takeOutput(this.talk.now));
    if (closed) {
      this.#saidLastWord = true;
      const [word, ...rest] = readClientFrames(octets).map(describeFrame);
      expect([word, rest]).to.deep.equal(["0 connection.close-ok", []]);
    }
    this.broker.take(octets);
    this.machine.flushed(socketBytes);
  }

  deliver(length: number): void {
    const octets = concat(...this.broker.output);
    this.talk.receive(octets.subarray(0, length));
    this.broker.output = [octets.slice(length)];
  }

  pass(ms: number): void {
    this.talk.now += ms;
    const at = this.machine.nextTimeout();
    if (at !== undefined && at <= this.talk.now) this.machine.wake(this.talk.now);
  }
}

/** Where publishes go: to a queue, to nobody, and seldom to what is missing, which ends a channel. */
const EXCHANGES = [
  ...Array<string>(26).fill(""),
  ...Array<string>(12).fill("nowhere"),
  ...["missing", "missing too"],
];

function check(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

type Step = (app: Application, a: number, b: number) => void;

/** A step on one of the channels. */
function onChannel(
  act: (app: Application, channel: AppChannel, a: number, b: number) => void,
): Step {
  return (app, a, b) => {
    // Mostly one of the last three, which are the likeliest to be alive.
    const channel = app.channels[Math.max(0, app.channels.length - 3) + (a % 3)];
    if (channel !== undefined) act(app, channel, Math.floor(a / 3), b);
  };
}

/** A step on one of the channels that the broker has open. */
function onOpen(act: (broker: Broker, number: number, a: number, b: number) => void): Step {
  return ({ broker }, a, b) => {
    const open = broker.open();
    const picked = open[a % (open.length + 1)];
    if (broker.state === "open" && picked !== undefined) act(broker, picked[0], a, b);
  };
}

const STEPS: { readonly [name: string]: readonly [weight: number, step: Step] } = {
  openChannel: [4, (app, a) => app.openChannel(a)],
  select: [
    6,
    onChannel((app, { machine }) => {
      if (machine.state !== "open" || machine.confirming) return;
      machine.call(app.asked({ name: "confirm.select", nowait: false }));
    }),
  ],
  publish: [30, onChannel((app, channel, a, b) => app.publish(channel, a, b))],
  declare: [
    2,
    onChannel((app, { machine }, a) =>
      machine.call(app.asked({ ...DECLARE, queue: a % 4 === 0 ? "bad" : "q" } as typeof DECLARE)),
    ),
  ],
  release: [
    3,
    onChannel((app, { published, window }, a) => {
      const one = published[a % (published.length + 1)];
      if (one === undefined) return;
      window.release(one, new AbortError("enough"));
      app.released.add(one);
    }),
  ],
  ready: [
    1,
    onChannel((app, { window }) => {
      const asked = app.asked(DECLARE);
      const method = DECLARE_OK;
      window.whenRoom({ ...asked, resolve: () => asked.resolve({ method, content: undefined }) });
    }),
  ],
  closeChannel: [
    1,
    onChannel((app, channel) => {
      channel.machine.close(app.asked({ name: "channel.open" }));
      channel.closing = true;
    }),
  ],
  abandon: [
    1,
    onChannel((_app, channel) => {
      channel.machine.abandon(new AbortError("enough"));
      channel.abandoned = true;
    }),
  ],
  pass: [3, (app, a) => app.pass(a % 3000)],
  take: [16, (app, a) => app.take(a % 2 === 0 ? 0 : a % 2_000_000)],
  flushed: [3, (app) => app.machine.flushed(0)],
  deliver: [16, (app, a) => app.deliver(a % 400)],
  deliverAll: [6, (app) => app.deliver(1e9)],
  serve: [
    20,
    ({ broker }, a) => {
      for (let i = 0; i <= a % 12; i++) broker.serve();
    },
  ],
  confirm: [
    14,
    onOpen((broker, number, a, b) =>
      broker.confirm(number, b % 5 === 0 ? "nack" : "ack", a, b % 2 === 0),
    ),
  ],
  flow: [
    1,
    onOpen((broker, n, _a, b) => broker.say(n, { name: "channel.flow", active: b % 2 === 0 })),
  ],
  brokerClosesChannel: [
    1,
    onOpen((broker, number) =>
      broker.closeChannel(number, serverClose("channel.close", 406, "timed out")),
    ),
  ],
  block: [
    1,
    ({ broker }) => {
      if (broker.state !== "open" || broker.blocked) return;
      broker.blocked = true;
      broker.say(0, { name: "connection.blocked", reason: "low" });
    },
  ],
  unblock: [
    2,
    ({ broker }) => {
      if (broker.state !== "open" || !broker.blocked) return;
      broker.blocked = false;
      broker.say(0, { name: "connection.unblocked" });
    },
  ],
  heartbeat: [
    4,
    ({ broker }) => {
      if (broker.state === "open") broker.output.push(heartbeatFrame());
    },
  ],
};

/** How a run ends; after each, the stream ends. */
const LAST_STEPS: { readonly [name: string]: Step } = {
  cut: () => {},
  close: ({ machine }) => machine.close(),
  brokerCloses: ({ broker }) => broker.closeConnection(320),
  bothClose: ({ machine, broker }) => {
    machine.close();
    broker.closeConnection(320);
  },
  destroy: ({ machine }) => machine.destroy(),
};

interface Run {
  readonly steps: readonly (readonly [name: string, a: number, b: number])[];
  readonly last: string;
  readonly channelMax: number;
}

function run(): fc.Arbitrary<Run> {
  const weighted = Object.entries(STEPS).map(([name, [weight]]) => ({
    weight,
    arbitrary: fc.constant(name),
  }));
  const step = fc.tuple(fc.oneof(...weighted), fc.nat(), fc.nat());
  return fc.record({
    steps: fc.array(step, { minLength: 40, maxLength: 200, size: "max" }),
    last: fc.constantFrom(...Object.keys(LAST_STEPS)),
    channelMax: fc.constantFrom(1, 2, 5),
  });
}

/** What the client said of a publish, against what the broker knows of it. */
function judge(app: Application, channel: AppChannel, one: TestPublication): string {
  check(one.tellings.length === 1, `it was told ${one.tellings.length} times`);
  const sent = app.broker.sent(channel.machine.number, channel.life);
  const fate = one.deliveryTag === 0 ? undefined : sent[one.deliveryTag - 1];
  const { ending } = one;
  switch (ending) {
    case "confirmed":
      check(fate?.confirm === "ack" && !fate.returned, "the broker has not confirmed it");
      break;
    case "nacked":
      check(fate?.confirm === "nack", "the broker has not nacked it");
      break;
    case "returned":
      check(fate?.returned === true, "the broker has not returned it");
      break;
    case "refused":
      check(fate?.refused === true, "the broker has not refused it");
      break;
    case "unprocessed":
      check(fate?.handled !== true, "the broker has handled it");
      break;
    case "unsent":
      check(fate === undefined, "it was sent");
      break;
    case "unknown": {
      const gaveUp = app.released.has(one) || channel.abandoned;
      check(fate !== undefined || gaveUp, "it was not sent");
      break;
    }
    default:
      throw new Error(`${ending} is no ending`);
  }
  return ending;
}

/** Runs a schedule and gives how each publish ended. */
function play({ steps, last, channelMax }: Run): string[] {
  const app = new Application(channelMax);
  // Two channels are open already, one of them in confirm mode.
  for (const name of ["openChannel", "openChannel", "exchange", "select", "exchange"]) {
    if (name !== "exchange") STEPS[name]?.[1](app, 3, 0);
    else for (const each of ["take", "serve", "deliverAll"]) STEPS[each]?.[1](app, 11, 0);
  }
  for (const [name, a, b] of [...steps, [last, 0, 0] as const]) {
    const step = STEPS[name]?.[1] ?? LAST_STEPS[name];
    step?.(app, a, b);
    check(!(app.talk.closed instanceof ProtocolError), `${app.talk.closed}`);
    for (const { machine } of app.channels) {
      check(!(machine.closeError instanceof ProtocolError), `${machine.closeError}`);
    }
  }
  app.broker.blocked = false;
  for (let round = 0; round < 3; round++) {
    app.take(0);
    while (app.broker.wire.length > 0 && app.broker.state !== "closed") app.broker.serve();
    if (last !== "cut") app.deliver(1e9);
  }
  check(!(app.talk.closed instanceof ProtocolError), `${app.talk.closed}`);
  app.talk.end();
  app.take(0);
  if (last === "close") expect(app.machine.state).to.equal("closed");

  const closings = app.talk.events.filter(({ type }) => type === "closed");
  expect(closings, "closed events").to.have.length(1);
  check(app.talk.events.at(-1)?.type === "closed", "closed is not the last event");
  for (const asked of app.calls) {
    check(asked.replies.length + asked.errors.length === 1, `${asked.ending} of a call`);
  }
  expect(app.machine.nextTimeout()).to.equal(undefined);
  expect(app.machine.hasOutput).to.equal(false);
  return app.channels.flatMap((channel) => {
    const { machine, window, published } = channel;
    expect([machine.state, machine.ledger.open, window.queued]).to.deep.equal(["closed", 0, 0]);
    expect(app.talk.channelEvents(machine).map(({ type }) => type)).to.deep.equal(["closed"]);
    return published.map((one) => judge(app, channel, one));
  });
}

describe("properties of the machines, under any schedule", () => {
  it("say of each publish, once, nothing that the broker's books contradict", () => {
    const endings = new Map<string, number>();
    fc.assert(
      fc.property(run(), (each) => {
        for (const ending of play(each)) endings.set(ending, (endings.get(ending) ?? 0) + 1);
      }),
      { numRuns: 400 },
    );
    // A schedule that never gets anywhere would prove nothing.
    expect([...endings.keys()]).to.include.members([
      ...["confirmed", "nacked", "returned", "refused", "unprocessed", "unsent", "unknown"],
    ]);
  }).timeout(20_000);
});
