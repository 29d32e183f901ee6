/** All plays. */
import { connecting } from "./connecting.ts";
import { consuming } from "./consuming.ts";
import { declaring } from "./declaring.ts";
import { errors } from "./errors.ts";
import { exchanges } from "./exchanges.ts";
import { publishing } from "./publishing.ts";
import { queues } from "./queues.ts";
import type { Play } from "./stage.ts";
import { transactions } from "./transactions.ts";

export const PLAYS: Readonly<Record<string, Play>> = {
  ...consuming,
  ...transactions,
  ...queues,
  ...exchanges,
  ...declaring,
  ...publishing,
  ...errors,
  ...connecting,
};
