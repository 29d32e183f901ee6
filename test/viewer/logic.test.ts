/** What the page decides, without a browser: rows, filter, lanes, octets, words; and its document. */
import { expect } from "chai";
import { Dissector, notice } from "../../src/dissect/dissector.ts";
import type { Item } from "../../src/dissect/model.ts";
import { Conversation, type EventRow } from "../../src/viewer/page/conversation.ts";
import {
  EVERYTHING,
  type Filter,
  filterRows,
  isProblem,
  prepareSearch,
} from "../../src/viewer/page/filter.ts";
import {
  lanesOf,
  rowsInSight,
  type Sight,
  sightOf,
  widthsOf,
} from "../../src/viewer/page/lanes.ts";
import { listFields, octetLines } from "../../src/viewer/page/octets.ts";
import { argumentsOf, outcomesOf, titleOf, visible } from "../../src/viewer/page/words.ts";
import { ViewerPage } from "../../src/viewer/viewer-page.ts";
import { dissect, methodFrame, publishFrames, type Said } from "../dissect/support.ts";

const nack = { name: "basic.nack", deliveryTag: 2, multiple: false, requeue: false } as const;
const SAID: readonly Said[] = [
  ["client", methodFrame(1, { name: "confirm.select", nowait: false }), 0],
  ["server", methodFrame(1, { name: "confirm.select-ok" }), 1],
  ["client", publishFrames(1, { routingKey: "first", body: "Hello" }), 2],
  ["client", publishFrames(1, { routingKey: "second", body: "world" }), 3],
  ["server", methodFrame(1, { name: "basic.ack", deliveryTag: 1, multiple: false }), 4.5],
  ["server", methodFrame(1, nack), 5],
  ["client", publishFrames(7, { routingKey: "third" }), 6],
];

describe("the viewer's logic", () => {
  const conversation = conversationOf(dissect(SAID, { midstream: true }));
  const events = [...conversation.events.values()];
  const titles = (filter: Partial<Filter>): string[] =>
    filterRows(conversation, { ...EVERYTHING, ...filter }).flatMap((row) =>
      row.kind === "event" ? [`${row.event.id} ${titleOf(row.event)}`] : [],
    );
  const byTitle = (title: string): EventRow[] =>
    events.filter(({ event }) => titleOf(event) === title);

  it("shows every event once, in its order", () => {
    expect(events.map(({ event }) => event.id)).to.deep.equal(events.map((_, i) => i + 1));
    expect(titles({})).to.have.length(events.length);
  });

  it("says what came of a publish, and how long it took", () => {
    const [first, second] = byTitle("basic.publish");
    expect(outcomesOf(first as EventRow)).to.deep.equal([
      { text: "✓ #1 ack 2.500 ms", mood: "good", to: 9 },
    ]);
    expect(outcomesOf(second as EventRow)[0]).to.include({ mood: "bad", to: 10 });
    expect(outcomesOf(byTitle("basic.nack")[0] as EventRow)[0]?.text).to.equal("✗ refuses #2");
  });

  it("has a notice where it was given, with the connection that it is about", () => {
    const told = [
      ...dissect(SAID.slice(0, 1)),
      notice("the server reset it", 1, 7),
      notice("nobody is there"),
      ...dissect([]).slice(1),
    ];
    const notes = conversationOf(told).rows.filter((row) => row.kind === "note");
    expect(notes.map(({ text, time, isNotice }) => [text, time, isNotice]).slice(2)).to.deep.equal([
      ["connection 1: the server reset it", 7, true],
      ["nobody is there", undefined, true],
      ["connection 1 is closed", undefined, false],
    ]);
  });

  it("says how large a gap is, and that nobody knows where that is so", () => {
    const dissector = new Dissector();
    const { id } = dissector.open({ midstream: true });
    const items = [0, 1, 2000].flatMap((missing) => dissector.gap(id, "client", missing));
    const gaps = [...conversationOf(items).events.values()];
    expect(gaps.map(({ event }) => titleOf(event))).to.deep.equal([
      "an unknown number of octets is missing",
      "1 octet missing",
      "2,000 octets missing",
    ]);
  });

  it("names the arguments that say something", () => {
    const [publish] = byTitle("basic.publish");
    expect(argumentsOf(conversation, (publish as EventRow).event)).to.equal(
      'exchange="" routingKey="first"',
    );
    const [body] = byTitle("body");
    expect(argumentsOf(conversation, (body as EventRow).event)).to.equal('5 octets "Hello"');
  });

  it("filters by channel, class, method and kind, and by words in any case", () => {
    expect(titles({ channel: 7 })).to.deep.equal(["11 basic.publish", "12 header"]);
    expect(titles({ method: "confirm." })).to.have.length(2);
    expect(titles({ method: "basic.ack" })).to.deep.equal(["9 basic.ack"]);
    expect(titles({ content: false })).to.have.length(events.length - 5);
    expect(titles({ connection: 2 })).to.deep.equal([]);
    // The method is found by its body, also where that is not shown.
    expect(titles({ search: "WORLD", content: false })).to.deep.equal(["6 basic.publish"]);
    expect(titles({ search: "hello first" })).to.deep.equal(["3 basic.publish"]);
    expect(titles({ search: "hello second" })).to.deep.equal([]);
  });

  it("prepares a search piece by piece, and finds the same then", () => {
    const made = conversationOf(dissect(SAID, { midstream: true }));
    let pieces = 0;
    for (let from: number | undefined = 0; from !== undefined; pieces++) {
      let left = 2;
      from = prepareSearch(made, from, () => left-- > 0);
    }
    expect(pieces).to.equal(Math.floor(made.rows.length / 2) + (made.rows.length % 2));
    expect([...made.events.values()].every(({ searchText }) => searchText !== undefined)).to.equal(
      true,
    );
    const found = filterRows(made, { ...EVERYTHING, search: "WORLD", content: false });
    expect(found).to.have.length(1);
  });

  it("knows a problem: a publish that was refused, and its nack", () => {
    expect(titles({ problems: true })).to.deep.equal(["6 basic.publish", "10 basic.nack"]);
    const closing = (replyCode: number): boolean => {
      const close = { replyCode, replyText: "", classId: 0, methodId: 0 };
      const made = conversationOf(
        dissect([["server", methodFrame(1, { name: "channel.close", ...close })]], {
          midstream: true,
        }),
      );
      return isProblem(made, [...made.events.values()][0] as EventRow);
    };
    expect(closing(200)).to.equal(false);
    expect(closing(404)).to.equal(true);
  });

  it("knows a refusal whose publish is not there, and a consumer's nack to be none", () => {
    for (const from of ["server", "client"] as const) {
      const made = conversationOf(dissect([[from, methodFrame(1, nack)]], { midstream: true }));
      const [event] = made.events.values();
      expect(isProblem(made, event as EventRow), from).to.equal(from === "server");
    }
  });

  it("gives each channel a lane, as wide as there is room", () => {
    const { lanes, places } = lanesOf(conversation.rows);
    expect(lanes.map(({ channel }) => channel)).to.deep.equal([1, 7]);
    expect(places.get("1/7")).to.equal(1);
    expect(widthsOf(2, 1000)).to.deep.equal({ lane: 500, lanes: 1000 });
    expect(widthsOf(10, 1000).lane).to.equal(100);
    expect(widthsOf(100, 1000)).to.deep.equal({ lane: 90, lanes: 9000 });
  });

  it("puts the text beside an arrow where there is room for it", () => {
    const at = (left: number, from: number): Sight => sightOf(left, 100, from, 500);
    const seen = { isAway: false, shift: 0 };
    expect(at(0, 0)).to.deep.equal({ ...seen, side: "left", room: 500 });
    expect(at(200, 0)).to.deep.equal({ ...seen, side: "left", room: 300 });
    expect(at(400, 0)).to.deep.equal({ ...seen, side: "right", room: 500 });
    expect(at(400, 700).side).to.equal("left");
    // Half of it is hidden; then it is not to be seen.
    expect(at(0, 50)).to.deep.equal({ ...seen, side: "left", shift: 50, room: 500 });
    expect(at(450, 0)).to.deep.equal({ ...seen, side: "right", shift: 50, room: 500 });
    expect(at(0, 60)).to.include({ isAway: true, side: "left" });
    expect(at(460, 0)).to.include({ isAway: true, side: "right" });
    expect(at(9000, 0)).to.include({ isAway: true, side: "right" });
  });

  it("draws the rows within sight and a few more", () => {
    expect(rowsInSight(0, 100, 10, 1000)).to.deep.equal({ first: 0, end: 18 });
    expect(rowsInSight(5000, 100, 10, 1000)).to.deep.equal({ first: 492, end: 518 });
    expect(rowsInSight(5000, 100, 10, 20)).to.deep.equal({ first: 20, end: 20 });
  });

  it("gives each octet to one field, in order, and the wrong one to itself", () => {
    const { event } = byTitle("basic.publish")[0] as EventRow;
    const listed = listFields(conversation.fieldsOf(event));
    const segments = octetLines(event.length, listed, 3).flat();
    let at = 0;
    for (const { from, end, field } of segments) {
      expect(from).to.equal(at);
      expect(field).to.be.a("number");
      at = end;
    }
    expect(at).to.equal(event.length);
    expect(segments.filter(({ isWrong }) => isWrong)).to.deep.equal([
      { from: 3, end: 4, field: 2, isWrong: true },
    ]);
  });

  it("shows what cannot be seen", () => {
    expect(visible("a\u202eb\u2028\0ü 漢😀")).to.equal("a\\u{202e}b\\u{2028}\\u{0}ü 漢😀");
  });

  it("carries each explanation once, the beginning of a large body, and its size", () => {
    const body = "x".repeat(50_000);
    const items = dissect([1, 2, 3].map((n): Said => ["client", publishFrames(n, { body })]));
    const html = render(items);
    expect(html.split('"kind":"text","text":"Publishes a message')).to.have.length(2);
    const carried = conversationOf(items);
    const bodies = [...carried.events.values()].filter(({ event }) => event.type === "body");
    expect(bodies.map(({ event }) => event.length)).to.deep.equal([50_008, 50_008, 50_008]);
    expect(bodies[0]?.event.bytes).to.have.length.below(1500);
  });

  it("takes so many events, and says how many more there are", () => {
    const page = new ViewerPage({ title: "", maxEvents: 2 });
    page.begin();
    const made = new Conversation();
    for (const text of [page.add(dissect(SAID)), page.end()]) addBlocks(made, text);
    expect(made.events.size).to.equal(2);
    expect(made.rows.at(-1)).to.include({ isNotice: true });
    expect((made.rows.at(-1) as { text: string }).text).to.match(/first 2 events; 10 more/);
  });

  it("has one script and one style, which its policy names, and nothing from elsewhere", () => {
    const html = render(dissect(SAID));
    expect(html.match(/<script(?! type="application\/json")/g)).to.have.length(1);
    expect(html).to.match(
      /default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'/,
    );
    expect(html.replaceAll("http://www.w3.org/2000/svg", "")).not.to.match(/\b(src|href)=|url\(/);
    expect(html).not.to.include("\u2028");
  });
});

function render(items: readonly Item[]): string {
  const page = new ViewerPage({ title: "test" });
  return page.begin() + page.add(items) + page.end();
}

function conversationOf(items: readonly Item[]): Conversation {
  const conversation = new Conversation();
  addBlocks(conversation, render(items));
  return conversation;
}

function addBlocks(conversation: Conversation, html: string): void {
  for (const [, json] of html.matchAll(/<script type="application\/json">([\s\S]*?)<\/script>/g)) {
    expect(conversation.addBlock(json as string)).to.equal(undefined);
  }
}
