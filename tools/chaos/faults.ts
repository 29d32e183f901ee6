/** Every fault, in the order in which they are played. */
import type { Fault } from "./fault.ts";
import { ALARM, ALARM_CUT } from "./faults/alarm.ts";
import { CLOSE, EXPEL } from "./faults/closed.ts";
import { KILL } from "./faults/kill.ts";
import { OVERFLOW } from "./faults/overflow.ts";
import { DELETE, REFUSE } from "./faults/refused.ts";
import { CUT, RESET } from "./faults/severed.ts";
import { SPLIT, STALL } from "./faults/slow.ts";

/** The kill is last: its queues are to be old by then. */
export const FAULTS: readonly Fault[] = [
  ...[CUT, RESET, STALL, SPLIT],
  ...[OVERFLOW, DELETE, REFUSE],
  ...[CLOSE, EXPEL, ALARM, ALARM_CUT],
  KILL,
];
