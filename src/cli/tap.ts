/**
 * `amqp091 tap`: a proxy that shows the conversations that go through it, as decode shows captures.
 *
 * tap-proxy.ts carries the octets; here they are taken apart, after they are on their way, and shown,
 * counted and recorded. Nothing here can hold up a conversation but the work itself.
 */
import { Dissector, notice } from "../dissect/dissector.ts";
import { itemToJson } from "../dissect/json.ts";
import type { Item, Side } from "../dissect/model.ts";
import { whereTo } from "../transport/socket.ts";
import { describeCause } from "../transport/tls-errors.ts";
import type { Command } from "./command.ts";
import { ItemFilter } from "./decode-filter.ts";
import { ConversationSummary } from "./decode-summary.ts";
import { ConversationText } from "./decode-text.ts";
import { count, formatNotice } from "./decode-values.ts";
import { EXIT, type Io } from "./io.ts";
import { LiveOutput } from "./live-output.ts";
import { paintFor } from "./paint.ts";
import { parseTapArguments, TAP_HELP, type TapArguments } from "./tap-options.ts";
import { LivePage } from "./tap-page.ts";
import type { PairListener } from "./tap-pair.ts";
import { type ProxyListener, TapProxy } from "./tap-proxy.ts";
import { Recorder } from "./tap-record.ts";

/** The command. */
export const tap: Command = {
  name: "tap",
  summary: "show what clients and a broker say to each other, as a proxy in between",
  help: TAP_HELP,
  async run(args, io) {
    const stopped = interruption(io);
    try {
      return await serve(await parseTapArguments(args, io.env), io, stopped.promise);
    } finally {
      stopped.forget();
    }
  },
};

async function serve(options: TapArguments, io: Io, stopped: Promise<void>): Promise<number> {
  const { proxy: proxyOptions, record, html, summary, json } = options;
  const { listen, to, toTls } = proxyOptions;
  const target = `${whereTo(to)}${toTls === undefined ? "" : " with TLS"}`;
  const recorder =
    record === undefined
      ? undefined
      : await Recorder.open(record, `amqp091 tap of ${target}; the server's port is shown as 5672`);
  const page = html === undefined ? undefined : await LivePage.create(html, `tap of ${target}`);
  const view = new LiveView(options, io, recorder, page);
  const proxy = await TapProxy.start(proxyOptions, view).catch(async (error: unknown) => {
    await Promise.all([recorder?.close(), page?.close()]);
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EADDRINUSE") throw error;
    return undefined;
  });
  if (proxy === undefined) {
    io.stderr.write(
      `amqp091: port ${listen.port} of ${listen.hostname} is in use; --listen names another, and 0 takes one that is free\n`,
    );
    return EXIT.failed;
  }
  const where = whereTo({ hostname: listen.hostname, port: proxy.port });
  const tls = proxyOptions.listenTls === undefined ? "" : " with TLS";
  io.stderr.write(`amqp091: listening on ${where}${tls}, to ${target}; Ctrl-C ends it\n`);
  await stopped;
  await proxy.close();
  await view.end(summary && !json);
  await Promise.all([recorder?.close(), page?.close()]);
  const error = recorder?.error ?? page?.error;
  if (error === undefined) return EXIT.ok;
  io.stderr.write(`amqp091: the recording is not complete: ${describeCause(error)}\n`);
  return EXIT.failed;
}

/** Takes apart what goes through the proxy, and shows it. */
class LiveView implements ProxyListener {
  readonly #options: TapArguments;
  readonly #io: Io;
  readonly #recorder: Recorder | undefined;
  readonly #page: LivePage | undefined;
  readonly #dissector: Dissector;
  readonly #filter: ItemFilter;
  readonly #text: ConversationText;
  readonly #summary = new ConversationSummary();
  readonly #output: LiveOutput;

  constructor(
    options: TapArguments,
    io: Io,
    recorder: Recorder | undefined,
    page: LivePage | undefined,
  ) {
    const { showSecrets, explain, bytes, filter } = options;
    const paint = paintFor(io.stdout, io.env);
    this.#options = options;
    this.#io = io;
    this.#recorder = recorder;
    this.#page = page;
    this.#dissector = new Dissector({ showSecrets, explain });
    this.#filter = new ItemFilter(filter);
    this.#text = new ConversationText({ paint, width: io.stdout.columns ?? 100, bytes, explain });
    this.#output = new LiveOutput(io.stdout, (dropped) => {
      const message = `${count(dropped, "event")} not shown here: the output was too slow`;
      return this.#format([notice(message, undefined, now())]);
    });
  }

  opened(client: string, server: string): PairListener {
    const opened = this.#dissector.open({ client, server, time: now() });
    const { id } = opened;
    this.#show([opened]);
    let last: Side = "client";
    return {
      octets: (from, bytes) => this.#show(this.#dissector.push(id, from, bytes, now())),
      ended: (from) => {
        last = from;
        this.#show(this.#dissector.endSide(id, from, now()));
      },
      closed: (reset) => {
        const time = now();
        const why = reset && describeReset(reset.by, reset.cause);
        const told = why === undefined ? [] : [notice(why, id, time)];
        this.#show([...told, ...this.#dissector.end(id, time)]);
        this.#recorder?.endConnection(id, reset?.by ?? last, reset ? "reset" : "end", time);
      },
    };
  }

  refused(client: string, why: string): void {
    this.#show([notice(`${client} was closed: ${why}`, undefined, now())]);
  }

  /** What is left, and the summary. */
  async end(withSummary: boolean): Promise<void> {
    this.#show(this.#dissector.endAll(now()));
    const lines = withSummary ? ["", ...this.#summary.lines(0), ""] : [];
    await this.#output.end(lines.join("\n"), LAST_WORDS_MS);
  }

  #show(items: readonly Item[]): void {
    if (items.length === 0) return;
    for (const item of items) this.#summary.add(item);
    this.#recorder?.push(items);
    this.#page?.push(items);
    if (this.#options.quiet) this.#showTrouble(items);
    else {
      const shown = items.filter((item) => this.#filter.shows(item));
      const events = shown.filter(({ kind }) => kind === "event").length;
      this.#output.write(events, () => this.#format(shown));
    }
  }

  #format(items: readonly Item[]): string {
    const lines = this.#options.json
      ? items.map(itemToJson)
      : [...items.flatMap((item) => this.#text.lines(item)), ...this.#text.flush()];
    return lines.map((line) => `${line}\n`).join("");
  }

  /** What went wrong, for those who want to see nothing else. */
  #showTrouble(items: readonly Item[]): void {
    for (const item of items) {
      if (item.kind !== "notice") continue;
      this.#io.stderr.write(`amqp091: ${formatNotice(item)}\n`);
    }
  }
}

/** How long a reader may take for the last lines, in milliseconds. */
const LAST_WORDS_MS = 2000;

function describeReset(by: Side, cause: Error | undefined): string {
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  if (cause === undefined || code === "ECONNRESET") return `the ${by} reset it`;
  return `it broke off at the ${by}: ${describeCause(cause)}`;
}

/** Milliseconds since 1970, with a fraction. */
function now(): number {
  return performance.timeOrigin + performance.now();
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
