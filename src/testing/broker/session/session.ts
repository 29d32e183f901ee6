/**
 * One connection: octets in, frames to whom they concern, octets out.
 *
 *     greeting --protocol header--> handshake --connection.open--> running
 *                                                                    |
 *                                                 a hard error: connection.close
 *                                                                    v
 *     ended <-------------------------close-ok-------------------- closing
 *
 * A wrong protocol header, a failed handshake and the client's own connection.close lead to "ended"
 * at once: what is left is written, what still comes is thrown away.
 *
 * Everything is answered within the turn of the event loop in which it was read, and written to the
 * socket at its end (output.ts). What other connections cause here, deliveries above all,
 * is written when they are done.
 */
import type { Duplex } from "node:stream";
import { FrameDecoder, type RawFrame } from "../../../wire/frame-decoder.ts";
import { FRAME_TYPE } from "../../../wire/generated/constants.ts";
import type {
  BasicDeliver,
  ClientMethod,
  ContentMethod,
  ServerMethod,
} from "../../../wire/generated/methods.ts";
import type { Channel, ChannelHost } from "../channel.ts";
import type { PublishingOutlet } from "../channel-publishing.ts";
import { type FaultPoints, NO_FAULTS } from "../faults/points.ts";
import type { StoredMessage } from "../message.ts";
import { Refusal, refusal, refusalOf } from "../refusal.ts";
import type { VirtualHost } from "../virtual-host.ts";
import { type Blame, blameOf, NO_METHOD } from "./blame.ts";
import { SessionChannels } from "./channels.ts";
import { FaultySession, type SessionParts } from "./faulty-session.ts";
import { Flushing } from "./flushing.ts";
import { checkHeartbeat, readMethod } from "./frames.ts";
import { Greeting } from "./greeting.ts";
import { type Admission, Handshake } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import { InputGate } from "./input-gate.ts";
import {
  CLOSING_TIMEOUT_MS,
  DEFAULT_FRAME_MAX,
  FRAME_CAP,
  FRAME_MAX_FUDGE,
  HANDSHAKE_TIMEOUT_MS,
  INITIAL_FRAME_MAX,
  OUTPUT_LIMIT,
} from "./limits.ts";
import type { SessionEnding } from "./observer.ts";
import { SessionOutput } from "./output.ts";
import type { SessionRealm } from "./realm.ts";
import { peerOf, prepareStream, streamName } from "./stream.ts";

type State = "greeting" | "handshake" | "running" | "closing" | "ended";

/** One connection to the broker. */
export class Session implements ChannelHost {
  readonly maxMessageSize: number;
  /** As RabbitMQ names connections: the client's address and port, then ours. */
  readonly name: string;
  readonly faults: Readonly<FaultPoints>;
  readonly faulty: FaultySession;
  readonly #realm: SessionRealm;
  readonly #socket: Duplex;
  readonly #decoder = new FrameDecoder(INITIAL_FRAME_MAX);
  readonly #output: SessionOutput;
  readonly #gate: InputGate;
  readonly #flushing: Flushing;
  readonly #handshake: Handshake;
  readonly #channels = new SessionChannels(this);
  readonly #greeting = new Greeting();
  #state: State = "greeting";
  /** How it ends, once that is said. */
  #ending: SessionEnding | undefined;
  #admission: Admission | undefined;
  #heartbeat: Heartbeat | undefined;
  #deadline: NodeJS.Timeout;

  /** `id` counts connections from 1. */
  constructor(socket: Duplex, realm: SessionRealm, id = 0) {
    this.maxMessageSize = realm.maxMessageSize;
    this.name = streamName(socket);
    this.#realm = realm;
    this.faults = realm.faults ?? NO_FAULTS;
    this.#socket = socket;
    this.#output = new SessionOutput(socket, INITIAL_FRAME_MAX);
    this.#gate = new InputGate(socket, () => this.#work());
    this.#flushing = new Flushing(this.#output, this.#gate, {
      sent: () => this.#heartbeat?.sent(),
      deliver: () => this.#channels.resume(),
      flushed: () => realm.observer.changed(),
    });
    this.#handshake = new Handshake(realm, peerOf(socket));
    this.faulty = new FaultySession(id, this.#parts());
    this.#deadline = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT_MS);
    prepareStream(socket);
    socket.on("data", (piece) => this.#receive(piece));
    socket.on("drain", () => this.#flushing.resume());
    socket.on("error", () => {}); // "close" follows, and that is all there is to know
    socket.on("close", () => this.#closed());
  }

  /** Whether it is past the login and nobody has closed it. */
  get open(): boolean {
    return this.#state === "running";
  }

  /** Who came in; undefined before. */
  get admission(): Admission | undefined {
    return this.#admission;
  }

  /** Its channels, by number. */
  get channels(): ReadonlyMap<number, Channel> {
    return this.#channels.all;
  }

  get vhost(): VirtualHost {
    return this.#admitted().vhost;
  }

  get user(): string {
    return this.#admitted().user;
  }

  get cancelNotify(): boolean {
    return this.#admitted().cancelNotify;
  }

  get takesDeliveries(): boolean {
    if (this.#state !== "running" || this.#realm.goingDown) return false;
    return this.#flushing.takesDeliveries;
  }

  /** Somebody wants it closed: says so, and waits for the client to agree. */
  close(reason: Refusal): void {
    if (this.#state !== "running") return;
    this.#close(reason, NO_METHOD);
    this.#realm.observer.changed();
  }

  /** The broker stops: says so, as RabbitMQ does, and drops the socket. */
  shutDown(): void {
    const reason = "broker forced connection closure with reason 'shutdown'";
    this.close(refusal("connectionForced", reason));
    this.#output.line?.finish(); // what is late or in pieces arrives, and what is silenced does not
    this.#socket.destroy();
  }

  /** Drops the socket without a word. */
  cut(): void {
    this.#over();
    this.#socket.destroy();
  }

  send(channel: number, method: ServerMethod): void {
    this.#output.method(channel, method);
    this.#flushing.soon();
  }

  sendContent(channel: number, method: ServerMethod & ContentMethod, message: StoredMessage): void {
    this.#output.content(channel, method, message);
  }

  sendDelivery(channel: number, method: BasicDeliver, message: StoredMessage): void {
    try {
      this.#output.content(channel, method, message);
    } catch (error) {
      // Whoever published it is not to blame.
      this.#refuse(refusalOf(error), undefined);
    }
    this.#flushing.soon();
  }

  sendAckLater(channel: PublishingOutlet): void {
    this.#channels.sendAckLater(channel);
  }

  #receive(piece: Uint8Array): void {
    this.#heartbeat?.received();
    const cut = this.faulty.readCuts?.in(piece.length);
    const taken = cut === undefined ? piece : piece.subarray(0, cut.octets);
    this.#flushing.working = true;
    this.#decoder.push(this.#state === "greeting" ? this.#greet(taken) : taken);
    this.#work();
    if (cut !== undefined) this.faulty.cutAfterWriting(cut.kind);
  }

  #greet(piece: Uint8Array): Uint8Array {
    const rest = this.#greeting.receive(piece);
    if (!this.#greeting.complete) return rest;
    if (this.#greeting.correct) {
      this.#state = "handshake";
      this.send(0, this.#handshake.start());
    } else {
      // Somebody else's protocol, or another version: name ours.
      this.#realm.observer.refused(this, "it does not speak AMQP 0-9-1");
      this.#output.protocolHeader();
      this.#end();
    }
    return rest;
  }

  /** Handles the frames that are there, unless what they cause cannot be written. */
  #work(): void {
    this.#flushing.working = true;
    this.#handleFrames();
    this.#flushing.working = false;
    this.#flushing.all();
  }

  #handleFrames(): void {
    while (this.#state !== "ended" && this.#state !== "greeting") {
      const frame = this.#nextFrame();
      if (frame === undefined) break;
      try {
        this.#dispatch(frame);
      } catch (error) {
        this.#refuse(refusalOf(error), frame);
      }
      if (this.#output.length > OUTPUT_LIMIT && !this.#flushing.now()) return;
      if (this.#gate.closed) return;
    }
    this.#channels.sendAcks();
  }

  #nextFrame(): RawFrame | undefined {
    try {
      return this.#decoder.next();
    } catch (error) {
      // Where the next frame begins is unknown now, so not even a close-ok can be waited for.
      this.#refuse(refusalOf(error), undefined);
      this.#end();
      return undefined;
    }
  }

  #dispatch(frame: RawFrame): void {
    if (this.#state === "closing") return this.#awaitCloseOk(frame);
    if (frame.type === FRAME_TYPE.heartbeat) return checkHeartbeat(frame);
    if (frame.channel !== 0 && this.#state !== "running") {
      const what = `a frame on channel ${frame.channel} before connection.open`;
      throw refusal("unexpectedFrame", what, { method: null });
    }
    if (frame.type === FRAME_TYPE.method) return this.#dispatchMethod(frame);
    if (frame.channel === 0) {
      throw refusal("unexpectedFrame", "content on channel 0", { method: null });
    }
    this.#channels.content(frame);
    this.faulty.blocking?.published();
  }

  #dispatchMethod(frame: RawFrame): void {
    const method = readMethod(frame);
    if (this.faults.methods !== undefined && this.#isStruck(method, frame)) return;
    if (frame.channel === 0) this.#answer(method);
    else this.#channels.method(frame.channel, method);
  }

  /** Whether a fault has dealt with a method. */
  #isStruck(method: ClientMethod, frame: RawFrame): boolean {
    const verdict = this.faulty.verdictOn(method, frame.channel, this.faults);
    if (verdict instanceof Refusal) this.#tellRefusal(verdict, frame);
    return verdict !== undefined;
  }

  /** On channel 0 there are only methods of class connection. */
  #answer(method: ClientMethod): void {
    if (this.#state === "handshake") return this.#shakeHands(method);
    switch (method.name) {
      case "connection.close":
        this.#ending = { ...method, by: "client" };
        this.send(0, { name: "connection.close-ok" });
        return this.#end();
      case "connection.update-secret":
        // Of use to mechanisms whose secrets expire; RabbitMQ's passwords do not, nor do ours.
        return this.send(0, { name: "connection.update-secret-ok" });
      default:
        throw refusal("channelError", "unexpected method in connection state running");
    }
  }

  #shakeHands(method: ClientMethod): void {
    const reply = this.#handshake.receive(method);
    if (reply !== undefined) this.send(0, reply);
    if (method.name === "connection.tune-ok") {
      const { frameMax, channelMax, heartbeat } = method;
      this.#decoder.maxFrameSize = frameMax === 0 ? FRAME_CAP : frameMax + FRAME_MAX_FUDGE;
      this.#output.frameMax = frameMax === 0 ? DEFAULT_FRAME_MAX : frameMax;
      this.#channels.channelMax = channelMax;
      if (heartbeat > 0) this.#startHeartbeat(heartbeat);
    }
    this.#admission = this.#handshake.admission;
    if (this.#admission !== undefined) {
      this.#state = "running";
      clearTimeout(this.#deadline);
      this.#realm.observer.opened(this);
      this.#realm.opened?.(this);
    }
  }

  #startHeartbeat(timeoutSeconds: number): void {
    this.#heartbeat = new Heartbeat(timeoutSeconds, {
      send: () => {
        this.#output.heartbeat();
        this.#flushing.now();
      },
      // While we do not read, its silence means nothing.
      giveUp: () => (this.#gate.closed ? this.#heartbeat?.received() : this.#socket.destroy()),
    });
  }

  #refuse(refused: Refusal, frame: RawFrame | undefined): void {
    if (this.#state === "closing") return;
    const { observer } = this.#realm;
    if (this.#admission === undefined) observer.refused(this, refused.replyText);
    const silent = this.#state === "handshake" && this.#handshake.silent;
    if (silent) this.#end();
    else this.#tellRefusal(refused, frame);
  }

  #tellRefusal(refused: Refusal, frame: RawFrame | undefined): void {
    const channel = frame === undefined ? undefined : this.#channels.all.get(frame.channel);
    this.#close(refused, blameOf(refused, frame), channel);
  }

  /** Closes a channel or the connection from our side; the client has some time to agree. */
  #close(refused: Refusal, blame: Blame, channel?: Channel): void {
    const { scope, replyCode, replyText } = refused;
    if (scope === "channel" && channel !== undefined) {
      channel.fail();
      this.send(channel.number, { name: "channel.close", replyCode, replyText, ...blame });
      return this.#realm.observer.channelClosed(this, channel.number, refused);
    }
    this.#state = "closing";
    this.#ending = { by: "broker", replyCode, replyText };
    this.#release();
    this.send(0, { name: "connection.close", replyCode, replyText, ...blame });
    this.#output.finish();
    this.#restartDeadline();
  }

  /** After a close everything but close and close-ok is ignored (specification section 2.2.4). */
  #awaitCloseOk(frame: RawFrame): void {
    if (frame.type !== FRAME_TYPE.method || frame.channel !== 0) return;
    const { name } = readMethod(frame);
    if (name === "connection.close") this.send(0, { name: "connection.close-ok" });
    if (name === "connection.close-ok") this.#end();
  }

  /** Writes what is left and ends our side; what still comes is thrown away. */
  #end(): void {
    this.#over();
    this.#output.end();
  }

  #over(): void {
    this.#state = "ended";
    this.#release();
    this.#restartDeadline();
  }

  /** The connection is no more: neither are its channels and its exclusive queues. */
  #release(): void {
    this.#channels.release();
    this.#admission?.vhost.deleteQueuesOf(this);
    this.#heartbeat?.stop();
  }

  #closed(): void {
    this.#state = "ended";
    this.#release();
    this.#output.line?.stop();
    clearTimeout(this.#deadline);
    const { observer } = this.#realm;
    if (this.#admission !== undefined) observer.closed(this, this.#ending ?? { by: "network" });
    observer.changed();
  }

  #restartDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#socket.destroy(), CLOSING_TIMEOUT_MS);
  }

  #parts(): SessionParts {
    return {
      ...{ socket: this.#socket, output: this.#output, gate: this.#gate, channels: this.#channels },
      session: this,
      resume: () => this.#flushing.resume(),
      close: (refused, channel) => this.#close(refused, NO_METHOD, channel),
      end: () => this.#over(),
    };
  }

  #admitted(): Admission {
    if (this.#admission === undefined) throw new Error("nobody has logged in yet");
    return this.#admission;
  }
}
