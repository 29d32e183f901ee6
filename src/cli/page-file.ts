/** The viewer's page as a file that is written while a conversation goes on. */
import { type FileHandle, open } from "node:fs/promises";
import { notice } from "../dissect/dissector.ts";
import type { Item } from "../dissect/model.ts";
import { ViewerPage } from "../viewer/viewer-page.ts";

/** Small pieces are gathered until there are so many characters. */
const PIECE = 262_144;

/**
 * A file with a page. It opens in a browser at any time after a {@link flush}, also when it was never
 * closed. One call at a time: wait for each.
 */
export class PageFile {
  readonly #file: FileHandle;
  readonly #page: ViewerPage;
  #pending: string;

  private constructor(file: FileHandle, page: ViewerPage) {
    this.#file = file;
    this.#page = page;
    this.#pending = page.begin();
  }

  /** Makes the file, or empties it; raises what the operating system says. */
  static async create(path: string, title: string): Promise<PageFile> {
    // A capture may hold secrets: for its owner alone, where it is new.
    return new PageFile(await open(path, "w", 0o600), new ViewerPage({ title }));
  }

  /** Adds items, in the order in which the dissector gave them. */
  async add(items: readonly Item[]): Promise<void> {
    this.#pending += this.#page.add(items);
    if (this.#pending.length >= PIECE) await this.flush();
  }

  /** Adds a line about the input. */
  addNotice(message: string): Promise<void> {
    return this.add([notice(message)]);
  }

  /** Writes what was added. */
  async flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = "";
    if (text !== "") await this.#file.appendFile(text);
  }

  /** Writes the end, and closes the file. */
  async close(): Promise<void> {
    try {
      this.#pending += this.#page.end();
      await this.flush();
    } finally {
      await this.#file.close();
    }
  }
}
