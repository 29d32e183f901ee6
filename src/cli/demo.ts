/**
 * `amqp091 demo`: publishing with confirms, seen with one's own eyes.
 *
 *   1. three ways of publishing persistent messages and waiting for the confirms (demo-ways.ts);
 *   2. the queue read back: is every confirmed message there, and just once (demo-read-back.ts)?
 *   3. what a publish can come to that is not confirmed (demo-outcomes.ts).
 *
 * It works on a durable queue of its own, which it deletes at the end, and which deletes itself an
 * hour later should it not get there.
 */
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { AbortError, UsageError } from "../errors.ts";
import { type Connection, connect } from "../index.ts";
import { parsing, wholeNumber } from "./arguments.ts";
import { type BrokerUrl, findBroker } from "./broker-url.ts";
import type { Command } from "./command.ts";
import { showOutcomes } from "./demo-outcomes.ts";
import { readBack } from "./demo-read-back.ts";
import { WAYS, type Way, WayBooks } from "./demo-ways.ts";
import { EXIT, type Io } from "./io.ts";
import { type Paint, paintFor } from "./paint.ts";
import { printable } from "./printable.ts";
import { Progress } from "./progress.ts";
import {
  type Column,
  formatCount,
  formatRate,
  formatRow,
  formatSeconds,
  formatTitles,
} from "./table.ts";
import { readVersion } from "./version.ts";

const HELP = `Publishes with confirms in three ways, reads everything back, and shows how publishes fail.

Usage: amqp091 demo [OPTIONS]

  --messages N   so many messages each way (default: ${WAYS.map(({ count }) => formatCount(count)).join(", ")}, or as many of
                 them as the broker confirms in three seconds)
  --url URL      the broker (default: AMQP_URL, else the embedded broker)

It uses a queue of its own and deletes it at the end. The exit code is 0 when every message was
confirmed and read back just once.
`;

/** The command. */
export const demo: Command = {
  name: "demo",
  summary: "publish with confirms in three ways, and read everything back",
  help: HELP,
  async run(args, io) {
    const { values, positionals } = parsing(() =>
      parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }),
    );
    if (positionals.length > 0) throw new UsageError("demo takes options only");
    const messages = wholeNumber(values.messages, "--messages", 1);
    const interrupt = new AbortController();
    const stopListening = io.onInterrupt(() => interrupt.abort());
    const broker = await findBroker(values.url, io.env);
    try {
      return await new Demo(io, broker, messages, interrupt.signal).run();
    } catch (error) {
      // While it connected; later than that it looks at the signal by itself.
      if (error instanceof AbortError) return EXIT.interrupted;
      throw error;
    } finally {
      stopListening();
      await broker.stop();
    }
  },
};

const OPTIONS = { messages: { type: "string" }, url: { type: "string" } } as const;

/** One run. */
class Demo {
  readonly #io: Io;
  readonly #broker: BrokerUrl;
  readonly #messages: number | undefined;
  readonly #signal: AbortSignal;
  readonly #paint: Paint;
  readonly #queue = `amqp091-demo-${randomBytes(4).toString("hex")}`;

  constructor(io: Io, broker: BrokerUrl, messages: number | undefined, signal: AbortSignal) {
    this.#io = io;
    this.#broker = broker;
    this.#messages = messages;
    this.#signal = signal;
    this.#paint = paintFor(io.stdout, io.env);
  }

  async run(): Promise<number> {
    const connection = await connect(this.#broker.url, {
      connectionName: "amqp091 demo",
      signal: this.#signal,
    });
    try {
      const channel = await connection.openChannel();
      await channel.queueDeclare(this.#queue, {
        durable: true,
        arguments: { "x-expires": QUEUE_EXPIRES_MS },
      });
      try {
        return await this.#onQueue(connection);
      } finally {
        // If that fails, so has something else that is better heard of; and the queue expires.
        await channel.queueDelete(this.#queue).catch(() => {});
      }
    } finally {
      await connection.close();
    }
  }

  async #onQueue(connection: Connection): Promise<number> {
    this.#introduce(connection);
    const books = await this.#publish(connection);
    if (this.#signal.aborted) return this.#interrupted();
    const complete = await this.#readBack(connection, books);
    if (this.#signal.aborted) return this.#interrupted();
    const truthful = await showOutcomes(connection, this.#paint, (line) => this.#say(line));
    return complete && truthful ? EXIT.ok : EXIT.failed;
  }

  #introduce({ serverProperties }: Connection): void {
    const { bold, dim } = this.#paint;
    const { description, embedded } = this.#broker;
    const product = ["product", "version"].flatMap((name) => serverProperties[name] ?? []);
    const broker = embedded
      ? `${description} ${dim("(AMQP_URL names another)")}`
      : printable([`${description},`, ...product].join(" "));
    this.#say(`${bold(`amqp091 ${readVersion()}`)}: publishing with confirms, in three ways`);
    this.#say("");
    this.#say(`Broker  ${broker}`);
    this.#say(`Queue   ${this.#queue}, durable; every message is persistent and mandatory`);
    this.#say("");
  }

  async #publish(connection: Connection): Promise<WayBooks[]> {
    const columns = this.#columns();
    this.#say(this.#paint.bold(formatTitles(columns)));
    const all: WayBooks[] = [];
    for (const way of WAYS) {
      if (this.#signal.aborted) break;
      const books = new WayBooks(way.name, this.#messages ?? way.count);
      all.push(books);
      await this.#publishOneWay(connection, way, books);
      this.#say(formatRow(columns, this.#cells(books)));
    }
    if (this.#messages === undefined && all.some((books) => books.published < books.count)) {
      this.#say(this.#paint.dim("A way that is not done in three seconds stops there."));
    }
    return all;
  }

  async #publishOneWay(connection: Connection, way: Way, books: WayBooks): Promise<void> {
    const progress = this.#progress(() => `${way.name}  ${formatCount(books.confirmed)} confirmed`);
    const start = performance.now();
    const end = this.#messages === undefined ? start + TIME_FOR_A_WAY_MS : Number.POSITIVE_INFINITY;
    const mayGoOn = (): boolean => !this.#signal.aborted && performance.now() < end;
    try {
      await way.publish({ connection, queue: this.#queue, books, mayGoOn });
    } finally {
      progress.stop();
    }
    books.ms = performance.now() - start;
  }

  async #readBack(connection: Connection, all: readonly WayBooks[]): Promise<boolean> {
    let count = 0;
    const progress = this.#progress(() => `reading back  ${formatCount(count)}`);
    const start = performance.now();
    const reading = readBack(connection, this.#queue, all, this.#signal, () => count++);
    const { missing, double, strange } = await reading.finally(() => progress.stop());
    if (this.#signal.aborted) return false;
    const ms = performance.now() - start;
    const { good, bad } = this.#paint;
    const confirmed = all.reduce((sum, books) => sum + books.confirmed, 0);
    const published = all.reduce((sum, books) => sum + books.published, 0);
    this.#say("");
    this.#say(`Read back ${formatCount(count)} messages in ${formatSeconds(ms)}:`);
    const complete = missing + double + strange === 0 && confirmed === published;
    const verdict = [
      `${formatCount(missing)} missing`,
      `${formatCount(double)} there twice`,
      ...(strange > 0 ? [`${formatCount(strange)} not ours`] : []),
      ...(confirmed < published ? [`${formatCount(published - confirmed)} never confirmed`] : []),
    ].join(", ");
    this.#say(complete ? good(`${verdict}: all that was confirmed is there, once`) : bad(verdict));
    return complete;
  }

  #columns(): Column[] {
    const most = formatCount(this.#messages ?? Math.max(...WAYS.map(({ count }) => count)));
    return [
      { title: "way", width: Math.max(...WAYS.map(({ name }) => name.length)) },
      { title: "messages", align: "right", width: most.length },
      { title: "confirmed", align: "right", width: most.length },
      { title: "returned", align: "right" },
      { title: "nacked", align: "right" },
      { title: "time", align: "right", width: 7 },
      { title: "a second", align: "right" },
    ];
  }

  #cells(books: WayBooks): string[] {
    const { name, published, confirmed, returned, nacked, ms } = books;
    const { good, bad, bold } = this.#paint;
    const colour = confirmed === published ? good : bad;
    return [
      name,
      formatCount(published),
      colour(formatCount(confirmed)),
      formatCount(returned),
      formatCount(nacked),
      formatSeconds(ms),
      bold(formatRate(confirmed, ms)),
    ];
  }

  #interrupted(): number {
    this.#say("");
    this.#say("Interrupted; the queue is deleted.");
    return EXIT.interrupted;
  }

  #progress(describe: () => string): Progress {
    const progress = new Progress(this.#io.stdout, this.#io.env, describe);
    progress.start();
    return progress;
  }

  #say(line: string): void {
    this.#io.stdout.write(`${line}\n`);
  }
}

/** Three ways, the reading and the rest together are done in about ten seconds then. */
const TIME_FOR_A_WAY_MS = 3000;
const QUEUE_EXPIRES_MS = 3_600_000;
