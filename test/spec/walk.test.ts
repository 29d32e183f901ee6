/**
 * spec/walk.md is true: its frames are what the client and RabbitMQ say, its tables are what is in
 * them, its programs print what it says, and a changed digit does not go unnoticed.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import {
  type DocumentedFrame,
  readWalk,
  refillWalk,
  type Section,
} from "../../tools/walk/document.ts";
import { mistakesIn } from "./walk/check.ts";
import { conversationOf, type Replay, replay } from "./walk/replay.ts";

const markdown = readFileSync(join(process.cwd(), "spec", "walk.md"), "utf8");
const sections = readWalk(markdown);
const first = sections[0] as Section;

describe("spec/walk.md", () => {
  it("walks through a confirm, many at once, a return, a nack, an error and a cut", () => {
    expect(sections.map(({ frames }) => frames.at(-1)?.name)).to.deep.equal([
      "connection.close-ok",
      "basic.ack",
      "basic.ack",
      "basic.nack",
      "channel.close-ok",
      "body",
    ]);
  });

  for (const section of sections) {
    describe(section.title, () => {
      it("has frames that are what they are called, with tables that say what is in them", () => {
        for (const [i, frame] of section.frames.entries()) {
          expect(mistakesIn(frame), `frame ${i + 1}, ${frame.name}`).to.deep.equal([]);
        }
      });

      it("is what the client says and what the program prints", async () => {
        expect(await play(section)).to.deep.equal({ mistakes: [], output: section.output });
      });
    });
  }

  it("explains each frame of the server and of the first section", () => {
    for (const section of sections) {
      for (const { sender, name, table } of section.frames) {
        if (section === first || sender === "server") expect(table, name).not.to.equal(undefined);
      }
    }
  });

  it("says what the program is told wherever the line breaks", async () => {
    const told: string[][] = [];
    for (let count = 1; count <= first.frames.length; count++) {
      const { name } = first.frames[count - 1] as DocumentedFrame;
      told.push([name, await endingAfter(count)]);
    }
    expect(endingsIn(markdown)).to.deep.equal(told);
  });

  it("stays as it is when it is filled in with its own octets", () => {
    expect(refillWalk(markdown, sections)).to.equal(markdown);
  });

  describe("with a digit changed", () => {
    it("is wrong, whichever it is", () => {
      let digits = 0;
      for (const section of sections) {
        for (const frame of section.frames) {
          for (let at = 0; at < 2 * frame.octets.length; at++, digits++) {
            const octets = changeDigit(frame.octets, at);
            // A client's frame without a table is held against the client's octets alone.
            if (frame.sender === "client" && frame.table === undefined) continue;
            expect(mistakesIn({ ...frame, octets }), `${frame.name}, digit ${at}`).not.to.be.empty;
          }
        }
      }
      expect(digits).to.be.greaterThan(3000);
    }).timeout(20_000);

    it("is not what the client says, in any frame of the client", async () => {
      for (const [s, section] of sections.entries()) {
        for (const [f, { sender, octets }] of section.frames.entries()) {
          if (sender !== "client") continue;
          const changed = changeText(s, f, (7 * f) % (2 * octets.length));
          const { mistakes } = await playChanged(s, f, changed);
          expect(mistakes, `${section.title}, frame ${f + 1}`).not.to.be.empty;
        }
      }
    }).timeout(20_000);

    it("is not what the program prints, where it is in an answer", async () => {
      // A tag that was never issued, and another code than 312.
      for (const [s, name] of [
        [0, "basic.ack"],
        [3, "basic.nack"],
        [2, "basic.return"],
      ] as const) {
        const { frames, output } = sections[s] as Section;
        const f = frames.findIndex((frame) => frame.name === name);
        const at = name === "basic.return" ? 2 * 12 + 1 : 2 * 18;
        const replayed = await playChanged(s, f, changeText(s, f, at));
        expect(replayed.output, name).not.to.deep.equal(output);
      }
    });
  });
});

function play(section: Section): Promise<Replay> {
  return replay(section.program, conversationOf(section, first), section.isCut);
}

/** Plays a section with one of its frames as it is in another text. */
function playChanged(section: number, frame: number, text: string): Promise<Replay> {
  const { program, frames, isCut } = sections[section] as Section;
  const changed = readWalk(text)[section]?.frames[frame] as DocumentedFrame;
  const conversation = conversationOf(sections[section] as Section, first);
  const played = conversation.map((each) => (each === frames[frame] ? changed : each));
  return replay(program, played, isCut);
}

/** What the first program is told when the line breaks behind so many frames, in a few words. */
async function endingAfter(count: number): Promise<string> {
  const call = /await (?:connection\.|publisher\.)?(connect|openPublisher|publish)\(.*\)/g;
  const program = first.program.replace(call, (all, name) => `${all}.catch(failed("${name}()"))`);
  const { mistakes, output } = await replay(program + FAILED, first.frames.slice(0, count), true);
  // What the client says behind the cut is of no interest here.
  expect(mistakes.filter((mistake) => !mistake.startsWith("at the end"))).to.deep.equal([]);
  return (output[0] as string).replace("failed: Error: ", "");
}

const FAILED = `
  function failed(call) {
    return ({ name, phase, outcome }) => {
      const details = [phase && \`phase ${"$"}{phase}\`, outcome && \`outcome ${"$"}{outcome}\`];
      throw new Error([\`${"$"}{call} rejects: ${"$"}{name}\`, ...details.filter(Boolean)].join(", "));
    };
  }
`;

function endingsIn(text: string): string[][] {
  const table = /^\| the last frame that got through .*\n\| --- .*\n((?:\|.*\n)*)/m.exec(text)?.[1];
  const rows = (table ?? "").trimEnd().split("\n");
  return rows.map((row) => row.slice(2, -2).split(" | "));
}

function changeDigit(octets: Uint8Array, at: number): Uint8Array {
  const changed = Uint8Array.from(octets);
  changed[at >> 1] = (changed[at >> 1] as number) ^ (at % 2 === 0 ? 0x10 : 0x01);
  return changed;
}

/** The document with one digit of a frame's block changed. */
function changeText(section: number, frame: number, at: number): string {
  const before = sections.slice(0, section).reduce((sum, { frames }) => sum + frames.length, 0);
  let block = 0;
  return markdown.replaceAll(/^(```hex .*\n)([^`]*)/gm, (all, fence: string, hex: string) => {
    if (block++ !== before + frame) return all;
    let digit = 0;
    return fence + hex.replaceAll(/[0-9a-f]/g, (d) => (digit++ === at ? next(d) : d));
  });
}

function next(digit: string): string {
  return (Number.parseInt(digit, 16) ^ 1).toString(16);
}
