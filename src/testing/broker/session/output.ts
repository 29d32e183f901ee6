/**
 * What a session writes. Everything is gathered and handed to the socket in one go, because a write
 * costs far more than the frames in it.
 *
 * A socket that takes no more is a client that does not read. What is for it waits here, and if that
 * becomes too much its input is not read either until it has caught up, which bounds what waits:
 * without input, and without deliveries, there is no output.
 *
 * Where a test has set a fault for what is written, it goes through a line of its own on its way to
 * the socket (../faults/faulty-line.ts).
 */
import type { Duplex } from "node:stream";
import { writeContent } from "../../../wire/content.ts";
import { writeHeartbeatFrame, writeMethodFrame, writeProtocolHeader } from "../../../wire/frame.ts";
import type { ContentMethod, ServerMethod } from "../../../wire/generated/methods.ts";
import { Output } from "../../../wire/output.ts";
import type { FaultyLine } from "../faults/faulty-line.ts";
import type { StoredMessage } from "../message.ts";
import { OUTPUT_LIMIT } from "./limits.ts";

/** Frames on their way to one client. */
export class SessionOutput {
  /** The largest frame to write, in octets. */
  frameMax: number;
  /** What goes through it on the way to the socket, if faults are set. */
  line: FaultyLine | undefined;
  readonly #socket: Duplex;
  readonly #output = new Output();
  #watchers: ReadonlySet<SendWatcher> | undefined;

  constructor(socket: Duplex, frameMax: number) {
    this.#socket = socket;
    this.frameMax = frameMax;
  }

  /** How many octets wait to be written. */
  get length(): number {
    return this.line === undefined ? this.#output.length : this.#output.length + this.line.length;
  }

  /** How many octets wait for {@link SessionOutput.flush}. */
  get gathered(): number {
    return this.#output.length;
  }

  /** Whether so little waits that input may be read. */
  get hasRoom(): boolean {
    return this.length <= OUTPUT_LIMIT;
  }

  /** A method frame. */
  method(channel: number, method: ServerMethod): void {
    const { length } = this.#output;
    writeMethodFrame(this.#output.writer, channel, method, this.frameMax);
    if (this.#watchers !== undefined) this.#tell(method, this.#output.length - length);
  }

  /** A method with a message. */
  content(channel: number, method: ServerMethod & ContentMethod, message: StoredMessage): void {
    const properties = message.propertyBytes ?? message.sentProperties;
    const { length } = this.#output;
    writeContent(this.#output, channel, method, properties, message.body, this.frameMax);
    if (this.#watchers !== undefined) this.#tell(method, this.#output.length - length);
  }

  /** A heartbeat. */
  heartbeat(): void {
    writeHeartbeatFrame(this.#output.writer);
  }

  /** The protocol header, which is how a broker says that it does not speak the client's. */
  protocolHeader(): void {
    writeProtocolHeader(this.#output.writer);
  }

  /** Tells of every method that is written. */
  watch(watcher: SendWatcher): void {
    this.#watchers = new Set([...(this.#watchers ?? []), watcher]);
  }

  /** Does so no more. */
  unwatch(watcher: SendWatcher): void {
    const left = new Set(this.#watchers);
    left.delete(watcher);
    this.#watchers = left.size > 0 ? left : undefined;
  }

  /** Hands everything to the socket if it takes more; false if too much waits to read input. */
  flush(): boolean {
    if (!this.#socket.writableNeedDrain) this.finish();
    return this.hasRoom;
  }

  /** Hands everything to the socket, whether it takes more or not. */
  finish(): void {
    const { line } = this;
    const socket = this.#socket;
    if (this.#output.length === 0 || !socket.writable) return;
    if (line !== undefined) {
      if (!line.idle) return line.write(Buffer.concat(this.#output.take()));
      this.line = undefined;
    }
    socket.cork();
    for (const piece of this.#output.take()) socket.write(piece);
    socket.uncork();
  }

  /** Hands everything to the socket and ends it. */
  end(): void {
    this.finish();
    if (this.line === undefined) this.#socket.end();
    else this.line.end();
  }

  #tell({ name }: ServerMethod, size: number): void {
    for (const watcher of this.#watchers ?? []) watcher(name, size);
  }
}

/** Is told of a method that was written, and how many octets it took with its content. */
export type SendWatcher = (method: ServerMethod["name"], size: number) => void;
