/** The trace without a change to the program: `NODE_DEBUG=amqp091` and `AMQP091_TRACE=FILE`. */
import { subscribe } from "node:diagnostics_channel";
import { format as formatPath, parse as parsePath } from "node:path";
import { debuglog, inspect } from "node:util";
import { isMainThread, threadId } from "node:worker_threads";
import { readClientMethod, readServerMethod } from "../wire/generated/codec.ts";
import { readContentHeader } from "../wire/properties.ts";
import { Reader } from "../wire/reader.ts";
import {
  CONNECTION_CLOSED,
  FRAME_RECEIVED,
  FRAME_SENT,
  type TracedClose,
  type TracedFrame,
} from "./trace.ts";
import { traceTo } from "./trace-file.ts";

/** Does what the environment asks for; the first call does, and the others do nothing. */
export function traceFromEnvironment(): void {
  if (isDone) return;
  isDone = true;
  const log = debuglog("amqp091");
  if (log.enabled) {
    const onFrame = (message: unknown): void => log("%s", describeFrame(message as TracedFrame));
    subscribe(FRAME_SENT.name, onFrame);
    subscribe(FRAME_RECEIVED.name, onFrame);
    subscribe(CONNECTION_CLOSED.name, (message) => {
      const { connection, error } = message as TracedClose;
      log("%d closed%s", connection, error === undefined ? "" : `: ${error.message}`);
    });
  }
  const file = process.env["AMQP091_TRACE"];
  if (file) traceOrWarn(ownFile(file));
}

/**
 * Each process and each thread has a file of its own, for they would write over one another's: what the
 * name does not tell apart by `%p` or `%t` gets the number of the child process or of the worker before
 * its extension. A process is a child where the environment that it was given names another.
 */
function ownFile(pattern: string): string {
  const { pid } = process;
  process.env[FIRST_PROCESS] ??= String(pid);
  const apart: (string | number)[] = [];
  if (!pattern.includes("%p") && process.env[FIRST_PROCESS] !== String(pid)) apart.push(pid);
  if (!pattern.includes("%t") && !isMainThread) apart.push(`thread${threadId}`);
  const file = pattern.replaceAll("%p", String(pid)).replaceAll("%t", String(threadId));
  if (apart.length === 0) return file;
  const { dir, name, ext } = parsePath(file);
  return formatPath({ dir, name: [name, ...apart].join("-"), ext });
}

/** In the environment: which process was the first that was told to trace. */
const FIRST_PROCESS = "AMQP091_TRACE_FIRST_PROCESS";

let isDone = false;

/** Looking is no reason to keep a program from working. */
function traceOrWarn(file: string): void {
  try {
    traceTo(file);
  } catch (error) {
    process.emitWarning(`AMQP091_TRACE: ${(error as Error).message}`, "amqp091");
  }
}

/** A frame in one line, as in `1 -> channel 1 basic.publish { exchange: '', … }`. */
export function describeFrame(frame: TracedFrame): string {
  const { connection, direction, type, channel, method, octets } = frame;
  const arrow = direction === "sent" ? "->" : "<-";
  const what = [method ?? type, ...detailsOf(frame)].join(" ");
  const where = type === "protocol-header" || type === "undecodable" ? "" : `channel ${channel} `;
  return `${connection} ${arrow} ${where}${what} (${octets.length} octets)`;
}

function detailsOf({ type, direction, octets }: TracedFrame): string[] {
  try {
    const reader = new Reader(octets, 7, octets.length - 1);
    if (type === "method") {
      const read = direction === "sent" ? readClientMethod : readServerMethod;
      const { name, ...fields } = read(reader);
      return Object.keys(fields).length === 0 ? [] : [inLine(fields)];
    }
    if (type === "header") return [inLine(readContentHeader(reader))];
  } catch {
    // It is told of all the same, by its name and its size.
  }
  return [];
}

function inLine(value: object): string {
  const options = { breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200, depth: 4 };
  return inspect(value, { ...options, compact: true, maxArrayLength: 32 });
}
