/**
 * What a publish can come to when nobody takes the message: the three cases that need nothing but a
 * wrong name. Each is tried, and what comes of it is shown in the words of its error.
 */
import { randomBytes } from "node:crypto";
import { PublishError } from "../errors.ts";
import type { Connection } from "../index.ts";
import type { Paint } from "./paint.ts";
import { printable } from "./printable.ts";
import { formatTable, wrap } from "./table.ts";

/** Tries and shows them; false if one came out differently than it must. */
export async function showOutcomes(
  connection: Connection,
  paint: Paint,
  say: (line: string) => void,
): Promise<boolean> {
  const nowhere = `nowhere-${randomBytes(2).toString("hex")}`;
  const results: Result[] = [];
  for (const trial of TRIALS) results.push(await attempt(connection, trial, nowhere));

  const { bold, dim, good, bad } = paint;
  const [titles = "", ...rows] = formatTable(
    COLUMNS,
    results.map(({ trial, outcome, has }) => {
      const colour = outcome === trial.expected ? good : bad;
      return [trial.what, colour(outcome), has];
    }),
  );
  say("");
  say(bold(titles));
  results.forEach(({ says }, i) => {
    say(rows[i] ?? "");
    for (const line of wrap(printable(says), TEXT_WIDTH)) say(dim(`  ${line}`));
  });
  return results.every(({ trial, outcome }) => outcome === trial.expected);
}

const COLUMNS = [
  { title: "a message that nobody takes" },
  { title: "outcome" },
  { title: "can the broker have it?" },
] as const;

const TEXT_WIDTH = 72;

const TRIALS: readonly Trial[] = [
  { what: "mandatory, to no queue", toExchange: false, mandatory: true, expected: "returned" },
  {
    what: "to an exchange that is not there",
    toExchange: true,
    mandatory: true,
    expected: "refused",
  },
  {
    what: "not mandatory, to no queue",
    toExchange: false,
    mandatory: false,
    expected: "confirmed",
  },
];

interface Trial {
  readonly what: string;
  /** To an exchange that does not exist, else to a queue that does not exist. */
  readonly toExchange: boolean;
  readonly mandatory: boolean;
  readonly expected: string;
}

interface Result {
  readonly trial: Trial;
  readonly outcome: string;
  /** Whether the broker can have the message. */
  readonly has: string;
  readonly says: string;
}

async function attempt(connection: Connection, trial: Trial, nowhere: string): Promise<Result> {
  // One of its own: the broker closes the channel of a publish that it refuses.
  const publisher = await connection.openPublisher();
  try {
    const { toExchange, mandatory } = trial;
    const exchange = toExchange ? nowhere : "";
    await publisher.publish(exchange, nowhere, "hello world", { deliveryMode: 2, mandatory });
    const says =
      "no error: it is confirmed as soon as it is dropped. Mandatory is there to hear of it";
    return { trial, outcome: "confirmed", has: "no, it dropped it", says };
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    const { outcome, mayBeDelivered, message } = error;
    return { trial, outcome, has: mayBeDelivered ? "perhaps" : "no", says: message };
  } finally {
    await publisher.close();
  }
}
