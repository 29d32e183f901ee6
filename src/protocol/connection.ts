/**
 * One connection without its socket: octets and the time go in; octets, events and the next time
 * to be woken come out. Whoever drives it follows one rule:
 *
 * 1. the world happened: `receive()`, `receiveEnd()`, `wake()`, `flushed()`; or the application
 *    asked: `openChannel()`, `call()`, `respond()`, `close()`; publishes go through a window of the
 *    scheduler, or a channel;
 * 2. then take what is wanted: `takeOutput()`, `takeEvents()`, `nextTimeout()`.
 *
 * Completions (`resolve`, `reject`) may be called in step 1; they must not call back. Channel 0 is
 * handled here (connection-states.ts has its table); the others by a ChannelMachine each.
 */
import {
  type AmqpError,
  CLOSED_BY_US,
  ConnectionClosedError,
  ConnectionLostError,
  ProtocolError,
  UsageError,
} from "../errors.ts";
import type { FieldTable } from "../wire/field-value.ts";
import { writeHeartbeatFrame, writeMethodFrame, writeProtocolHeader } from "../wire/frame.ts";
import { FrameDecoder, type RawFrame } from "../wire/frame-decoder.ts";
import { FRAME_TYPE, REPLY_CODE } from "../wire/generated/constants.ts";
import type { ClientMethod, ConnectionClose } from "../wire/generated/methods.ts";
import { Output } from "../wire/output.ts";
import { type Call, type CallHandle, type CallHooks, CallQueue } from "./call-queue.ts";
import type { ChannelMachine } from "./channel.ts";
import { ChannelTable } from "./channel-table.ts";
import { ConnectionEventQueue } from "./connection-event-queue.ts";
import type { ConnectionEvent } from "./connection-events.ts";
import {
  CONNECT_PHASES,
  type ConnectionState,
  moveConnection,
  nextConnectionState,
  SILENT_END_HINTS,
} from "./connection-states.ts";
import { asProtocolError, checkHeartbeat, closeReason, readMethod } from "./frame-reading.ts";
import { checkVersion, Greeting } from "./greeting.ts";
import { HeartbeatClock } from "./heartbeat.ts";
import {
  type ConnectionSettings,
  DEFAULT_PROPOSAL,
  negotiate,
  type Tuning,
} from "./negotiation.ts";
import { PatientDeadlines } from "./patient-deadlines.ts";
import { PublishScheduler } from "./publish-scheduler.ts";
import { type Blame, blameImmediate, NOBODY } from "./refusal.ts";
import { replyText } from "./reply-text.ts";
import { mechanismHint, parseMechanisms, sizeHint } from "./sasl.ts";

/** The state of one connection. */
export class ConnectionMachine {
  readonly #settings: ConnectionSettings;
  readonly #output: Output = new Output();
  readonly #decoder = new FrameDecoder(HANDSHAKE_FRAME_MAX);
  #callQueue: CallQueue<ConnectionMachine> | undefined;
  readonly #channels: ChannelTable;
  #startAnswered = false;
  /** Octets of the last frame of the login. */
  #loginSize = 0;
  #mechanism: string;
  /** Whose turn it is to publish. */
  readonly scheduler: PublishScheduler = new PublishScheduler(this);
  /** Of publishes and calls. */
  readonly deadlines: PatientDeadlines = new PatientDeadlines();
  readonly #events = new ConnectionEventQueue();
  #state: ConnectionState = "greeting";
  readonly #greeting = new Greeting();
  #heartbeat: HeartbeatClock;
  #tuning: Tuning = DEFAULT_PROPOSAL;
  #socketBytes = 0;
  #owesCloseOk = false;
  /** From connection.start: who the server is and what it can do. */
  serverProperties: FieldTable = {};
  /** From connection.start: the SASL mechanisms that the server takes; let go of by the login. */
  mechanisms: readonly string[] = NO_MECHANISMS;
  /** Why the broker reads nothing from us at the moment; undefined while it does. */
  blockedReason: string | undefined;

  /** Queues the protocol header: a client speaks first. */
  constructor(settings: ConnectionSettings, now: number) {
    this.#settings = settings;
    this.#mechanism = settings.mechanism;
    this.#heartbeat = new HeartbeatClock(0, now);
    this.#channels = new ChannelTable(settings, this.#output, this.#events, this.scheduler);
    writeProtocolHeader(this.#output.writer);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** What was negotiated; before connection.tune, what this client would like. */
  get tuning(): Tuning {
    return this.#tuning;
  }

  /** Whether publishes may be written: open, not blocked, and the output has room. */
  get canPublish(): boolean {
    return (
      this.#state === "open" &&
      this.blockedReason === undefined &&
      this.pendingBytes < OUTPUT_HIGH_WATER
    );
  }

  /** Octets that are encoded or given to the socket, and not yet on their way. */
  get pendingBytes(): number {
    return this.#output.length + this.#socketBytes;
  }

  /** What has come of the frame that is under way; valid until the next call. */
  get unfinishedFrame(): Uint8Array {
    return this.#state === "closed" ? NOTHING : this.#decoder.unfinished;
  }

  /** Octets arrived. */
  receive(bytes: Uint8Array, now: number): void {
    if (this.#state === "closed") return;
    this.#heartbeat.received(now);
    try {
      this.#decoder.push(this.#greeting.take(bytes));
      for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
        this.#receiveFrame(frame, now);
        if (this.state === "closed") return;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.scheduler.pump();
  }

  /** The stream ended: no more octets will come. */
  receiveEnd(cause?: unknown): void {
    if (this.#state === "closed") return;
    if (this.#channels.refusal !== undefined) return this.#close(this.#channels.refusal);
    const phase = CONNECT_PHASES[this.#state];
    const where = phase === undefined ? "" : ` in phase ${phase}`;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    const inLogin = this.#state === "authenticated";
    const wrong = inLogin ? mechanismHint(this.#mechanism, this.mechanisms) : undefined;
    const large = inLogin ? sizeHint(this.#loginSize) : undefined;
    const hint = wrong ?? large ?? SILENT_END_HINTS[this.#state] ?? "";
    const lost = new ConnectionLostError(`the connection was lost${where}${why}${hint}`, { cause });
    this.#close(lost);
  }

  /** The socket has this many octets that it could not give away yet. */
  flushed(socketBytes: number): void {
    this.#socketBytes = socketBytes;
    this.scheduler.pump();
  }

  /** The time that {@link ConnectionMachine.nextTimeout} gave has come. */
  wake(now: number): void {
    if (this.#state === "closed") return;
    const action = this.#heartbeat.ring(now);
    if (action === "send") writeHeartbeatFrame(this.#output.writer);
    if (action === "lost") {
      const silence = 2 * this.#tuning.heartbeatSeconds;
      this.#close(new ConnectionLostError(`nothing came from the broker for ${silence} seconds`));
      return;
    }
    this.deadlines.expire(now);
  }

  /** Answers the event `challenge`, the first time with a mechanism other than that of the settings. */
  respond(response: Uint8Array, mechanism: string = this.#mechanism): void {
    if (this.#state !== "authenticating") return;
    const { clientProperties, locale } = this.#settings;
    const { length } = this.#output;
    this.#write(
      this.#startAnswered
        ? { name: "connection.secure-ok", response }
        : { name: "connection.start-ok", clientProperties, mechanism, response, locale },
    );
    this.#loginSize = this.#output.length - length;
    this.#startAnswered = true;
    this.#mechanism = mechanism;
    this.#state = moveConnection(this.#state, "respond");
  }

  /** Opens a channel under a number that is free. */
  openChannel(opened: Pick<Call, "resolve" | "reject">): ChannelMachine {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
    return this.#channels.open(this.#tuning.channelMax, opened);
  }

  /** Sends a synchronous method on channel 0 when its turn comes. */
  call(call: Call): CallHandle | undefined {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      call.reject(refusal);
      return undefined;
    }
    return this.#calls.add(call);
  }

  /** Says goodbye; confirms that arrive before the broker's close-ok still count. */
  close(): void {
    if (this.#state !== "open") return;
    this.#channels.refusal = new ConnectionClosedError(CLOSED_BY_US);
    this.#state = moveConnection(this.#state, "close");
    this.#write({ name: "connection.close", replyCode: 200, replyText: "closed", ...NO_METHOD });
  }

  /** Ends it now, from our side, without a word to the peer. */
  destroy(cause?: Error): void {
    if (this.#state === "closed") return;
    const why = cause === undefined ? "" : `: ${cause.message}`;
    const error = new ConnectionLostError(`the connection was destroyed${why}`, { cause });
    this.#close(error);
  }

  /** Whether {@link ConnectionMachine.takeOutput} would give anything. */
  get hasOutput(): boolean {
    return this.#output.length > 0;
  }

  /** What to write to the socket, in order. From here on it counts as sent. */
  takeOutput(now: number): Uint8Array[] {
    if (this.hasOutput) this.#heartbeat.sent(now);
    this.#owesCloseOk = false;
    this.#socketBytes += this.#output.length;
    this.#channels.markWritten();
    return this.#output.take();
  }

  /** What happened since the last call. */
  takeEvents(): readonly ConnectionEvent[] {
    return this.#events.take();
  }

  /** When to call {@link ConnectionMachine.wake}; undefined when nothing is due. */
  nextTimeout(): number | undefined {
    if (this.#state === "closed") return undefined;
    const heartbeat = this.#heartbeat.nextTimeout();
    const deadline = this.deadlines.nextTimeout();
    return heartbeat === undefined || deadline === undefined
      ? (heartbeat ?? deadline)
      : Math.min(heartbeat, deadline);
  }

  #receiveFrame(frame: RawFrame, now: number): void {
    if (frame.type === FRAME_TYPE.heartbeat) return checkHeartbeat(frame);
    if (frame.channel === 0) return this.#receiveOnChannel0(frame, now);
    this.#channels.receive(frame);
  }

  #receiveOnChannel0(frame: RawFrame, now: number): void {
    if (frame.type !== FRAME_TYPE.method) {
      throw new ProtocolError("content came on channel 0, which has none", {
        replyCode: REPLY_CODE.channelError,
        expected: "a method frame or a heartbeat",
        got: `a frame of type ${frame.type}`,
      });
    }
    const method = readMethod(frame);
    const next = nextConnectionState(this.#state, method.name);
    switch (method.name) {
      case "connection.start":
        checkVersion(method);
        this.serverProperties = method.serverProperties;
        this.mechanisms = parseMechanisms(method.mechanisms);
        this.#events.push({ type: "challenge", challenge: undefined });
        break;
      case "connection.secure":
        this.#events.push({ type: "challenge", challenge: method.challenge });
        break;
      case "connection.tune":
        this.#tune({ ...method, heartbeatSeconds: method.heartbeat }, now);
        break;
      case "connection.open-ok":
        this.#heartbeat.watch(now);
        this.mechanisms = NO_MECHANISMS;
        this.#events.push({ type: "open" });
        break;
      case "connection.blocked":
        this.blockedReason = method.reason;
        this.deadlines.pause(now);
        this.#events.push({ type: "blocked", reason: method.reason });
        break;
      case "connection.unblocked":
        this.blockedReason = undefined;
        this.deadlines.resume(now);
        this.#events.push({ type: "unblocked" });
        break;
      case "connection.close":
        return this.#closedByPeer(method, next);
      case "connection.close-ok":
        this.#close(this.#channels.refusal as AmqpError);
        if (this.#owesCloseOk) this.#write({ name: "connection.close-ok" });
        return;
      default:
        this.#calls.reply(method);
    }
    this.#state = next;
  }

  #tune(theirs: Tuning, now: number): void {
    this.#tuning = negotiate(this.#settings.proposal, theirs);
    this.#channels.frameMax = this.#tuning.frameMax;
    this.#decoder.maxFrameSize = this.#tuning.frameMax;
    this.#heartbeat = new HeartbeatClock(this.#tuning.heartbeatSeconds, now);
    const { frameMax, channelMax, heartbeatSeconds } = this.#tuning;
    this.#write({ name: "connection.tune-ok", frameMax, channelMax, heartbeat: heartbeatSeconds });
    this.#write({ name: "connection.open", virtualHost: this.#settings.vhost });
  }

  #closedByPeer(close: ConnectionClose, next: ConnectionState): void {
    const reason = closeReason(close);
    if (next === "closing") {
      this.#write({ name: "connection.close-ok" });
      this.#owesCloseOk = true;
      return;
    }
    const error = new ConnectionClosedError(reason);
    const channels = this.#channels.hasUncountedImmediate ? [] : this.#channels.values();
    this.#close(error, blameImmediate(reason, channels));
    this.#write({ name: "connection.close-ok" });
  }

  /** The peer broke a rule: tells it which, and everybody here. */
  #fail(cause: unknown): void {
    const error = asProtocolError(cause);
    const goodbye = this.#state !== "greeting" && this.#state !== "closing";
    this.#close(error);
    if (!goodbye) return;
    const { replyCode, message } = error;
    this.#write({
      name: "connection.close",
      replyCode,
      replyText: replyText(message),
      ...NO_METHOD,
    });
  }

  /** Tells everybody that it is over. What was not given to the socket never will be. */
  #close(error: AmqpError, blame: (channel: ChannelMachine) => Blame = () => NOBODY): void {
    const phase = CONNECT_PHASES[this.#state];
    if (phase !== undefined) error.phase ??= phase;
    this.#state = moveConnection(this.#state, "end");
    this.#output.clear();
    const byUs = error === this.#channels.refusal;
    this.#channels.refusal = error;
    this.#channels.loseAll(error, blame, byUs);
    this.#callQueue?.rejectAll(error);
    this.#events.push({ type: "closed", error: byUs ? undefined : error });
  }

  #refusal(): AmqpError | undefined {
    if (this.#channels.refusal !== undefined) return this.#channels.refusal;
    return this.#state === "open" ? undefined : new UsageError("the connection is not open yet");
  }

  static readonly #callHooks: CallHooks<ConnectionMachine> = {
    send: (connection, method) => connection.#sendCall(method),
  };

  /** Made when it is needed, which is seldom: the one call on channel 0 is connection.update-secret. */
  get #calls(): CallQueue<ConnectionMachine> {
    this.#callQueue ??= new CallQueue(this, ConnectionMachine.#callHooks);
    return this.#callQueue;
  }

  /** Behind connection.close nothing goes out: calls that wait then are rejected. */
  #sendCall(method: ClientMethod): void {
    if (this.#channels.refusal !== undefined) throw this.#channels.refusal;
    this.#write(method);
  }

  #write(method: ClientMethod): void {
    writeMethodFrame(this.#output.writer, 0, method, this.#tuning.frameMax);
  }
}

/**
 * The largest frame accepted before connection.tune, in octets. The specification asks for 4,096
 * and RabbitMQ uses 8,192; a server whose properties take more than that harms nobody.
 */
const HANDSHAKE_FRAME_MAX = 131_072;

/**
 * While this many octets wait to be sent, further publishes wait in their windows: what is in a
 * window can be withdrawn and is known to be unsent, what is in a dead socket is lost for certain.
 */
export const OUTPUT_HIGH_WATER = 1_048_576;

const NO_MECHANISMS: readonly string[] = [];

const NO_METHOD = { classId: 0, methodId: 0 } as const;

const NOTHING = new Uint8Array(0);
