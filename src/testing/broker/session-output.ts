/**
 * What a session writes. Everything is gathered and handed to the socket in one go, because a write
 * costs far more than the frames in it.
 *
 * A socket that takes no more is a client that does not read. What is for it waits here, and if that
 * becomes too much its input is not read either until it has caught up, which bounds what waits:
 * without input, and without deliveries, there is no output.
 */
import type { Socket } from "node:net";
import { writeContent } from "../../wire/content.ts";
import { writeHeartbeatFrame, writeMethodFrame, writeProtocolHeader } from "../../wire/frame.ts";
import type { ContentMethod, ServerMethod } from "../../wire/generated/methods.ts";
import { Output } from "../../wire/output.ts";
import type { StoredMessage } from "./message.ts";
import { OUTPUT_LIMIT } from "./session-limits.ts";

/** Frames on their way to one client. */
export class SessionOutput {
  /** The largest frame to write, in octets. */
  frameMax: number;
  readonly #socket: Socket;
  readonly #output = new Output();
  #paused = false;

  constructor(socket: Socket, frameMax: number) {
    this.#socket = socket;
    this.frameMax = frameMax;
  }

  /** How many octets wait for {@link SessionOutput.flush}. */
  get length(): number {
    return this.#output.length;
  }

  /** Whether input is not read because the client does not read. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Whether so little waits that input may be read. */
  get hasRoom(): boolean {
    return this.#output.length <= OUTPUT_LIMIT;
  }

  /** A method frame. */
  method(channel: number, method: ServerMethod): void {
    writeMethodFrame(this.#output.writer, channel, method, this.frameMax);
  }

  /** A method with a message. */
  content(channel: number, method: ServerMethod & ContentMethod, message: StoredMessage): void {
    const { sentProperties, body } = message;
    writeContent(this.#output, channel, method, sentProperties, body, this.frameMax);
  }

  /** A heartbeat. */
  heartbeat(): void {
    writeHeartbeatFrame(this.#output.writer);
  }

  /** The protocol header, which is how a broker says that it does not speak the client's. */
  protocolHeader(): void {
    writeProtocolHeader(this.#output.writer);
  }

  /** Hands everything to the socket if it takes more; false if so much waits that input is paused. */
  flush(): boolean {
    if (!this.#socket.writableNeedDrain) this.finish();
    if (this.hasRoom) return true;
    this.#paused = true;
    this.#socket.pause();
    return false;
  }

  /** Hands everything to the socket, whether it takes more or not. */
  finish(): void {
    const socket = this.#socket;
    if (this.#output.length === 0 || !socket.writable) return;
    socket.cork();
    for (const piece of this.#output.take()) socket.write(piece);
    socket.uncork();
  }

  /** Reads input again, if so little waits that it may be read. */
  resume(): void {
    if (!this.hasRoom) return;
    this.#paused = false;
    this.#socket.resume();
  }
}
