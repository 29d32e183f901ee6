import { expect } from "chai";
import fc from "fast-check";
import { Dissector } from "../../src/dissect/dissector.ts";
import type { Item, LinkItem, Side } from "../../src/dissect/model.ts";
import type { Method } from "../../src/wire/generated/methods.ts";
import { concat } from "../wire/octets.ts";
import {
  bodyFrame,
  contentFrames,
  dissect,
  eventsOf,
  headerFrame,
  linksOf,
  messagesOf,
  methodFrame,
  publishFrames,
  type Said,
} from "./support.ts";

const SELECT: Said = ["client", methodFrame(1, { name: "confirm.select", nowait: true }), 0];

function ack(deliveryTag: number, multiple: boolean, time: number, name = "basic.ack"): Said {
  const method = { name, deliveryTag, multiple, requeue: false } as unknown as Method;
  return ["server", methodFrame(1, method), time];
}

function returned(routingKey: string, body: string, time: number): Said {
  const method = {
    name: "basic.return",
    replyCode: 312,
    replyText: "NO_ROUTE",
    exchange: "",
    routingKey,
  } as const;
  return ["server", contentFrames(1, method, body), time];
}

/** The links as text: which publish (by its place among the publishes) and what became of it. */
function outcomes(items: readonly Item[]): string[] {
  const publishes = eventsOf(items).filter(
    ({ method, type }) => type === "method" && method === "basic.publish",
  );
  return linksOf(items)
    .filter(({ link }) => link !== "reply")
    .map(({ link, first, deliveryTag, outcome, returned: back, latencyMs }) => {
      const publish = publishes.findIndex(({ id }) => id === first) + 1;
      if (link === "return") return `${publish} returned after ${latencyMs}`;
      return `${publish} ${outcome} #${deliveryTag}${back ? " returned" : ""} after ${latencyMs}`;
    });
}

describe("links between events", () => {
  it("a confirm belongs to the publish of its number, counted from confirm.select on", () => {
    const items = dissect([
      ["client", publishFrames(1), 1],
      SELECT,
      ["client", publishFrames(1), 10],
      ["client", concat(publishFrames(1), publishFrames(1)), 20],
      ack(2, false, 25.5),
      ack(3, true, 30),
      ack(3, true, 31),
    ]);
    expect(outcomes(items)).to.deep.equal([
      "3 ack #2 after 5.5",
      "2 ack #1 after 20",
      "4 ack #3 after 10",
    ]);
    const multiple = linksOf(items).map((link) => link.multiple);
    expect(multiple).to.deep.equal([false, true, true]);
  });

  it("a nack is one too, and 0 with multiple means all", () => {
    const items = dissect([
      SELECT,
      ["client", concat(publishFrames(1), publishFrames(1), publishFrames(1)), 1],
      ack(2, false, 2, "basic.nack"),
      ack(0, true, 4),
      ["client", publishFrames(1), 5],
      ack(4, false, 6),
    ]);
    expect(outcomes(items)).to.deep.equal([
      "2 nack #2 after 1",
      "1 ack #1 after 3",
      "3 ack #3 after 3",
      "4 ack #4 after 1",
    ]);
  });

  it("agrees with a model that is just a set of open numbers", () => {
    const step = fc.oneof(
      fc.constant("publish" as const),
      fc.record({ tag: fc.integer({ min: 0, max: 12 }), multiple: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const open = new Set<number>();
        const expected: number[] = [];
        const said: Said[] = [SELECT];
        let last = 0;
        for (const each of steps) {
          if (each === "publish") {
            open.add(++last);
            said.push(["client", publishFrames(1)]);
          } else {
            said.push(ack(each.tag, each.multiple, 0));
            const { tag, multiple } = each;
            const settled = [...open].filter(
              (n) => n === tag || (multiple && (tag === 0 || n <= tag)),
            );
            for (const number of settled) open.delete(number);
            expected.push(...settled);
          }
        }
        const tags = linksOf(dissect(said)).map(({ deliveryTag }) => deliveryTag);
        expect(tags).to.deep.equal(expected);
      }),
    );
  });

  it("a return belongs to the oldest open publish with the same key and body, before its confirm", () => {
    const send = (routingKey: string, body: string): Uint8Array =>
      publishFrames(1, { routingKey, body, mandatory: true });
    const items = dissect([
      SELECT,
      ["client", concat(send("a", "x"), send("b", "x"), send("b", "y"), send("b", "x")), 1],
      returned("b", "x", 2),
      ack(2, true, 3),
      returned("b", "x", 4),
      returned("b", "y", 5),
      returned("b", "y", 6),
      ack(4, true, 7),
    ]);
    expect(outcomes(items)).to.deep.equal([
      "2 returned after 1",
      "1 ack #1 after 2",
      "2 ack #2 returned after 2",
      "4 returned after 3",
      "3 returned after 4",
      "3 ack #3 returned after 6",
      "4 ack #4 returned after 6",
    ]);
  });

  it("of twins a return belongs to the one with the same properties", () => {
    const send = (messageId: string): Uint8Array =>
      publishFrames(1, { mandatory: true, properties: { messageId } });
    const back = {
      name: "basic.return",
      replyCode: 312,
      replyText: "",
      exchange: "",
      routingKey: "q",
    } as const;
    const items = dissect([
      ["client", concat(send("one"), send("two")), 1],
      ["server", contentFrames(1, back, "", { messageId: "two" }), 2],
      ["server", contentFrames(1, back, "", { messageId: "two" }), 3],
      ["server", contentFrames(1, back, "", { messageId: "two" }), 4],
    ]);
    // The second one cannot be the same message again, whatever a broker made of its properties.
    expect(outcomes(items)).to.deep.equal(["2 returned after 1", "1 returned after 2"]);
  });

  it("a reply belongs to the oldest method of the other side that takes it", () => {
    const open: Said = ["client", methodFrame(1, { name: "channel.open" }), 1];
    const get = { name: "basic.get", queue: "q", noAck: true } as const;
    const items = dissect([
      open,
      ["server", methodFrame(1, { name: "channel.open-ok" }), 4],
      ["client", concat(methodFrame(1, get), methodFrame(1, get)), 5],
      ["server", methodFrame(1, { name: "basic.get-empty" }), 6],
      ["server", methodFrame(1, { name: "basic.get-empty" }), 7],
      ["server", methodFrame(1, { name: "basic.get-empty" }), 8],
      ["client", methodFrame(1, { name: "confirm.select", nowait: true }), 9],
      ["server", methodFrame(1, { name: "confirm.select-ok" }), 9],
    ]);
    const links = linksOf(items).map(({ first, second, latencyMs }) => [first, second, latencyMs]);
    expect(links).to.deep.equal([
      [1, 2, 3],
      [3, 5, 1],
      [4, 6, 2],
    ]);
  });

  it("channels count for themselves, and a channel that was closed counts anew", () => {
    const onTwo = [
      "client",
      concat(methodFrame(2, { name: "confirm.select", nowait: true }), publishFrames(2)),
      1,
    ] as const;
    const items = dissect([
      SELECT,
      onTwo,
      ["client", publishFrames(1), 2],
      ack(1, false, 3),
      ["server", methodFrame(1, { name: "channel.close-ok" }), 4],
      SELECT,
      ["client", publishFrames(1), 5],
      ack(1, false, 6),
    ]);
    expect(outcomes(items)).to.deep.equal(["2 ack #1 after 1", "3 ack #1 after 1"]);
  });

  it("after a gap nobody knows the numbers", () => {
    const dissector = new Dissector();
    const { id } = dissector.open();
    const items: Item[] = [];
    const push = ([from, octets]: Said): number => items.push(...dissector.push(id, from, octets));
    push(SELECT);
    push(["client", publishFrames(1)]);
    items.push(...dissector.gap(id, "client", 500));
    push(["client", publishFrames(1)]);
    push(ack(1, true, 1));
    expect(linksOf(items)).to.deep.equal([]);
  });

  it("remembers so many publishes and settles them in time, also one by one from behind", () => {
    const dissector = new Dissector();
    const { id } = dissector.open();
    const links: LinkItem[] = [];
    const push = (from: Side, octets: Uint8Array): void => {
      links.push(...linksOf(dissector.push(id, from, octets)));
    };
    push("client", SELECT[1]);
    const publish = publishFrames(1, { mandatory: true, body: "twin" });
    const count = 20_000;
    for (let i = 0; i < count; i++) push("client", publish);
    for (let i = count; i > 1; i--) push(...(ack(i, false, 0).slice(0, 2) as [Side, Uint8Array]));
    push(...(ack(1, true, 0).slice(0, 2) as [Side, Uint8Array]));
    expect(links.map(({ deliveryTag }) => deliveryTag)).to.deep.equal(
      Array.from({ length: count }, (_, i) => count - i),
    );
  }).timeout(30_000);
});

describe("content put together", () => {
  const publish = methodFrame(1, {
    ...({ name: "basic.publish", exchange: "", routingKey: "q" } as const),
    ...{ mandatory: false, immediate: false },
  });
  const octets = (text: string): Uint8Array => new TextEncoder().encode(text);

  it("is a message with its events, over frames of other channels", () => {
    const items = dissect([
      ["client", publish, 1],
      ["client", headerFrame(1, 6, {}), 2],
      ["client", publishFrames(2, { body: "other" }), 3],
      ["client", bodyFrame(1, octets("abc")), 4],
      ["client", bodyFrame(1, octets("def")), 5],
    ]);
    const messages = messagesOf(items);
    expect(messages).to.have.length(2);
    expect(messages[1]).to.deep.include({
      ...{ method: "basic.publish", channel: 1, events: [1, 2, 6, 7], bodies: 2, size: 6, time: 5 },
      ...{ body: octets("abcdef"), complete: true },
    });
    expect(eventsOf(items).map(({ method }) => method)).to.deep.equal(
      Array(7).fill("basic.publish"),
    );
  });

  it("keeps only the beginning of a large body", () => {
    const said: Said[] = [
      ["client", concat(publish, headerFrame(1, 6, {}), bodyFrame(1, octets("abc")))],
      ["client", bodyFrame(1, octets("def"))],
    ];
    const [message] = messagesOf(dissect(said, { maxBody: 4 }));
    expect(message).to.deep.include({ body: octets("abcd"), size: 6, complete: false });
  });

  const wrong: [title: string, frames: Uint8Array[], says: RegExp][] = [
    ["a header without a method", [headerFrame(1, 1, {})], /header without a method/],
    ["a body without a header", [publish, bodyFrame(1, octets("a"))], /body without a method/],
    [
      "a second header",
      [publish, headerFrame(1, 1, {}), headerFrame(1, 1, {})],
      /second content header/,
    ],
    [
      "a body that is too long",
      [publish, headerFrame(1, 1, {}), bodyFrame(1, octets("ab"))],
      /longer than the 1 octets/,
    ],
    [
      "a method before the content is complete",
      [publish, headerFrame(1, 1, {}), methodFrame(1, { name: "tx.select" })],
      /not complete/,
    ],
  ];
  for (const [title, frames, says] of wrong) {
    it(`marks ${title}`, () => {
      const events = eventsOf(dissect([["client", concat(...frames)]]));
      expect(events.at(-1)?.error?.message).to.match(says);
      expect(events.slice(0, -1).every(({ error }) => error === undefined)).to.equal(true);
    });
  }

  it("does not blame the first content where the beginning was not captured", () => {
    const items = dissect(
      [["client", concat(bodyFrame(1, octets("rest")), publish, bodyFrame(1, octets("x")))]],
      { midstream: true },
    );
    expect(eventsOf(items).map(({ error }) => error !== undefined)).to.deep.equal([
      false,
      false,
      true,
    ]);
  });
});
