/**
 * The books of `amqp091 publish`: how every message ended, and the summary that says so. The rows of
 * the summary answer what somebody who must decide about sending again wants to know.
 */
import { PublishError, type PublishOutcome } from "../errors.ts";
import type { AmqpError, Confirmation } from "../index.ts";
import type { Paint } from "./paint.ts";
import { printable } from "./printable.ts";
import { formatCount, formatRate, formatSeconds, formatTable } from "./table.ts";

/** How a message ended; `invalid` could not be sent to any broker. */
export type Ending = "confirmed" | PublishOutcome | "invalid";

/** Counts endings, and keeps the first few that were failures. */
export class PublishReport {
  readonly #counts = new Map<Ending, number>();
  readonly #failures: { readonly line: number; readonly text: string }[] = [];
  readonly #startedAt = performance.now();
  #lastLine = 0;

  /** A message was confirmed, or failed with an error. */
  settle(line: number, result: Confirmation | AmqpError): void {
    if (!(result instanceof Error)) {
      this.#count("confirmed", line);
      return;
    }
    this.#count(result instanceof PublishError ? result.outcome : "invalid", line);
    this.#keep(line, result);
  }

  /** A line was no message. */
  invalid(line: number, error: Error): void {
    this.#count("invalid", line);
    this.#keep(line, error);
  }

  /** Messages that did not end as they should. */
  get failed(): number {
    return this.total - this.#of("confirmed");
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The highest line that was dealt with. */
  get lastLine(): number {
    return this.#lastLine;
  }

  /** One line, while it goes on. */
  progress(): string {
    const endings = this.#rows().map(([ending, count]) => `${formatCount(count)} ${ending}`);
    const rate = formatRate(this.total, performance.now() - this.#startedAt);
    return [...(endings.length === 0 ? ["0 confirmed"] : endings), `${rate} a second`].join(", ");
  }

  /** The lines at the end; `stopped` says why the input was not read to its end. */
  summary(paint: Paint, stopped: string | undefined): string[] {
    const ms = performance.now() - this.#startedAt;
    const { total } = this;
    const title = `${plural(total, "message")} in ${formatSeconds(ms)}, ${formatRate(total, ms)} a second`;
    return [
      title,
      ...(total === 0 ? [] : formatTable(COLUMNS, this.#tableRows(paint))),
      ...this.#failureLines(),
      ...(stopped === undefined ? [] : [this.#stoppedLine(stopped)]),
    ];
  }

  #tableRows(paint: Paint): string[][] {
    return this.#rows().map(([ending, count]) => {
      const colour = ending === "confirmed" ? paint.good : paint.bad;
      return [colour(ending), formatCount(count), MEANINGS[ending]];
    });
  }

  /** In the order of the arguments' lines: failures come in the order in which they are known. */
  #failureLines(): string[] {
    const failures = [...this.#failures].sort((a, b) => a.line - b.line);
    const more = this.failed - failures.length;
    return [
      ...failures.map(({ line, text }) => `line ${formatCount(line)}: ${text}`),
      ...(more > 0 ? [`and ${formatCount(more)} more`] : []),
    ];
  }

  #stoppedLine(why: string): string {
    const where = this.#lastLine === 0 ? "before the first line" : `after line ${this.#lastLine}`;
    return `stopped ${where}, and published nothing that follows: ${printable(why)}`;
  }

  #rows(): (readonly [Ending, number])[] {
    return ENDINGS.map((ending) => [ending, this.#of(ending)] as const).filter(([, n]) => n > 0);
  }

  #of(ending: Ending): number {
    return this.#counts.get(ending) ?? 0;
  }

  #count(ending: Ending, line: number): void {
    this.#counts.set(ending, this.#of(ending) + 1);
    this.#lastLine = Math.max(this.#lastLine, line);
  }

  #keep(line: number, error: Error): void {
    if (this.#failures.length === FAILURES_SHOWN) return;
    this.#failures.push({ line, text: printable(error.message) });
  }
}

const FAILURES_SHOWN = 5;

const COLUMNS = [
  { title: "outcome" },
  { title: "messages", align: "right" },
  { title: "" },
] as const;

const MEANINGS: { readonly [E in Ending]: string } = {
  confirmed: "the broker has them",
  returned: "no queue took them; the broker does not have them",
  nacked: "the broker could not take them, perhaps only into one of several queues",
  refused: "the broker closed the channel because of this one",
  unprocessed: "sent after one that was refused; the broker does not have them",
  unsent: "never left this machine",
  unknown: "sent, and no answer came; the broker may or may not have them",
  invalid: "cannot be sent as they are; the broker does not have them",
};

const ENDINGS = Object.keys(MEANINGS) as Ending[];

function plural(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? "" : "s"}`;
}
