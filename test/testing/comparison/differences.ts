/**
 * Where the embedded broker answers differently from RabbitMQ, and means to: each difference is a
 * line in the documentation of startBroker(), and is expected here, so that neither can become
 * untrue unnoticed.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Step } from "./stage.ts";

/** Lines that follow each other within a step, and what follows instead. */
export interface Difference {
  readonly theirs: Step;
  readonly ours: Step;
}

/** By the words of startBroker()'s documentation, then by the title of the play. */
export const DIFFERENCES: Readonly<
  Record<string, Readonly<Record<string, readonly Difference[]>>>
> = JSON.parse(readFileSync(join(__dirname, "differences.json"), "utf8"));

/** What RabbitMQ alone says of itself: there is no direct reply-to. */
const ALONE = ',"direct_reply_to"';

/** RabbitMQ's steps with the documented differences; raises if one of them is none any more. */
export function asDocumented(title: string, theirs: readonly Step[]): Step[] {
  const due = new Set(Object.values(DIFFERENCES).flatMap((plays) => plays[title] ?? []));
  const steps = theirs.map((step) => {
    let lines: readonly string[] = step.map((line) => line.replace(ALONE, ""));
    for (const difference of due) {
      const at = indexOf(difference.theirs, lines);
      if (at === -1) continue;
      due.delete(difference);
      lines = lines.toSpliced(at, difference.theirs.length, ...difference.ours);
    }
    return lines;
  });
  if (due.size === 0) return steps;
  throw new Error(`RabbitMQ does not say ${JSON.stringify([...due].map((each) => each.theirs))}`);
}

function indexOf(run: Step, lines: Step): number {
  return lines.findIndex((_, at) => run.every((line, i) => lines[at + i] === line));
}
