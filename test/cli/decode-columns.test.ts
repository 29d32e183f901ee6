/** What decode shows on terminals of several widths: nothing is wider, and nothing is lost. */
import { join } from "node:path";
import { expect } from "chai";
import { runCommandLine } from "../../src/cli/commands.ts";
import { itemToJson } from "../../src/dissect/json.ts";
import { dissect, eventsOf, methodFrame, publishFrames } from "../dissect/support.ts";
import { TestIo } from "./test-io.ts";

const PIKA = join(__dirname, "..", "dissect", "captures", "pika.pcapng");

async function shown(columns: number, args: readonly string[], input = ""): Promise<string[]> {
  const io = new TestIo({ input, env: { NO_COLOR: "1" } });
  io.stdout.columns = columns;
  io.stdout.isTTY = true;
  await runCommandLine(["decode", "--no-summary", ...args], io);
  expect(io.stderr.text).to.equal("");
  return io.stdout.text.trimEnd().split("\n");
}

describe("amqp091 decode on a terminal", () => {
  for (const columns of [80, 72, 71, 60]) {
    for (const args of [["--bytes"], ["--explain"], ["--bytes", "--explain"]]) {
      it(`of ${columns} columns has no line that is longer: ${args.join(" ")}`, async () => {
        const lines = await shown(columns, [...args, PIKA]);
        const [, ...rest] = lines; // who speaks with whom has a line of its own
        expect(rest.filter(({ length }) => length > columns)).to.deep.equal([]);
        expect(lines).to.have.length.above(500);
      });
    }
  }

  it("puts values that are too long below themselves, beside the octets, whole", async () => {
    const routingKey = "a key  with spaces, ".repeat(9).trim();
    const exchange = "x".repeat(120);
    const items = dissect([["client", publishFrames(1, { exchange, routingKey })]]);
    const input = items.map((item) => `${itemToJson(item)}\n`).join("");
    const lines = await shown(80, ["--bytes"], input);
    const column = lines.filter((line) => line.startsWith(" ")).map((line) => line.slice(32));
    const text = column.join("|");
    const folded = (value: string): RegExp =>
      new RegExp([...value].map((it) => (it === " " ? "[ |]" : `${it}\\|?`)).join(""));
    expect(text)
      .to.match(folded(`"${exchange}"`))
      .and.match(folded(`"${routingKey}"`));
    expect(text).to.match(/\(exchange-name, shortstr\)/);
  });

  it("shows all octets of each field, in their order, in a column of their own", async () => {
    const reason = { replyCode: 404, replyText: "because of that", classId: 50, methodId: 10 };
    const octets = methodFrame(1, { name: "channel.close", ...reason });
    const items = dissect([["server", octets]], { midstream: true });
    expect(eventsOf(items)).to.have.length(1);
    const input = items.map((item) => `${itemToJson(item)}\n`).join("");
    for (const [columns, width] of [
      [80, 23],
      [60, 11],
    ] as const) {
      const lines = await shown(columns, ["--bytes", "--explain"], input);
      const digits = lines.flatMap((line) => {
        const cell = line.slice(8, 8 + width).trimEnd();
        return /^([0-9a-f]{2}( |$))+$/.test(cell) ? [cell] : [];
      });
      expect(digits.join(" ").split(" ")).to.deep.equal(
        Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")),
      );
    }
  });

  it("wraps what is said of links", async () => {
    const said = dissect([
      ["client", methodFrame(1, { name: "confirm.select", nowait: true }), 1],
      ...Array.from({ length: 1234 }, () => ["client", publishFrames(1), 2.5] as const),
      ["server", methodFrame(1, { name: "basic.ack", deliveryTag: 1234, multiple: true }), 9e6],
    ]);
    const input = said.map((item) => `${itemToJson(item)}\n`).join("");
    const lines = await shown(60, [], input);
    expect(lines.filter(({ length }) => length > 60)).to.deep.equal([]);
    expect(lines.join(" ").replaceAll(/\s+/g, " ")).to.match(
      /confirms 1,234 publishes #1 to #1234 \(events 2 to \d+\), [\d.]+ s to [\d.]+ s later/,
    );
  });
});
