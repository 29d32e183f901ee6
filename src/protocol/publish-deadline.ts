/** The deadline of a publish: until then its confirm has to come. */
import { TimeoutError, withoutStackTrace } from "../errors.ts";
import type { Timed } from "./patient-deadlines.ts";
import type { Publication } from "./publication.ts";
import type { PublishWindow } from "./publish-window.ts";

/** Releases the publish when it passes: as `unsent` while it waits, as `unknown` once it was sent. */
export class PublishDeadline implements Timed {
  readonly #publication: Publication;
  readonly #window: PublishWindow;
  readonly #timeoutMs: number;

  constructor(publication: Publication, window: PublishWindow, timeoutMs: number) {
    this.#publication = publication;
    this.#window = window;
    this.#timeoutMs = timeoutMs;
  }

  get isOver(): boolean {
    return this.#publication.told;
  }

  expire(): void {
    const message = `no confirm came within ${this.#timeoutMs} ms`;
    const error = withoutStackTrace(() => new TimeoutError(message));
    this.#window.release(this.#publication, error);
  }
}
