/**
 * A connection that lives long, with a server that does everything that is allowed and little that
 * makes sense: it confirms what is confirmed, returns what nobody sent, pauses and goes on, opens
 * and closes. Whatever is kept of that is kept for ever.
 */
import type { ChannelMachine } from "../../../src/protocol/channel.ts";
import { PublishDeadline } from "../../../src/protocol/publish-deadline.ts";
import type { PublishWindow } from "../../../src/protocol/publish-window.ts";
import {
  Conversation,
  call,
  confirmOf,
  contentFrames,
  DECLARE,
  DECLARE_OK,
  heartbeatFrame,
  LIMITS,
  methodFrame,
  noExchange,
  publication,
  returnOf,
} from "../../protocol/support.ts";
import { check } from "../fault.ts";
import { anyHeader, frameOf } from "../octets/build.ts";
import type { Random } from "../random.ts";

/** One connection, flooded. */
export class Flood {
  readonly #talk = new Conversation().open({ heartbeat: 0 });
  readonly #random: Random;
  #channel: ChannelMachine;
  #window: PublishWindow;
  #published = 0;

  constructor(random: Random) {
    this.#random = random;
    [this.#window, this.#channel] = this.#talk.window();
    this.#channel.observed = true;
  }

  /** So many more things happen. */
  go(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#random.pick(HAPPENINGS)(this);
      const { machine, events } = this.#talk;
      this.#talk.takeOctets();
      events.length = 0;
      check(machine.state === "open", "the connection ends", () => `${this.#talk.closed}`);
      check(machine.pendingBytes === 0, "output is kept", () => `${machine.pendingBytes} octets`);
    }
  }

  publish(): void {
    for (let count = this.#random.between(1, 5); count > 0; count--) {
      const one = publication({
        body: "x".repeat(this.#random.below(100)),
        mandatory: this.#random.percent(50),
      });
      this.#window.submit(one);
      this.#published++;
      const deadline = new PublishDeadline(one, this.#window, 100_000);
      this.#talk.machine.deadlines.add(deadline, 100_000, this.#talk.now);
    }
    this.#talk.takeOctets();
  }

  /** Any tag that there was, confirmed or not; mostly everything at once. */
  confirm(): void {
    const last = Math.min(this.#published, this.#channel.ledger.nextTag - 1);
    if (last === 0) return;
    const name = this.#random.pick(["ack", "nack"] as const);
    if (this.#random.percent(70)) this.#say(confirmOf(name, last, true));
    else this.#say(confirmOf(name, this.#random.between(1, last)));
  }

  return(): void {
    const body = "x".repeat(this.#random.below(100));
    const exchange = this.#random.pick(["", "nobody"]);
    this.#talk.receive(returnOf(this.#channel.number, { exchange, body }));
  }

  call(): void {
    this.#channel.call(call(DECLARE));
    this.#talk.takeOctets();
    this.#say(DECLARE_OK);
  }

  get(): void {
    this.#channel.call(call({ name: "basic.get", queue: "q", noAck: true }));
    this.#talk.takeOctets();
    const { number } = this.#channel;
    const method = { deliveryTag: 1, redelivered: false, exchange: "", routingKey: "q" };
    const delivery = { name: "basic.get-ok" as const, ...method, messageCount: 0 };
    this.#talk.receive(methodFrame(number, delivery));
    this.#talk.receive(frameOf(2, number, anyHeader(this.#random, 3)));
    for (let i = 0; i < 3; i++) this.#talk.receive(frameOf(3, number, Uint8Array.of(i)));
  }

  flow(): void {
    for (const active of [false, this.#random.percent(50), true]) {
      this.#say({ name: "channel.flow", active });
    }
  }

  block(): void {
    this.#talk.say(0, { name: "connection.blocked", reason: "x".repeat(200) });
    if (this.#random.percent(50)) this.publish();
    this.#talk.say(0, { name: "connection.blocked", reason: "y" });
    this.#talk.say(0, { name: "connection.unblocked" }, { name: "connection.unblocked" });
  }

  /** A frame in single octets. */
  drip(): void {
    const frame = contentFrames(
      this.#channel.number,
      { name: "basic.return", replyCode: 312, replyText: "", exchange: "", routingKey: "" },
      "in single octets",
    );
    for (const octet of frame) this.#talk.receive(Uint8Array.of(octet));
  }

  heartbeat(): void {
    this.#talk.receive(heartbeatFrame());
    this.#talk.pass(this.#random.below(100));
  }

  /** A channel more, which ends this way or that. */
  open(): void {
    const [window, channel] = this.#talk.window({ maxUnconfirmed: 1 });
    for (let i = 0; i < 3; i++) window.submit(publication({ exchange: "x" }));
    this.#talk.takeOctets();
    if (this.#random.percent(50)) {
      channel.close(call({ name: "channel.open" }));
      this.#talk.takeOctets();
      this.#talk.say(channel.number, { name: "channel.close-ok" });
    } else {
      this.#talk.say(channel.number, noExchange("x"));
    }
  }

  /** The channel with all its history goes, and another one comes. */
  replace(): void {
    this.#talk.say(this.#channel.number, noExchange("x"));
    this.#talk.takeOctets();
    [this.#window, this.#channel] = this.#talk.window(LIMITS);
    this.#channel.observed = true;
    this.#published = 0;
  }

  #say(method: Parameters<typeof methodFrame>[1]): void {
    this.#talk.say(this.#channel.number, method);
  }
}

const HAPPENINGS: readonly ((flood: Flood) => void)[] = [
  ...[1, 2, 3, 4].map(() => (flood: Flood) => flood.publish()),
  ...[1, 2, 3, 4].map(() => (flood: Flood) => flood.confirm()),
  (flood) => flood.return(),
  (flood) => flood.call(),
  (flood) => flood.get(),
  (flood) => flood.flow(),
  (flood) => flood.block(),
  (flood) => flood.drip(),
  (flood) => flood.heartbeat(),
  (flood) => flood.open(),
  (flood) => flood.replace(),
];
