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
 * socket at its end (session-output.ts).
 */
import type { Socket } from "node:net";
import { FrameDecoder, type RawFrame } from "../../wire/frame-decoder.ts";
import { readClientMethod } from "../../wire/generated/codec.ts";
import { FRAME_TYPE, PROTOCOL_HEADER } from "../../wire/generated/constants.ts";
import type { ClientMethod, ContentMethod, ServerMethod } from "../../wire/generated/methods.ts";
import { Reader } from "../../wire/reader.ts";
import { type Blame, blameOf, NO_METHOD } from "./blame.ts";
import { Channel, type ChannelHost } from "./channel.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { StoredMessage } from "./message.ts";
import { type Refusal, refusal, refusalOf } from "./refusal.ts";
import { type Admission, Handshake, type Realm } from "./session-handshake.ts";
import { SessionOutput } from "./session-output.ts";
import type { VirtualHost } from "./virtual-host.ts";

/** What a session needs to know of its broker. */
export interface SessionRealm extends Realm {
  readonly maxMessageSize: number;
}

type State = "greeting" | "handshake" | "running" | "closing" | "ended";

/** One connection to the broker. */
export class Session implements ChannelHost {
  readonly maxMessageSize: number;
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder(INITIAL_FRAME_MAX);
  readonly #output: SessionOutput;
  readonly #handshake: Handshake;
  readonly #channels = new Map<number, Channel>();
  readonly #unconfirmed = new Set<Channel>();
  #state: State = "greeting";
  #greeting: number[] = [];
  #admission: Admission | undefined;
  #channelMax = 0;
  #heartbeat: Heartbeat | undefined;
  #deadline: NodeJS.Timeout;

  constructor(socket: Socket, realm: SessionRealm) {
    this.maxMessageSize = realm.maxMessageSize;
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

  get vhost(): VirtualHost {
    return this.#admitted().vhost;
  }

  get user(): string {
    return this.#admitted().user;
  }

  /** The broker stops: says so, as RabbitMQ does, and drops the socket. */
  shutDown(): void {
    if (this.#state === "running") {
      const reason = "broker forced connection closure with reason 'shutdown'";
      this.#close(refusal("connectionForced", reason, { method: null }), NO_METHOD);
      this.#flush();
    }
    this.#socket.destroy();
  }

  send(channel: number, method: ServerMethod): void {
    this.#output.method(channel, method);
  }

  sendContent(channel: number, method: ServerMethod & ContentMethod, message: StoredMessage): void {
    this.#output.content(channel, method, message);
  }

  sendAckLater(channel: Channel): void {
    this.#unconfirmed.add(channel);
  }

  #receive(piece: Uint8Array): void {
    this.#heartbeat?.received();
    this.#decoder.push(this.#state === "greeting" ? this.#greet(piece) : piece);
    this.#work();
  }

  /** Takes the eight octets of the protocol header off the beginning of the stream. */
  #greet(piece: Uint8Array): Uint8Array {
    const wanted = PROTOCOL_HEADER.length - this.#greeting.length;
    this.#greeting.push(...piece.subarray(0, wanted));
    if (this.#greeting.length === PROTOCOL_HEADER.length) {
      if (this.#greeting.every((octet, i) => octet === PROTOCOL_HEADER[i])) {
        this.#state = "handshake";
        this.send(0, this.#handshake.start());
      } else {
        // Somebody else's protocol, or another version: name ours (specification section 4.2.2).
        this.#output.protocolHeader();
        this.#end();
      }
    }
    return piece.subarray(wanted);
  }

  /** Handles the frames that are there, unless what they cause cannot be written. */
  #work(): void {
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
    for (const channel of this.#unconfirmed) channel.sendAck();
    this.#unconfirmed.clear();
    this.#flush();
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
    this.#dispatchToChannel(frame);
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
      this.#channelMax = channelMax;
      if (heartbeat > 0) this.#startHeartbeat(heartbeat);
    }
    if (handshake.admission !== undefined) {
      this.#admission = handshake.admission;
      this.#state = "running";
      clearTimeout(this.#deadline);
    }
  }

  #dispatchToChannel(frame: RawFrame): void {
    const channel = this.#channels.get(frame.channel);
    if (frame.type === FRAME_TYPE.method) {
      const method = readMethod(frame);
      if (channel === undefined) this.#openChannel(frame.channel, method);
      else this.#dispatchMethodToChannel(channel, method);
    } else if (channel === undefined) {
      const text = "expected method frame, got non method frame instead";
      throw refusal("unexpectedFrame", text, { method: null });
    } else if (!channel.failed) {
      if (frame.type === FRAME_TYPE.header) channel.header(frame);
      else channel.body(frame);
    }
  }

  #openChannel(number: number, method: ClientMethod): void {
    if (method.name !== "channel.open") throw refusal("channelError", "expected 'channel.open'");
    // Like RabbitMQ this counts channels and does not mind their numbers.
    const count = this.#channels.size;
    if (this.#channelMax > 0 && count >= this.#channelMax) {
      throw refusal(
        "notAllowed",
        `number of channels opened (${count}) has reached the negotiated channel_max ` +
          `(${this.#channelMax})`,
        { method: null },
      );
    }
    this.#channels.set(number, new Channel(number, this));
    this.send(number, { name: "channel.open-ok" });
  }

  #dispatchMethodToChannel(channel: Channel, method: ClientMethod): void {
    switch (method.name) {
      case "channel.open":
        throw refusal("channelError", "second 'channel.open' seen");
      case "channel.close":
        if (!channel.failed) this.#closeChannel(channel, method);
        return this.send(channel.number, { name: "channel.close-ok" });
      case "channel.close-ok":
        if (!channel.failed) throw refusal("commandInvalid", "unimplemented method");
        this.#channels.delete(channel.number);
        return;
      default:
        if (!channel.failed) channel.method(method);
    }
  }

  #closeChannel(channel: Channel, method: ClientMethod): void {
    channel.checkIdle(method);
    channel.sendAck();
    channel.release();
    this.#channels.delete(channel.number);
  }

  #startHeartbeat(timeoutSeconds: number): void {
    this.#heartbeat = new Heartbeat(timeoutSeconds, {
      send: () => {
        this.#output.heartbeat();
        this.#flush();
      },
      giveUp: () => {
        // While we do not read because the client does not, its silence means nothing.
        if (this.#output.stalled) this.#heartbeat?.received();
        else this.#socket.destroy();
      },
    });
  }

  #refuse(refused: Refusal, frame: RawFrame | undefined): void {
    if (this.#state === "closing") return;
    const silent = this.#state === "handshake" && this.#handshake.silent;
    if (silent) return this.#end();
    const blame = blameOf(refused, frame);
    const channel = frame === undefined ? undefined : this.#channels.get(frame.channel);
    if (refused.scope === "connection" || channel === undefined) {
      this.#close(refused, blame);
    } else {
      channel.fail();
      const { replyCode, replyText } = refused;
      this.send(channel.number, { name: "channel.close", replyCode, replyText, ...blame });
    }
  }

  /** Closes the connection from our side, and gives the client some time to agree. */
  #close({ replyCode, replyText }: Refusal, blame: Blame): void {
    this.#state = "closing";
    this.#release();
    this.send(0, { name: "connection.close", replyCode, replyText, ...blame });
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
    this.#flush();
    this.#socket.end();
    this.#restartDeadline();
  }

  /** The connection is no more: neither are its channels and its exclusive queues. */
  #release(): void {
    for (const channel of this.#channels.values()) channel.release();
    this.#channels.clear();
    this.#unconfirmed.clear();
    this.#admission?.vhost.deleteQueuesOf(this);
    this.#heartbeat?.stop();
  }

  #closed(): void {
    this.#state = "ended";
    this.#release();
    clearTimeout(this.#deadline);
  }

  #restartDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#socket.destroy(), CLOSING_TIMEOUT_MS);
  }

  #flush(): boolean {
    if (this.#output.length > 0) this.#heartbeat?.sent();
    return this.#output.flush();
  }

  /** Goes on with the frames that a stall left, then with the socket. */
  #resume(): void {
    if (!this.#output.drained()) return;
    this.#work();
    this.#output.resume();
  }

  #admitted(): Admission {
    if (this.#admission === undefined) throw new Error("nobody has logged in yet");
    return this.#admission;
  }
}

/**
 * The largest frame before tune-ok. The specification says 4,096; RabbitMQ allows 8,192 since 4.1,
 * for clients that have much to say of themselves.
 */
const INITIAL_FRAME_MAX = 8192;

/** RabbitMQ's frame_max, which also bounds our own frames when none was negotiated. */
const DEFAULT_FRAME_MAX = 131_072;

/** The largest frame when neither side set a limit: RabbitMQ's largest message up to 3.13. */
const FRAME_CAP = 134_217_728;

/** RabbitMQ's FRAME_SIZE_FUDGE: some clients forget the eight octets around the payload. */
const FRAME_MAX_FUDGE = 8;

/** RabbitMQ's handshake_timeout. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** RabbitMQ's CLOSING_TIMEOUT: how long a client may take to answer a close, or to hang up. */
const CLOSING_TIMEOUT_MS = 30_000;

/** With more octets than this to write, the socket is asked whether it can take more. */
const OUTPUT_LIMIT = 1_048_576;

function readMethod({ bytes, start, end }: RawFrame): ClientMethod {
  const reader = new Reader(bytes, start, end);
  const method = readClientMethod(reader);
  reader.expectEnd(method.name);
  return method;
}

function checkHeartbeat({ channel, start, end }: RawFrame): void {
  if (channel !== 0) {
    throw refusal("unexpectedFrame", `a heartbeat on channel ${channel}`, { method: null });
  }
  if (start !== end) {
    throw refusal("frameError", "a heartbeat with a payload", { method: null });
  }
}
