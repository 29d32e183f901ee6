/** All plays. */
import { consuming } from "./consuming.ts";
import { queues } from "./queues.ts";
import type { Play } from "./stage.ts";
import { transactions } from "./transactions.ts";

export const PLAYS: Readonly<Record<string, Play>> = { ...consuming, ...transactions, ...queues };
