/**
 * What faults can do with one connection, and what they have done: the session asks here where a
 * fault may be. As long as none is set there is nothing here to find.
 */
import type { Duplex } from "node:stream";
import type { ClientMethod, ServerMethod } from "../../../wire/generated/methods.ts";
import type { Channel } from "../channel.ts";
import { FaultyLine } from "../faults/faulty-line.ts";
import {
  ask,
  type CutKind,
  type FaultPoints,
  type FaultyConnection,
  type MethodVerdict,
} from "../faults/points.ts";
import { ReadCuts } from "../faults/read-cuts.ts";
import type { FaultyConnectionFacts } from "../faults/selection.ts";
import type { Refusal } from "../refusal.ts";
import { Blocking, type BlockingReason } from "./blocking.ts";
import type { SessionChannels } from "./channels.ts";
import type { InputGate } from "./input-gate.ts";
import type { SendWatcher, SessionOutput } from "./output.ts";
import type { Session } from "./session.ts";
import { resetStream } from "./stream.ts";

/** The parts of a session that faults can get at. */
export interface SessionParts {
  readonly socket: Duplex;
  readonly output: SessionOutput;
  readonly gate: InputGate;
  readonly channels: SessionChannels;
  readonly session: Session;
  /** The socket has room again. */
  resume(): void;
  /** Closes a channel or the connection with a reply code. */
  close(refused: Refusal, channel: Channel | undefined): void;
  /** The connection is over: no frame is handled any more. */
  end(): void;
}

/** One connection in the hands of faults. */
export class FaultySession implements FaultyConnection {
  /** Set while there is an alarm. */
  blocking: Blocking | undefined;
  /** Set once the connection is to be cut somewhere in what it reads. */
  readCuts: ReadCuts | undefined;
  readonly #id: number;
  readonly #parts: SessionParts;

  constructor(id: number, parts: SessionParts) {
    this.#id = id;
    this.#parts = parts;
  }

  get facts(): FaultyConnectionFacts {
    const { name, admission } = this.#parts.session;
    const { user, vhost, clientProperties } = admission ?? {};
    const said = clientProperties?.["connection_name"];
    const connectionName = typeof said === "string" ? said : undefined;
    return { id: this.#id, name, connectionName, user, vhost: vhost?.name };
  }

  get running(): boolean {
    return this.#parts.session.open;
  }

  get channels(): Iterable<Channel> {
    return this.#parts.channels.all.values();
  }

  get line(): FaultyLine {
    const { output, socket } = this.#parts;
    output.line ??= new FaultyLine(socket, {
      cut: (kind) => this.cutAfterWriting(kind),
      drained: () => this.#parts.resume(),
    });
    return output.line;
  }

  get given(): number {
    return this.line.given + this.#parts.output.gathered;
  }

  watch(watcher: SendWatcher): void {
    this.#parts.output.watch(watcher);
  }

  unwatch(watcher: SendWatcher): void {
    this.#parts.output.unwatch(watcher);
  }

  stopReading(reason: object): void {
    this.#parts.gate.close(reason);
  }

  goOnReading(reason: object): void {
    this.#parts.gate.open(reason);
  }

  cutAfterReading(octets: number, cut: () => CutKind | undefined): void {
    this.readCuts ??= new ReadCuts();
    this.readCuts.add(octets, cut);
  }

  block(key: object, reason: BlockingReason): void {
    this.blocking ??= new Blocking({
      tell: (method) => {
        if (this.#parts.session.admission?.blockedNotify) this.send(0, method);
      },
      stopReading: (why) => this.stopReading(why),
      goOnReading: (why) => this.goOnReading(why),
    });
    this.blocking.add(key, reason);
  }

  unblock(key: object): void {
    this.blocking?.remove(key);
    if (this.blocking?.idle) this.blocking = undefined;
  }

  /** Asks the faults about a method; if one wants the connection cut, that is done here. */
  verdictOn(
    method: ClientMethod,
    channel: number,
    { methods = [] }: FaultPoints,
  ): MethodVerdict | undefined {
    const isDropped = this.#parts.channels.all.get(channel)?.failed ?? false;
    if (method.name === "basic.publish" || isDropped) return undefined;
    const verdict = ask(methods, this, method);
    if (typeof verdict === "string") this.cutAfterWriting(verdict);
    return verdict;
  }

  send(channel: number, method: ServerMethod): void {
    this.#parts.session.send(channel, method);
  }

  close(refused: Refusal, channel?: Channel): void {
    this.#parts.close(refused, channel);
  }

  cut(kind: CutKind): void {
    this.#parts.output.line?.stop();
    this.#parts.end();
    this.#drop(kind);
  }

  /** Cuts it when all that came before is answered, and that is written. */
  cutAfterWriting(kind: CutKind): void {
    const { channels, output, socket } = this.#parts;
    channels.sendAcks();
    output.finish();
    output.line?.finish();
    this.#parts.end();
    socket.write(NOTHING, () => this.#drop(kind));
  }

  #drop(kind: CutKind): void {
    const { socket } = this.#parts;
    if (kind === "reset") {
      resetStream(socket);
    } else {
      // To destroy a socket with unread input is a reset; so what still comes is thrown away.
      socket.end();
      socket.resume();
    }
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
