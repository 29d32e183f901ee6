/** The lines of single items, where no conversation that is short enough to write down has them. */
import { expect } from "chai";
import { ConversationText } from "../../src/cli/decode-text.ts";
import { paintFor } from "../../src/cli/paint.ts";
import type { EventItem, Field, LinkItem } from "../../src/dissect/model.ts";
import { TestIo } from "./test-io.ts";

function textOf(width: number): ConversationText {
  const paint = paintFor(new TestIo().stdout, { NO_COLOR: "1" });
  return new ConversationText({ paint, width, bytes: true, explain: false });
}

function eventWith(field: Field, size: number): EventItem {
  return {
    ...({ kind: "event", id: 1, connection: 1, from: "client", type: "header" } as const),
    ...{ time: undefined, offset: 0, channel: 1, method: undefined, missing: undefined },
    ...{ error: undefined, bytes: new Uint8Array(size), fields: [field] },
  };
}

function fieldOf(more: Partial<Field>): Field {
  return {
    ...({ name: "headers", part: "property", domain: "table", type: "table" } as const),
    ...{ value: undefined, offset: 0, length: 4, valueOffset: 4, ...more },
  };
}

describe("the text of a conversation", () => {
  it("says how soon and how late confirms came, of however many one method settles", () => {
    const text = textOf(100);
    const count = 130_000;
    const lines: string[] = [];
    for (let i = 1; i <= count; i++) {
      const latencyMs = i === count ? 1 : i === count - 1 ? 900 : 50;
      const link: LinkItem = {
        ...({ kind: "link", link: "confirm", connection: 1, channel: 1, first: i } as const),
        ...({ second: count + 1, latencyMs, deliveryTag: i, outcome: "ack" } as const),
      };
      lines.push(...text.lines(link));
    }
    expect(lines).to.deep.equal([]);
    expect(text.flush().join(" ").replaceAll(/\s+/g, " ")).to.include(
      "confirms 130,000 publishes #1 to #130000 (events 1 to 130000), 1.000 ms to 900.000 ms later",
    );
  });

  it("shows one more line of octets rather than say that it is left out, and no more than that", () => {
    const hexOf = (size: number): string[] => {
      const field = fieldOf({ name: "content", part: "body", type: "octets", length: size });
      const [, , ...lines] = textOf(100).lines(eventWith(field, size));
      return lines.map((line) => line.slice(8, 31).trimEnd());
    };
    const line = "00 00 00 00 00 00 00 00";
    expect(hexOf(72)).to.deep.equal(Array(9).fill(line));
    expect(hexOf(73)).to.deep.equal([...Array(8).fill(line), "… 9 octets more"]);
  });

  it("has room for names however deep a table is, and however narrow the terminal", () => {
    let field = fieldOf({ name: "deepest", type: "I", domain: "field-value", value: 1 });
    for (let i = 0; i < 40; i++) field = fieldOf({ name: `level-${i}`, children: [field] });
    for (const width of [80, 30]) {
      const lines = textOf(width).lines(eventWith(field, 4));
      expect(lines.at(-1)).to.match(/ deepest 1 \(I\)$/);
      expect(lines.at(-1)).to.have.length.at.most(80);
    }
  });
});
