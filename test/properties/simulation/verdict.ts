/** One schedule, played and judged. */
import { type Judgement, judge } from "./judge/court.ts";
import { play, type Run } from "./play/simulation.ts";
import { print } from "./printout.ts";
import type { Schedule } from "./schedule.ts";
import type { Entry } from "./transcript.ts";
import { contradictions } from "./truth.ts";

/** What became of a schedule. */
export interface Verdict {
  /** Whatever is wrong, in words; the numbers of entries are those of the transcript. */
  readonly problems: readonly string[];
  readonly judgement: Judgement;
  /** For people. */
  readonly printout: string;
}

/** Plays a schedule and judges what the client said. */
export async function playAndJudge(schedule: Schedule): Promise<Verdict> {
  const run = await play(schedule);
  return judgeRun(schedule, run, run.transcript);
}

/** Judges what was said in a run, or what a liar would have said. */
export function judgeRun(
  schedule: Schedule,
  { broker }: Run,
  transcript: readonly Entry[],
): Verdict {
  const { frameMax } = schedule.broker;
  const judgement = judge(transcript, schedule.broker, frameMax);
  return {
    problems: [...judgement.problems, ...contradictions(transcript, judgement, broker)],
    judgement,
    get printout() {
      return print(transcript, frameMax);
    },
  };
}
