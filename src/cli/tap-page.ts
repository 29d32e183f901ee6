/** `amqp091 tap --html FILE`: a page that is written while the conversation goes on. */
import type { Item } from "../dissect/model.ts";
import { PageFile } from "./page-file.ts";

/** How many events wait for the disk at most; what comes then is left out of the page. */
const MAX_WAITING = 100_000;

/** Takes items without making anybody wait. */
export class LivePage {
  readonly #page: PageFile;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #leftOut = 0;
  #error: Error | undefined;

  private constructor(page: PageFile) {
    this.#page = page;
  }

  /** Makes the file, or empties it; rejects with the system's error where that cannot be done. */
  static async create(path: string, title: string): Promise<LivePage> {
    return new LivePage(await PageFile.create(path, title));
  }

  /** What kept it from writing on, if anything did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Takes the next items. */
  push(items: readonly Item[]): void {
    if (this.#error !== undefined) return;
    if (this.#waiting > MAX_WAITING) {
      this.#leftOut += items.length;
      return;
    }
    this.#waiting += items.length;
    this.#then(async () => {
      this.#waiting -= items.length;
      await this.#page.add(items);
    });
  }

  /** Resolves when all is on the disk, or nothing more can be. */
  async close(): Promise<void> {
    if (this.#leftOut > 0) {
      const message = `${this.#leftOut} items are not on this page: the disk was too slow`;
      this.#then(() => this.#page.addNotice(message));
    }
    await this.#last;
    await this.#page.close().catch((error: Error) => {
      this.#error ??= error;
    });
  }

  #then(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch((error: Error) => {
      this.#error ??= error;
    });
  }
}
