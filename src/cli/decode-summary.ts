/** What a conversation came to, in numbers. */
import type { Item } from "../dissect/model.ts";
import type { InputReport } from "./decode-input.ts";
import { count } from "./decode-values.ts";
import { formatTable } from "./table.ts";

/** The lines of a summary; none of a file that is none, of which there is nothing to sum up. */
export function summedUp(summary: ConversationSummary, { fault, others }: InputReport): string[] {
  const isNothing = fault !== undefined && summary.isEmpty && others === 0;
  return isNothing ? [] : summary.lines(others);
}

/** Counts the items of all conversations. */
export class ConversationSummary {
  /** Mistakes: events with an error, octets that are no frame, and gaps. */
  errors = 0;
  #connections = 0;
  #encrypted = new Set<number>();
  #frames = 0;
  #octets = 0;
  #undecodable = 0;
  #missing = 0;
  /** Gaps of which nobody knows how large they are. */
  #unknownGaps = 0;
  #published = 0;
  #delivered = 0;
  #acks = 0;
  #nacks = 0;
  #returns = 0;

  /** Whether there was nothing to count. */
  get isEmpty(): boolean {
    return this.#connections === 0;
  }

  /** Counts an item. */
  add(item: Item): void {
    if (item.kind === "message") {
      if (item.method === "basic.publish") this.#published++;
      else if (item.method !== "basic.return") this.#delivered++;
      else this.#returns++;
    } else if (item.kind === "link" && item.link === "confirm") {
      if (item.outcome === "ack") this.#acks++;
      else this.#nacks++;
    } else if (item.kind === "connection") {
      this.#connections = Math.max(this.#connections, item.id);
      if (item.state === "encrypted") this.#encrypted.add(item.id);
    } else if (item.kind === "event") {
      this.#octets += item.bytes.length;
      this.#missing += item.missing ?? 0;
      if (item.missing === 0) this.#unknownGaps++;
      if (item.type === "undecodable") this.#undecodable += item.bytes.length;
      else if (item.type !== "gap" && item.type !== "encrypted") this.#frames++;
      if (item.error !== undefined || item.type === "gap") this.errors++;
    }
  }

  /** The lines; `others` is how many TCP connections were something else. */
  lines(others: number): string[] {
    const rows: [string, number, string][] = [
      ["connections", this.#connections, this.#encryptedNote()],
      ["frames", this.#frames, `${count(this.#octets, "octet")} in all`],
      ["messages published", this.#published, ""],
      ["  confirmed", this.#acks, ""],
      ["  refused (nack)", this.#nacks, ""],
      ["  returned", this.#returns, ""],
      ["messages delivered", this.#delivered, ""],
      ["errors", this.errors, this.#errorNote()],
      ["other TCP connections", others, "no AMQP"],
    ];
    const always = ["connections", "frames", "errors"];
    const shown = rows.filter(([name, number]) => number > 0 || always.includes(name));
    const [, ...lines] = formatTable(
      [{ title: "" }, { title: "", align: "right" }, { title: "" }],
      shown.map(([name, number, note]) => [name, number.toLocaleString("en-US"), note]),
    );
    return lines;
  }

  #encryptedNote(): string {
    return this.#encrypted.size === 0 ? "" : `${this.#encrypted.size} encrypted`;
  }

  #errorNote(): string {
    const notes: string[] = [];
    if (this.#undecodable > 0) notes.push(`${count(this.#undecodable, "octet")} in no frame`);
    if (this.#missing > 0) notes.push(`${count(this.#missing, "octet")} missing`);
    if (this.#unknownGaps > 0) notes.push(`${count(this.#unknownGaps, "gap")} of unknown size`);
    return notes.join(", ");
  }
}
