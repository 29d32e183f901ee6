/**
 * `amqp091 broker`: the embedded broker in a terminal, for clients that want something to talk to.
 *
 * Its URL goes to standard output, so that a script can read it; what happens goes to standard error.
 */
import { type BrokerEvent, type EmbeddedBroker, startBroker } from "../testing.ts";
import { describeEvent, describeQueues } from "./broker-log.ts";
import { BROKER_HELP, type BrokerArguments, parseBrokerArguments } from "./broker-options.ts";
import type { Command } from "./command.ts";
import { EXIT, type Io } from "./io.ts";
import { paintFor } from "./paint.ts";

/** The command. */
export const broker: Command = {
  name: "broker",
  summary: "run the embedded broker until Ctrl-C",
  help: BROKER_HELP,
  async run(args, io) {
    const settings = parseBrokerArguments(args);
    const stopped = interruption(io);
    try {
      return await serve(settings, io, stopped.promise);
    } finally {
      stopped.forget();
    }
  },
};

async function serve(
  { options, quiet, verbose }: BrokerArguments,
  io: Io,
  stopped: Promise<void>,
): Promise<number> {
  const paint = paintFor(io.stderr, io.env);
  const say = (text: string): void => {
    if (!quiet) io.stderr.write(`${paint.dim(timeOfDay())} ${text}\n`);
  };
  const onEvent = (event: BrokerEvent): void => {
    const text = describeEvent(event, verbose, paint);
    if (text !== undefined) say(text);
  };
  const running = await startBroker({ ...options, onEvent }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return undefined;
  });
  if (running === undefined) {
    const taken = `port ${options.port} of ${options.host ?? "127.0.0.1"} is in use`;
    io.stderr.write(`amqp091: ${taken}; --port names another, and 0 takes one that is free\n`);
    return EXIT.failed;
  }
  io.stdout.write(`${running.url}\n`);
  if (!quiet) io.stderr.write("amqp091: the broker runs; Ctrl-C ends it\n");
  const counts = verbose ? sayCounts(running, options.vhosts ?? ["/"], say) : undefined;
  await stopped;
  clearInterval(counts);
  await running.stop();
  if (!quiet) io.stderr.write("amqp091: the broker has stopped\n");
  return EXIT.ok;
}

/** Once a second, if it is not what was said last. */
function sayCounts(
  running: EmbeddedBroker,
  vhosts: readonly string[],
  say: (text: string) => void,
): NodeJS.Timeout {
  let last = describeQueues(running, vhosts);
  return setInterval(() => {
    const text = describeQueues(running, vhosts);
    if (text !== last) say(text);
    last = text;
  }, 1000);
}

/** Ctrl-C, or whoever wants the process to end. */
function interruption(io: Io): { readonly promise: Promise<void>; forget(): void } {
  let tell: () => void = () => {};
  const promise = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const forgetInterrupt = io.onInterrupt(tell);
  const forgetTerminate = io.onTerminate(tell);
  return {
    promise,
    forget() {
      forgetInterrupt();
      forgetTerminate();
    },
  };
}

/** `13:05:59`, as clocks here have it. */
function timeOfDay(): string {
  return new Date().toTimeString().slice(0, 8);
}
