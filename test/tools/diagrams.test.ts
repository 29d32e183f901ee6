import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { CHANNEL_TRANSITIONS } from "../../src/protocol/channel-states.ts";
import { CONNECTION_TRANSITIONS } from "../../src/protocol/connection-states.ts";
import { stateDiagram } from "../../tools/diagrams/drawing.ts";
import { redraw } from "../../tools/diagrams.ts";
import { opened } from "../protocol/support.ts";

const page = readFileSync(join(process.cwd(), "spec", "state-machines.md"), "utf8");

describe("spec/state-machines.md", () => {
  it("has the drawings that the code gives", () => {
    expect(redraw(page)).to.equal(page);
  });

  it("is not up to date once an arrow, a cell or a drawing is another", () => {
    for (const [what, other] of [
      ["opening --> open: connection.open-ok", "opening --> closed: connection.open-ok"],
      ["| basic.nack |  |  | nacked |", "| basic.nack |  |  | unknown |"],
      [
        "| header, larger than allowed | *505* | *406* |",
        "| header, larger than allowed | *505* | body |",
      ],
      ["| 5000 | 6000 | 5000 |", "| 5000 | 6000 | 6000 |"],
    ] as const) {
      expect(page).to.include(what);
      const stale = page.replace(what, other);
      expect(redraw(stale), what).to.equal(page).and.not.to.equal(stale);
    }
  });

  it("has a place for each drawing", () => {
    const end = "<!-- end of content -->";
    expect(() => redraw(page.replace(end, ""))).to.throw("places");
  });

  it("has an arrow for each entry of the tables", () => {
    const drawings = [...page.matchAll(/^```mermaid\n(.*?)^```$/gms)].map(([, text]) => text ?? "");
    for (const [transitions, drawing] of [
      [CONNECTION_TRANSITIONS, drawings[0]],
      [CHANNEL_TRANSITIONS, drawings[1]],
    ] as const) {
      for (const [state, inputs] of Object.entries(transitions)) {
        for (const [input, to] of Object.entries(inputs)) {
          expect(drawing).to.match(
            new RegExp(`^  ${state} --> ${to}: (.*<br/>)?${input}(<br/>|$)`, "m"),
          );
        }
      }
    }
  });

  it("is right that a connection that is closed reads nothing any more", () => {
    const conversation = opened();
    conversation.end();
    const events = conversation.events.length;
    conversation.receive(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(conversation.taken()).to.deep.equal([]);
    expect(conversation.events.length).to.equal(events);
  });
});

describe("npm run diagrams:check", () => {
  it("finds the page up to date", () => {
    const load = [
      "-r",
      "ts-node/register",
      "-e",
      "require('./tools/diagrams.ts')",
      "--",
      "--check",
    ];
    const { status, stderr } = spawnSync(process.execPath, load, { encoding: "utf8" });
    expect(stderr).to.equal("");
    expect(status).to.equal(0);
  }).timeout(30_000);
});

describe("a state diagram", () => {
  it("joins what leads from one state to another, and counts what is too much for a label", () => {
    const edges = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ from: "a", to: "b", label: `${i}` }));
    expect(stateDiagram("LR", "a", edges(2), ["b"])).to.equal(
      "```mermaid\nstateDiagram-v2\n  direction LR\n  [*] --> a\n  a --> b: 0<br/>1\n  b --> [*]\n```",
    );
    expect(stateDiagram("LR", "a", edges(5))).to.include("a --> b: 5 events,<br/>see the table");
  });
});
