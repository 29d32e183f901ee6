/**
 * `amqp091 publish`: the lines of a file into a queue, and the truth about each of them.
 *
 * The command is a wrapper of `publisher.publishAll()`: that reads the messages no faster than they
 * are confirmed, and tells how each ended. Messages that fail do not stop it, because a message that
 * came back says nothing about the next; the end of the channel or the connection does, and so does
 * Ctrl-C. Then what was under way is waited for, and the summary has a row for every way in which a
 * message ended.
 */
import type { Readable } from "node:stream";
import { AbortError, BatchError } from "../errors.ts";
import { type Connection, connect, type Message, type Publisher } from "../index.ts";
import { type BrokerUrl, findBroker } from "./broker-url.ts";
import { ByteWindow } from "./byte-window.ts";
import type { Command } from "./command.ts";
import { openInput } from "./input.ts";
import { EXIT, type Io } from "./io.ts";
import { declaringQueues, type NumberedMessage, readMessages } from "./messages.ts";
import { paintFor } from "./paint.ts";
import { printable } from "./printable.ts";
import { Progress } from "./progress.ts";
import { PUBLISH_HELP, type PublishArguments, parsePublishArguments } from "./publish-options.ts";
import { PublishReport } from "./publish-report.ts";

/** The command. */
export const publish: Command = {
  name: "publish",
  summary: "publish the lines of a file or of standard input, each confirmed",
  help: PUBLISH_HELP,
  async run(args, io) {
    const options = parsePublishArguments(args);
    const input = await openInput(options.file, io);
    input.on("error", () => {}); // whoever reads it hears of it, and nobody else needs to
    const interrupt = new AbortController();
    const stopListening = io.onInterrupt(() => interrupt.abort());
    try {
      return await publishInput(input, options, io, interrupt.signal);
    } finally {
      stopListening();
      // Standard input, if it is still open, would keep the process alive.
      input.destroy();
    }
  },
};

async function publishInput(
  input: Readable,
  options: PublishArguments,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const broker = await findBroker(options.url, io.env);
  try {
    sayWhatIsGoingOn(broker, options, io);
    const connection = await connect(broker.url, { connectionName: "amqp091 publish", signal });
    try {
      return await publishOver(connection, broker, input, options, io, signal);
    } finally {
      await connection.close();
    }
  } catch (error) {
    if (!(signal.aborted && error instanceof AbortError)) throw error;
    io.stderr.write("amqp091: interrupted before anything was published\n");
    return EXIT.interrupted;
  } finally {
    await broker.stop();
  }
}

function sayWhatIsGoingOn(broker: BrokerUrl, options: PublishArguments, io: Io): void {
  if (broker.embedded) {
    io.stderr.write(
      "amqp091: no AMQP_URL and no --url: using the embedded broker, which ends with this command\n",
    );
  }
  if (options.file === undefined && io.stdin.isTTY === true && !options.quiet) {
    io.stderr.write("amqp091: reading from the terminal; Ctrl-D ends the input\n");
  }
}

async function publishOver(
  connection: Connection,
  broker: BrokerUrl,
  input: Readable,
  options: PublishArguments,
  io: Io,
  signal: AbortSignal,
): Promise<number> {
  const { format, defaults, quiet, timeoutMs, maxUnconfirmed } = options;
  const channel = await connection.openChannel();
  // Better to hear of a wrong name now than to send thousands of messages there.
  if (defaults.exchange) {
    await channel.exchangeDeclare(defaults.exchange, "direct", { passive: true });
  }
  const publisher = await connection.openPublisher({ timeoutMs, maxUnconfirmed });
  const report = new PublishReport();
  const messages = readMessages(input, format, defaults, (line, error) =>
    report.invalid(line, error),
  );
  const routed = options.declare || broker.embedded ? declaringQueues(messages, channel) : messages;
  // What is typed at a terminal stands where the progress line would be.
  const stopped =
    quiet || (options.file === undefined && io.stdin.isTTY === true)
      ? await publishMessages(publisher, routed, report, signal)
      : await showingProgress(connection, report, io, signal, () =>
          publishMessages(publisher, routed, report, signal),
        );
  const complete = stopped === undefined && report.failed === 0;
  if (!complete || !quiet) {
    const reason = stopped === undefined ? undefined : describeStop(stopped);
    const lines = report.summary(paintFor(io.stderr, io.env), reason);
    io.stderr.write(lines.map((line) => `${line}\n`).join(""));
  }
  if (signal.aborted) return EXIT.interrupted;
  return complete ? EXIT.ok : EXIT.failed;
}

async function showingProgress<T>(
  connection: Connection,
  report: PublishReport,
  io: Io,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const progress = new Progress(io.stderr, io.env, () => {
    const { blockedReason } = connection;
    if (blockedReason !== undefined) return `blocked by the broker: ${printable(blockedReason)}`;
    return report.progress() + (signal.aborted ? "; waiting for the last confirms" : "");
  });
  connection.on("blocked", (reason) => {
    progress.clear();
    io.stderr.write(`amqp091: the broker reads nothing for now: ${printable(reason)}\n`);
  });
  progress.start();
  try {
    return await work();
  } finally {
    progress.stop();
  }
}

/** Publishes everything; the result is why it stopped before the end of the input, if it did. */
async function publishMessages(
  publisher: Publisher,
  messages: AsyncIterable<NumberedMessage>,
  report: PublishReport,
  signal: AbortSignal,
): Promise<unknown> {
  const window = new ByteWindow(MAX_BYTES_UNDER_WAY);
  try {
    await publisher.publishAll(window.pass(messages, sizeOf), {
      signal,
      stopOnFailure: false,
      onSettled(message, result) {
        window.release(sizeOf(message));
        report.settle((message as NumberedMessage).line, result);
      },
    });
    return undefined;
  } catch (error) {
    if (error instanceof BatchError) return error.cause;
    throw error;
  }
}

/** No bound for ordinary lines, of which the publisher has 4,096 under way; one for huge ones. */
const MAX_BYTES_UNDER_WAY = 67_108_864;

function sizeOf({ body }: Message): number {
  return body.length;
}

function describeStop(reason: unknown): string {
  if (reason instanceof AbortError) return "interrupted";
  return reason instanceof Error ? reason.message : String(reason);
}
