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
 * socket at its end (session-output.ts). What other connections cause here, deliveries above all,
 * is written when they are done.
 */
import type { Socket } from "node:net";
import { FrameDecoder, type RawFrame } from "../../wire/frame-decoder.ts";
import { FRAME_TYPE } from "../../wire/generated/constants.ts";
import type {
  BasicDeliver,
  ClientMethod,
  ContentMethod,
  ServerMethod,
} from "../../wire/generated/methods.ts";
import { type Blame, blameOf, NO_METHOD } from "./blame.ts";
import type { Channel, ChannelHost } from "./channel.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { StoredMessage } from "./message.ts";
import { type Refusal, refusal, refusalOf } from "./refusal.ts";
import { SessionChannels } from "./session-channels.ts";
import { checkHeartbeat, readMethod } from "./session-frames.ts";
import { Greeting } from "./session-greeting.ts";
import { type Admission, Handshake, type Realm } from "./session-handshake.ts";
import {
  CLOSING_TIMEOUT_MS,
  DEFAULT_FRAME_MAX,
  FRAME_CAP,
  FRAME_MAX_FUDGE,
  HANDSHAKE_TIMEOUT_MS,
  INITIAL_FRAME_MAX,
  OUTPUT_LIMIT,
} from "./session-limits.ts";
import type { SessionEnding, SessionObserver } from "./session-observer.ts";
import { SessionOutput } from "./session-output.ts";
import type { VirtualHost } from "./virtual-host.ts";

/** What a session needs to know of its broker. */
export interface SessionRealm extends Realm {
  readonly maxMessageSize: number;
  readonly observer: SessionObserver;
  /** Whether the broker goes down, so that what comes back to a queue stays there. */
  readonly goingDown: boolean;
}

type State = "greeting" | "handshake" | "running" | "closing" | "ended";

/** One connection to the broker. */
export class Session implements ChannelHost {
  readonly maxMessageSize: number;
  /** As RabbitMQ names connections: the client's address and port, then ours. */
  readonly name: string;
  readonly #realm: SessionRealm;
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder(INITIAL_FRAME_MAX);
  readonly #output: SessionOutput;
  readonly #handshake: Handshake;
  readonly #channels = new SessionChannels(this);
  readonly #greeting = new Greeting();
  #state: State = "greeting";
  /** How it ends, once that is said. */
  #ending: SessionEnding | undefined;
  #admission: Admission | undefined;
  #heartbeat: Heartbeat | undefined;
  #deadline: NodeJS.Timeout;
  #working = false;
  #flushing = false;
  /** Whether a consumer could not be given a message because of what waits to be written. */
  #owesDeliveries = false;

  constructor(socket: Socket, realm: SessionRealm) {
    this.maxMessageSize = realm.maxMessageSize;
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    this.name = `${remoteAddress}:${remotePort} -> ${localAddress}:${localPort}`;
    this.#realm = realm;
    this.#socket = socket;
    this.#output = new SessionOutput(socket, INITIAL_FRAME_MAX);
    this.#handshake = new Handshake(realm);
    this.#deadline = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT_MS);
    socket.setNoDelay(true);
    socket.on("data", (piece) => this.#receive(piece));
    socket.on("drain", () => this.#resume());
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
    if (this.#output.length <= OUTPUT_LIMIT) return true;
    this.#owesDeliveries = true;
    return false;
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
    this.#socket.destroy();
  }

  /** Drops the socket without a word. */
  cut(): void {
    this.#state = "ended";
    this.#release();
    this.#socket.destroy();
  }

  send(channel: number, method: ServerMethod): void {
    this.#output.method(channel, method);
    this.#flushSoon();
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
    this.#flushSoon();
  }

  sendAckLater(channel: Channel): void {
    this.#channels.sendAckLater(channel);
  }

  #receive(piece: Uint8Array): void {
    this.#heartbeat?.received();
    this.#working = true;
    this.#decoder.push(this.#state === "greeting" ? this.#greet(piece) : piece);
    this.#work();
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
    this.#working = true;
    this.#handleFrames();
    this.#working = false;
    this.#flushAll();
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
      if (this.#output.length > OUTPUT_LIMIT && !this.#flush()) return;
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
    if (frame.channel === 0) return this.#dispatchMethod(frame);
    if (this.#state !== "running") {
      const what = `a frame on channel ${frame.channel} before connection.open`;
      throw refusal("unexpectedFrame", what, { method: null });
    }
    this.#channels.dispatch(frame);
  }

  /** On channel 0 there are only methods, and only those of class connection. */
  #dispatchMethod(frame: RawFrame): void {
    if (frame.type !== FRAME_TYPE.method) {
      throw refusal("unexpectedFrame", "content on channel 0", { method: null });
    }
    const method = readMethod(frame);
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
    const handshake = this.#handshake;
    const reply = handshake.receive(method);
    if (reply !== undefined) this.send(0, reply);
    if (method.name === "connection.tune-ok") {
      const { frameMax, channelMax, heartbeat } = method;
      this.#decoder.maxFrameSize = frameMax === 0 ? FRAME_CAP : frameMax + FRAME_MAX_FUDGE;
      this.#output.frameMax = frameMax === 0 ? DEFAULT_FRAME_MAX : frameMax;
      this.#channels.channelMax = channelMax;
      if (heartbeat > 0) this.#startHeartbeat(heartbeat);
    }
    if (handshake.admission !== undefined) {
      this.#admission = handshake.admission;
      this.#state = "running";
      clearTimeout(this.#deadline);
      this.#realm.observer.opened(this);
    }
  }

  #startHeartbeat(timeoutSeconds: number): void {
    this.#heartbeat = new Heartbeat(timeoutSeconds, {
      send: () => {
        this.#output.heartbeat();
        this.#flush();
      },
      // While we do not read because the client does not, its silence means nothing.
      giveUp: () => (this.#output.paused ? this.#heartbeat?.received() : this.#socket.destroy()),
    });
  }

  #refuse(refused: Refusal, frame: RawFrame | undefined): void {
    if (this.#state === "closing") return;
    const { observer } = this.#realm;
    if (this.#admission === undefined) observer.refused(this, refused.replyText);
    const silent = this.#state === "handshake" && this.#handshake.silent;
    if (silent) return this.#end();
    const blame = blameOf(refused, frame);
    const channel = frame === undefined ? undefined : this.#channels.all.get(frame.channel);
    if (refused.scope === "connection" || channel === undefined) {
      this.#close(refused, blame);
    } else {
      channel.fail();
      const { replyCode, replyText } = refused;
      this.send(channel.number, { name: "channel.close", replyCode, replyText, ...blame });
      observer.channelClosed(this, channel.number, refused);
    }
  }

  /** Closes the connection from our side, and gives the client some time to agree. */
  #close({ replyCode, replyText }: Refusal, blame: Blame): void {
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
    this.#state = "ended";
    this.#release();
    this.#output.finish();
    this.#socket.end();
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
    clearTimeout(this.#deadline);
    const { observer } = this.#realm;
    if (this.#admission !== undefined) observer.closed(this, this.#ending ?? { by: "network" });
    observer.changed();
  }

  #restartDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#socket.destroy(), CLOSING_TIMEOUT_MS);
  }

  #flush(): boolean {
    if (this.#output.length > 0) this.#heartbeat?.sent();
    return this.#output.flush();
  }

  /** Writes, and goes on with deliveries for which there was no room, until the socket is full. */
  #flushAll(): void {
    this.#flush();
    while (this.#owesDeliveries && this.#output.length <= OUTPUT_LIMIT) {
      this.#owesDeliveries = false;
      this.#working = true;
      this.#channels.resume();
      this.#working = false;
      this.#flush();
    }
    this.#realm.observer.changed();
  }

  /** Something was written while others worked: it goes out when they are done. */
  #flushSoon(): void {
    if (this.#working || this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flushAll();
    });
  }

  /** The socket takes more: goes on with what waits, then with the frames that a stall left. */
  #resume(): void {
    this.#flushAll();
    if (!this.#output.paused || !this.#output.hasRoom) return;
    this.#work();
    this.#output.resume();
  }

  #admitted(): Admission {
    if (this.#admission === undefined) throw new Error("nobody has logged in yet");
    return this.#admission;
  }
}
