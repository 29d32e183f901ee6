/**
 * What a session writes. Everything is gathered and handed to the socket in one go, because a write
 * costs far more than the frames in it.
 *
 * A socket that takes no more is a client that does not read. Then its input is not read either
 * until it has caught up, which bounds what waits for it here: without input there is no output.
 */
import type { Socket } from "node:net";
import { writeContent } from "../../wire/content.ts";
import { writeHeartbeatFrame, writeMethodFrame, writeProtocolHeader } from "../../wire/frame.ts";
import type { ContentMethod, ServerMethod } from "../../wire/generated/methods.ts";
import { Output } from "../../wire/output.ts";
import type { StoredMessage } from "./message.ts";

/** Frames on their way to one client. */
export class SessionOutput {
  /** The largest frame to write, in octets. */
  frameMax: number;
  readonly #socket: Socket;
  readonly #output = new Output();
  #stalled = false;

  constructor(socket: Socket, frameMax: number) {
    this.#socket = socket;
    this.frameMax = frameMax;
  }

  /** How many octets wait for {@link SessionOutput.flush}. */
  get length(): number {
    return this.#output.length;
  }

  /** Whether input is not read because the client does not read. */
  get stalled(): boolean {
    return this.#stalled;
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

  /** Hands everything to the socket; false if it takes no more, and then input is paused. */
  flush(): boolean {
    const socket = this.#socket;
    if (this.#output.length > 0 && socket.writable) {
      socket.cork();
      for (const piece of this.#output.take()) socket.write(piece);
      socket.uncork();
    }
    if (!socket.writableNeedDrain) return true;
    this.#stalled = true;
    socket.pause();
    return false;
  }

  /** The socket takes more again. True if that ends a stall; {@link resume} then reads on. */
  drained(): boolean {
    const { stalled } = this;
    this.#stalled = false;
    return stalled;
  }

  /** Reads input again, unless there was a new stall. */
  resume(): void {
    if (!this.#stalled) this.#socket.resume();
  }
}
