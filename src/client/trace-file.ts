/** What goes over the wire, written down for `amqp091 decode` and its viewer. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { closeSync, openSync, writeSync } from "node:fs";
import {
  CONNECTION_CLOSED,
  FRAME_RECEIVED,
  FRAME_SENT,
  type TracedClose,
  type TracedFrame,
} from "./trace.ts";

/** Options of {@link traceTo}. */
export interface TraceOptions {
  /** Writes passwords as they are; default false, which writes as many `*`. */
  readonly showSecrets?: boolean | undefined;
}

/** A file that is being written. */
export interface Trace {
  /** Ends it; what went over the wire so far is in the file. */
  stop(): void;
}

/**
 * Writes all frames of all connections of this process into a file, from now on: one JSON object on
 * each line, as `amqp091 tap --record` does. `amqp091 decode FILE` shows what is in it.
 *
 * Each frame is in the file before the next thing happens, also when the process then crashes: this is
 * for looking for a mistake, and slow. The same without a change to the program: the environment
 * variable `AMQP091_TRACE=FILE`, in which `%p` stands for the number of the process and `%t` for that of
 * the thread. Without them child processes and workers write to files beside it, with these numbers in
 * their names.
 *
 * @param file Is emptied first. It has the messages in it, and no passwords unless asked for.
 * @throws The system's error where the file cannot be opened. If it cannot be written to later, the
 *   trace ends with a warning of the process.
 */
export function traceTo(file: string, options: TraceOptions = {}): Trace {
  const { showSecrets = false } = options;
  const descriptor = openSync(file, "w", 0o600); // the messages are for its owner alone
  const known = new Set<number>();
  let isOpen = true;
  const write = (item: object): void => {
    if (!isOpen) return;
    try {
      writeSync(descriptor, `${JSON.stringify(item)}\n`);
    } catch (error) {
      stop();
      process.emitWarning(`the trace in ${file} ends here: ${(error as Error).message}`, "amqp091");
    }
  };
  const onFrame = (message: unknown): void => {
    const frame = message as TracedFrame;
    const { connection, direction, time, type, channel, method } = frame;
    if (!known.has(connection)) {
      known.add(connection);
      const { client, server } = frame;
      const state = type === "protocol-header" ? "handshake" : "unknown";
      write({ kind: "connection", id: connection, client, server, state, time });
    }
    const octets = showSecrets ? frame.octetsWithSecrets : frame.octets;
    const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("hex");
    const from = direction === "sent" ? "client" : "server";
    write({ kind: "event", connection, from, time, type, channel, method, bytes });
  };
  const onClose = (message: unknown): void => {
    const { connection: id, time } = message as TracedClose;
    if (known.delete(id)) write({ kind: "connection", id, state: "closed", time });
  };
  const stop = (): void => {
    if (!isOpen) return;
    isOpen = false;
    unsubscribe(FRAME_SENT.name, onFrame);
    unsubscribe(FRAME_RECEIVED.name, onFrame);
    unsubscribe(CONNECTION_CLOSED.name, onClose);
    closeSync(descriptor);
  };
  subscribe(FRAME_SENT.name, onFrame);
  subscribe(FRAME_RECEIVED.name, onFrame);
  subscribe(CONNECTION_CLOSED.name, onClose);
  return { stop };
}
