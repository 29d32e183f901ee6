/**
 * Plays the octets of clients to the embedded broker and looks at what it answers. It may refuse
 * what it gets, with a close or by hanging up, but nothing may come out of its handlers, and no
 * answer may be malformed.
 */

import type { SessionRealm } from "../../../src/testing/broker/session/realm.ts";
import { Session } from "../../../src/testing/broker/session/session.ts";
import { VirtualHost } from "../../../src/testing/broker/virtual-host.ts";
import { REPLY_CODES } from "../../../src/wire/generated/constants.ts";
import { allocatedOctets, countAllocations } from "../allocations.ts";
import { check, Fault } from "../fault.ts";
import { Envelope } from "../octets/envelope.ts";
import { layoutOf, methodIn } from "../octets/layout.ts";
import { Written } from "../octets/written.ts";
import { isOctets, Pieces, type Steps } from "../steps.ts";
import { type BrokerAction, CLIENTS, FRAME_MAX, MAX_MESSAGE } from "./session.ts";
import { FakeSocket } from "./socket.ts";

/** What a test may put in front of the data handler, to break it. */
export type Tamper = (deliver: () => void, octets: Uint8Array) => void;

/** Plays the steps; raises a fault, or tells how things ended. */
export function play(
  steps: Steps<BrokerAction>,
  tamper: Tamper = (deliver) => deliver(),
): Set<string> {
  const marks = new Set<string>();
  const realm = makeRealm();
  const clients = Array.from({ length: CLIENTS }, () => new Client(realm, marks, tamper));
  try {
    countAllocations(() => {
      for (const step of steps) {
        const client = clients[step.who ?? 0];
        if (isOctets(step)) client?.write(step);
        else client?.act(step);
      }
      for (const client of clients) client.finish();
    });
  } finally {
    // Sessions have timers until their sockets are closed.
    for (const client of clients) client.socket.hangUp();
    // And so have queues.
    for (const vhost of realm.vhosts.values()) vhost.clear();
  }
  return marks;
}

function makeRealm(): SessionRealm {
  return {
    mechanisms: ["PLAIN", "AMQPLAIN", "RABBIT-CR-DEMO"],
    users: new Map([["guest", "guest"]]),
    vhosts: new Map([["/", new VirtualHost("/")]]),
    frameMax: FRAME_MAX,
    channelMax: 5,
    heartbeatSeconds: 60,
    maxMessageSize: MAX_MESSAGE,
    observer: { changed() {}, opened() {}, closed() {}, refused() {}, channelClosed() {} },
    goingDown: false,
  };
}

class Client {
  readonly socket: FakeSocket;
  readonly #session: Session;
  readonly #pieces = new Pieces();
  readonly #marks: Set<string>;
  readonly #tamper: Tamper;
  readonly #written: Written;
  readonly #heard = new Envelope();
  #header = 8;
  #isGreeting = true;
  #isOver = false;
  /** The limit of frames before the last octets, which may have changed it. */
  #limitBefore = INITIAL_FRAME_MAX;
  #malformed: string | undefined;

  constructor(realm: SessionRealm, marks: Set<string>, tamper: Tamper) {
    this.#marks = marks;
    this.#tamper = tamper;
    this.#written = new Written("server", {
      limit: INITIAL_FRAME_MAX,
      header: 0,
      onMethod: (channel, name) => this.#onMethod(channel, name),
      onContent: ({ method }) => marks.add(method),
    });
    this.socket = new FakeSocket((octets) => this.#onWrite(octets));
    this.#session = new Session(this.socket.asSocket, realm);
  }

  write(step: Parameters<Pieces["cut"]>[0]): void {
    for (const piece of this.#pieces.cut(step)) this.#arrive(piece);
  }

  act(step: BrokerAction): void {
    switch (step.do) {
      case "stall":
        this.socket.stalled = true;
        return;
      case "drain":
        return this.socket.drain();
      case "hang up":
        return this.socket.hangUp();
      case "shut down":
        return this.#session.shutDown();
    }
  }

  /** What is left arrives, and the client reads all that is there. */
  finish(): void {
    for (const piece of this.#pieces.flush()) this.#arrive(piece);
    this.socket.drain();
    if (this.#written.octets === 0) this.#marks.add("silent");
    if (this.socket.destroyed) this.#marks.add("dropped");
    else if (!this.socket.writable) this.#marks.add("ended");
    else this.#marks.add("still open");
  }

  #arrive(piece: Uint8Array): void {
    const before = allocatedOctets();
    const written = this.#written.octets;
    this.#tamper(() => this.socket.arrive(Buffer.from(piece)), piece);
    this.#checkMemory(allocatedOctets() - before, piece, this.#written.octets - written);
    const broken = this.#hear(piece);
    const { destroyed, writable, takesInput } = this.socket;
    const isClosed = destroyed || !writable || this.#written.close !== undefined;
    check(broken === undefined || isClosed || !takesInput, "a broken rule is let pass", () => {
      return broken as string;
    });
  }

  /** Lengths must not be believed before the octets come, but for that of a message. */
  #checkMemory(allocated: number, { length }: Uint8Array, written: number): void {
    const allowed = MEMORY + MEMORY_PER_OCTET * length + 4 * written;
    check(allocated <= allowed, "memory", () => {
      return `${allocated} octets were allocated when ${length} came and ${written} were answered`;
    });
  }

  /** What is wrong with what the client says, as far as frames and the fields of methods go. */
  #hear(piece: Uint8Array): string | undefined {
    const skipped = Math.min(this.#header, piece.length);
    this.#header -= skipped;
    const limit = Math.max(this.#limitBefore, this.#written.limit) + FUDGE;
    this.#limitBefore = this.#written.limit;
    for (const frame of this.#heard.push(piece.subarray(skipped), limit)) {
      const { fault } = layoutOf(frame, "client");
      if (frame[0] === 1 && fault !== undefined) this.#malformed ??= `${fault}: ${methodIn(frame)}`;
    }
    return this.#heard.broken ?? this.#malformed;
  }

  #onWrite(octets: Uint8Array): void {
    const { waiting, stalled } = this.socket;
    check(
      !stalled || waiting <= MOST_WAITING,
      "the broker goes on for a client that reads nothing",
    );
    if (this.#isGreeting && octets[0] === 65) {
      check(octets.length === 8, "the broker greets with more than the protocol header");
      this.#marks.add("greeted with the version");
    } else {
      this.#written.push(octets);
    }
    this.#isGreeting = false;
  }

  #onMethod(channel: number, name: string): void {
    // A client that closes twice is answered twice.
    const isLast = name === "connection.close-ok";
    check(!this.#isOver || isLast, "the broker goes on after its close-ok", () => name);
    if (name === "connection.open-ok") this.#written.limit = FRAME_MAX;
    if (isLast) this.#isOver = true;
    if (name === "connection.close") this.#onClose();
    if (name === "channel.close") this.#marks.add("channel closed");
    if (name === "basic.ack") this.#marks.add("confirmed");
    check(
      channel > 0 || name.startsWith("connection."),
      "the broker mistakes channel 0",
      () => name,
    );
  }

  #onClose(): void {
    const { replyCode = 0, replyText = "" } = this.#written.close ?? {};
    if (replyCode === 541) throw new Fault("the broker made a mistake (541)", replyText);
    check(
      REPLY_CODES.get(replyCode)?.kind === "hard" || SOFT.has(replyCode),
      "no reply code",
      () => {
        return `${replyCode} ${replyText}`;
      },
    );
    check(this.#written.count(0, "connection.close") === 1, "the broker closes twice");
    this.#marks.add(String(replyCode));
  }
}

/** A login that was refused, for one, closes the connection with a code that is soft elsewhere. */
const SOFT: ReadonlySet<number> = new Set([403, 406]);

/** The largest frame that either side may send before tuning. */
const INITIAL_FRAME_MAX = 8192;

/** The broker lets frames pass that are larger by the octets around the payload. */
const FUDGE = 8;

/** What may wait for a client that reads nothing: some output, and one more message. */
const MOST_WAITING = 1_048_576 + 2 * MAX_MESSAGE;

/** What may be allocated when octets come: 40 of them can declare a message of MAX_MESSAGE. */
const MEMORY = 65_536;
const MEMORY_PER_OCTET = MAX_MESSAGE / 40;
