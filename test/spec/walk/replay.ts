/**
 * Plays a section of spec/walk.md: its program runs with the real client on a line in memory, hears
 * the server's frames as they stand in the document, and is listened to.
 */

import { closingOf, openingOf } from "../../../tools/walk/conversation.ts";
import type { DocumentedFrame, Section } from "../../../tools/walk/document.ts";
import { runProgram } from "../../../tools/walk/program.ts";
import { VirtualLine } from "../../support/virtual-line.ts";

/** How a section went. */
export interface Replay {
  /** Where the client wrote something else than the document has, or at another time. */
  readonly mistakes: readonly string[];
  /** What the program printed; what it failed with, if it did. */
  readonly output: readonly string[];
}

/** The whole conversation of a section, with what the document shows only once. */
export function conversationOf(section: Section, first: Section): readonly DocumentedFrame[] {
  if (section === first) return section.frames;
  const closing = section.isCut ? [] : closingOf(first.frames, section.frames);
  return [...openingOf(first.frames), ...section.frames, ...closing];
}

/** Plays a program with a conversation; where `isCut`, the stream ends behind the last frame. */
export async function replay(
  program: string,
  frames: readonly DocumentedFrame[],
  isCut: boolean,
): Promise<Replay> {
  const line = new VirtualLine();
  const listener = new Listener(line);
  const output = runProgram(program, {
    connect: (url) => line.dial(url),
    sleep: (ms) => new Promise((resolve) => void line.clock.after(ms, () => resolve(undefined))),
  }).catch((error: unknown) => [`failed: ${String(error)}`]);
  const mistakes: string[] = [];
  for (const [i, { sender, name, octets }] of frames.entries()) {
    const where = `frame ${i + 1}, ${sender} ${name}`;
    if (sender === "client") {
      const written = await listener.take(octets.length);
      const due = Buffer.from(octets).toString("hex");
      if (written !== due) mistakes.push(`${where}: the client writes ${written || "nothing"}`);
    } else {
      // What the server says in a row arrives in one piece.
      if (frames[i - 1]?.sender === "client") await line.quiet();
      if (listener.unheard !== "") mistakes.push(`before ${where}: ${listener.unheard}`);
      line.peer.write(octets);
    }
    if (mistakes.length > 0) break;
  }
  await line.quiet();
  if (isCut || mistakes.length > 0) line.peer.end();
  await line.quiet();
  while (line.clock.timers > 0) await line.pass(line.clock.next - line.clock.now());
  if (mistakes.length === 0 && listener.unheard !== "") {
    mistakes.push(`at the end the client writes ${listener.unheard}`);
  }
  return { mistakes, output: await line.run(output) };
}

/** Hears what the client writes, in hex. */
class Listener {
  readonly #line: VirtualLine;
  #heard = 0;

  constructor(line: VirtualLine) {
    this.#line = line;
  }

  /** What the client has written and nobody has taken. */
  get unheard(): string {
    const all = Buffer.concat(this.#line.written.map(({ octets }) => octets));
    return all.subarray(this.#heard).toString("hex");
  }

  /** The next octets, for which time may have to pass; fewer where they do not come. */
  async take(count: number): Promise<string> {
    await this.#line.quiet();
    while (this.unheard.length < 2 * count && this.#line.clock.timers > 0) {
      await this.#line.pass(this.#line.clock.next - this.#line.clock.now());
    }
    const taken = this.unheard.slice(0, 2 * count);
    this.#heard += taken.length / 2;
    return taken;
  }
}
