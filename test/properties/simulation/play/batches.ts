/**
 * Calls of publishAll(), and the iterables that they read: one that gives its messages at once, one
 * that gives them in promises, and those that are fed by the schedule.
 */
import type { PublishOptions } from "../../../../src/client/publish-options.ts";
import type { Publisher } from "../../../../src/client/publisher.ts";
import { BatchError, PublishError, UsageError } from "../../../../src/errors.ts";
import type { MessageKind } from "../messages.ts";
import type { ApplicationStep } from "../schedule.ts";
import { confirmedWith, reasonOf, sayingOf } from "../transcript.ts";
import type { World } from "./world.ts";

/** A message as publishAll() takes it. */
export interface BatchMessage extends PublishOptions {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Uint8Array | string;
}

/** What a batch needs of the application. */
export interface BatchHost {
  /** Records that a message is published and gives it with its id. */
  give(kind: MessageKind): { readonly id: number; readonly message: BatchMessage };
  readonly signal: AbortSignal | undefined;
}

type BatchStep = Extract<ApplicationStep, { do: "publish all" }>;

/** The calls of publishAll() of one run. */
export class Batches {
  readonly #world: World;
  readonly #fed: Source[] = [];
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get nextNumber(): number {
    return this.#count;
  }

  start(publisher: Publisher, step: BatchStep, host: BatchHost): void {
    const batch = this.#count++;
    const ids = new Map<BatchMessage, number>();
    const give = (kind: MessageKind): BatchMessage => {
      const { id, message } = host.give(kind);
      ids.set(message, id);
      return message;
    };
    const source = new Source(this.#world, batch, step, give);
    if (step.source === "fed" || step.source === "stubborn") this.#fed.push(source);
    const promise = publisher.publishAll(source.iterable(), {
      stopOnFailure: step.stopOnFailure,
      signal: host.signal,
      onSettled: (message, result) => {
        const failed = result instanceof PublishError || result instanceof UsageError;
        const saying = failed ? sayingOf(result) : confirmedWith(result.deliveryTag);
        this.#world.record({ what: "said", id: ids.get(message) as number, saying });
      },
    });
    const over = { what: "batch over", batch } as const;
    promise.then(
      ({ confirmed }) =>
        this.#world.record({ ...over, confirmed, failed: 0, failures: [], cause: undefined }),
      (error) => {
        if (!(error instanceof BatchError)) return this.#world.mistake(`publishAll(): ${error}`);
        const { confirmed, failed, cause } = error;
        const failures = (error as BatchError<BatchMessage>).failures.map((failure) => ({
          id: ids.get(failure.message as BatchMessage),
          saying: { ...sayingOf(failure.error), deliveryTag: failure.deliveryTag },
        }));
        this.#world.record({ ...over, confirmed, failed, failures, cause: reasonOf(cause) });
      },
    );
    this.#world.expect(`publishAll() ${batch}`, promise);
  }

  /** Gives one of those that are fed what it was asked for. */
  feed(by: number): void {
    const hungry = this.#fed.filter((source) => source.isHungry);
    hungry[by % hungry.length]?.feed();
  }
}

type Result = IteratorResult<BatchMessage, undefined>;

/** The messages of one batch. */
class Source {
  readonly #world: World;
  readonly #batch: number;
  readonly #step: BatchStep;
  readonly #give: (kind: MessageKind) => BatchMessage;
  #given = 0;
  #answer: { resolve: (result: Result) => void; reject: (error: Error) => void } | undefined;

  constructor(
    world: World,
    batch: number,
    step: BatchStep,
    give: (kind: MessageKind) => BatchMessage,
  ) {
    this.#world = world;
    this.#batch = batch;
    this.#step = step;
    this.#give = give;
  }

  iterable(): Iterable<BatchMessage> | AsyncIterable<BatchMessage> {
    const { source } = this.#step;
    if (source === "sync") {
      return {
        [Symbol.iterator]: () => ({ next: () => this.#next(), return: () => this.#giveUp() }),
      };
    }
    const next = source === "async" ? async () => this.#next() : () => this.#wait();
    return {
      [Symbol.asyncIterator]: () => ({ next, return: async () => this.#giveUp() }),
    };
  }

  /** Whether it was asked for something and has not answered. */
  get isHungry(): boolean {
    return this.#answer !== undefined;
  }

  feed(): void {
    const { resolve, reject } = this.#answer ?? {};
    this.#answer = undefined;
    try {
      resolve?.(this.#result());
    } catch (error) {
      reject?.(error as Error);
    }
  }

  #next(): Result {
    this.#world.record({ what: "reads", batch: this.#batch });
    return this.#result();
  }

  #wait(): Promise<Result> {
    this.#world.record({ what: "reads", batch: this.#batch });
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  #result(): Result {
    const nth = this.#given++;
    const kind = this.#step.kinds[nth];
    const ends = { what: "source ends", batch: this.#batch } as const;
    if (nth === this.#step.throwsAt) {
      this.#world.record({ ...ends, how: "throws" });
      throw new Error("the source broke");
    }
    if (kind === undefined) {
      this.#world.record({ ...ends, how: "done" });
      return DONE;
    }
    const give = this.#give;
    let message: BatchMessage | undefined;
    return {
      done: false,
      /** It counts as published when it is looked at: what came too late never is. */
      get value() {
        message ??= give(kind);
        return message;
      },
    };
  }

  #giveUp(): Result {
    this.#world.record({ what: "gives up", batch: this.#batch });
    if (this.#step.source === "stubborn") return DONE;
    this.#answer?.resolve(DONE);
    this.#answer = undefined;
    return DONE;
  }
}

const DONE: Result = { done: true, value: undefined };
