import { expect } from "chai";
import { fingerprint } from "../../src/protocol/message-identity.ts";
import { ReturnMatcher } from "../../src/protocol/return-matcher.ts";
import type { ReturnedMessage } from "../../src/protocol/returned-error.ts";
import { encodeText } from "../../src/wire/text.ts";
import { type PublishArguments, publication, type TestPublication } from "./support.ts";

/** What comes back of a message that was published like this. */
function back(args: PublishArguments = {}): ReturnedMessage {
  const { exchange = "", routingKey = "q", body = "m", mandatory, immediate, ...properties } = args;
  const octets = typeof body === "string" ? encodeText(body) : body;
  const message = { exchange, routingKey, properties, taggedProperties: {}, body: octets };
  return { replyCode: 312, replyText: "NO_ROUTE", ...message };
}

/** A matcher with mandatory publications that have the tags 1, 2, ... */
function filed(...args: readonly PublishArguments[]): {
  matcher: ReturnMatcher;
  all: TestPublication[];
  match(args?: PublishArguments): number | undefined;
  /** Acks all: whose ack proves nothing? */
  doubts(): boolean[];
} {
  const matcher = new ReturnMatcher();
  const all = args.map((each, i) => {
    const one = publication({ mandatory: true, ...each });
    one.bodySize = typeof one.body === "string" ? encodeText(one.body).length : 0;
    if (one.body instanceof Uint8Array) one.bodySize = one.body.length;
    one.deliveryTag = i + 1;
    matcher.add(one);
    return one;
  });
  const doubts = (): boolean[] =>
    all.map((each) => {
      matcher.acked(each, each.deliveryTag);
      return each.trace?.doubt !== undefined;
    });
  return {
    matcher,
    all,
    doubts,
    match: (wanted) => matcher.match(back(wanted), all.length)?.deliveryTag,
  };
}

describe("ReturnMatcher", () => {
  it("finds a publication by exchange, routing key and body", () => {
    const { match } = filed(
      { exchange: "x" },
      { routingKey: "k" },
      { body: "other" },
      { exchange: "x", routingKey: "k", body: "other" },
    );
    expect(match({ routingKey: "k" })).to.equal(2);
    expect(match({ exchange: "x", routingKey: "k", body: "other" })).to.equal(4);
  });

  it("does not confuse exchange and routing key", () => {
    const { match } = filed(
      { exchange: "ab", routingKey: "c" },
      { exchange: "a", routingKey: "bc" },
    );
    expect(match({ exchange: "a", routingKey: "bc" })).to.equal(2);
    expect(
      filed({ exchange: "1 ", routingKey: "" }).match({ exchange: "", routingKey: "1 " }),
    ).to.equal(undefined);
  });

  it("compares bodies, text or octets, by their octets", () => {
    const { match } = filed({ body: "é" }, { body: Uint8Array.of(0xc3, 0xa8) }, { body: "" });
    expect(match({ body: Uint8Array.of(0xc3, 0xa9) })).to.equal(1);
    expect(match({ body: "è" })).to.equal(2);
    expect(match({ body: "" })).to.equal(3);
  });

  it("takes the lowest tag of identical messages, each once, in order", () => {
    const { match } = filed({}, {}, {});
    expect([match(), match(), match(), match()]).to.deep.equal([1, 2, 3, undefined]);
  });

  it("never goes back: returns come in the order of the publishes", () => {
    const { match } = filed({ body: "a" }, { body: "b" }, { body: "a" });
    expect(match({ body: "b" })).to.equal(2);
    expect(match({ body: "a" })).to.equal(3);
    expect(match({ body: "a" })).to.equal(undefined);
  });

  it("never goes back among other keys either", () => {
    const { match } = filed({ routingKey: "a" }, { routingKey: "b" }, { routingKey: "a" });
    expect(match({ routingKey: "b" })).to.equal(2);
    expect(match({ routingKey: "a" })).to.equal(3);
    const other = filed({ routingKey: "a" }, { routingKey: "b" });
    expect(other.match({ routingKey: "b" })).to.equal(2);
    expect(other.match({ routingKey: "a" })).to.equal(undefined);
  });

  it("leaves out what has been confirmed", () => {
    const { matcher, all, match } = filed({}, {}, {});
    matcher.acked(all[0] as TestPublication, 1);
    expect(match()).to.equal(2);
    matcher.nacked(all[2] as TestPublication);
    expect(match()).to.equal(undefined);
  });

  it("leaves out what has been confirmed out of order", () => {
    const { matcher, all, match } = filed({}, {}, {});
    matcher.acked(all[1] as TestPublication, 2);
    expect([match(), match(), match()]).to.deep.equal([1, 3, undefined]);
  });

  it("lets go of a message with its confirm, returned or not", () => {
    const { matcher, all, match } = filed({}, {});
    match();
    for (const each of all) matcher.acked(each, each.deliveryTag);
    expect(all.map(({ body, properties }) => [body, properties])).to.deep.equal([
      [undefined, undefined],
      [undefined, undefined],
    ]);
    matcher.acked(all[0] as TestPublication, 1);
    expect(match()).to.equal(undefined);
  });

  it("lets go of a message when it came back", () => {
    const { all, match } = filed({}, {});
    match();
    expect(all.map(({ body }) => body)).to.deep.equal([undefined, "m"]);
  });

  it("leaves out what the broker cannot have yet", () => {
    const { matcher } = filed({ body: "a" }, {}, {});
    expect(matcher.match(back(), 1)).to.equal(undefined);
    expect(matcher.match(back(), 2)?.deliveryTag).to.equal(2);
    expect(matcher.match(back(), 2)).to.equal(undefined);
  });

  it("has no candidates any more once no confirms will come", () => {
    const { matcher, match } = filed({}, {});
    matcher.clear();
    expect(match()).to.equal(undefined);
  });

  it("prefers the same properties to a lower tag", () => {
    const { match } = filed({ messageId: "1" }, { messageId: "2" }, { messageId: "3" });
    expect(match({ messageId: "2" })).to.equal(2);
  });

  it("prefers just the same headers to those that a broker may have added to", () => {
    const { match } = filed({}, { headers: { "x-id": 1 } }, { headers: { "x-id": 2 } });
    expect(match({ headers: { "x-id": 1 } })).to.equal(2);
    const { match: another, doubts } = filed({}, { headers: { "x-id": 1 } });
    expect(another({ headers: { "x-id": 1, "x-node": "n" } })).to.equal(undefined);
    expect(doubts()).to.deep.equal([true, true]);
  });

  it("sees past what brokers change: BCC stripped, headers added", () => {
    const { match } = filed(
      { headers: { n: 1, BCC: ["z"] } },
      { headers: { n: 2, BCC: ["z"] } },
      { headers: { n: 3 } },
    );
    expect(match({ headers: { n: 2, "x-routed": true } })).to.equal(2);
  });

  it("takes the only one with this body where the properties are not as they were", () => {
    const { match } = filed({ body: "a", type: "x" }, { body: "b", type: "x" });
    expect(match({ body: "b", type: "changed" })).to.equal(2);
  });

  it("guesses nothing where several have this body and none these properties: all are in doubt", () => {
    const { match, doubts } = filed({ type: "x" }, { type: "y" }, { body: "other" }, { type: "x" });
    expect(match({ type: "changed" })).to.equal(undefined);
    expect(match({ type: "x" })).to.equal(1);
    expect(doubts()).to.deep.equal([false, true, false, true]);
  });

  it("prefers those whose properties are all there, where none is just the same", () => {
    const { match, doubts } = filed({ type: "x" }, { type: "x", priority: 1 }, { type: "y" }, {});
    expect(match({ type: "y", deliveryMode: 1 })).to.equal(undefined);
    expect(doubts()).to.deep.equal([false, false, true, true]);
    const other = filed({ type: "x" }, { type: "y" });
    expect(other.match({ type: "y", deliveryMode: 1 })).to.equal(2);
  });

  it("takes the lowest of several that are alike but not just the same as what came back", () => {
    const { match } = filed({ type: "x" }, { type: "x" });
    expect(match({ type: "x", deliveryMode: 1 })).to.equal(1);
    expect(match({ type: "changed" })).to.equal(2);
    // What is sent of these is the same, whatever the application gave.
    const timestamp = new Date(1500);
    const given = filed({ timestamp }, { timestamp, type: undefined } as PublishArguments);
    expect(given.match({ timestamp: new Date(1000), priority: 0 })).to.equal(1);
    const broken: PublishArguments = { body: "a", type: "x".repeat(256) };
    expect(filed(broken, broken).match({ body: "a" })).to.equal(undefined);
  });

  it("leaves a return unresolved that fits none", () => {
    const { match } = filed({ body: "ab" });
    for (const body of ["aa", "abc", "a", ""]) expect(match({ body })).to.equal(undefined);
    expect(match({ body: "ab", routingKey: "other" })).to.equal(undefined);
    expect(match({ body: "ab" })).to.equal(1);
  });

  it("doubts those that were sent to different hidden recipients: a broker tells them apart", () => {
    const { match, doubts } = filed({ headers: { BCC: ["live"] } }, {}, { type: "o" });
    expect(match()).to.equal(undefined);
    expect(doubts()).to.deep.equal([true, true, false]);
  });

  it("takes no ack for a later return off that belongs to a doubtful one", () => {
    const secret = { headers: { BCC: ["live"] } };
    const { matcher, all, match } = filed(secret, {}, secret, {});
    const [first, second, third, fourth] = all as [TestPublication, ...TestPublication[]];
    const acked = (one: TestPublication | undefined): unknown =>
      one && matcher.acked(one, one.deliveryTag);
    // Tags 1 and 2 came back, but neither can be told.
    for (let i = 0; i < 2; i++) {
      expect(matcher.match(back(), 2)).to.equal(undefined);
    }
    for (const one of [first, third]) acked(one);
    expect([first, third].map((each) => each?.trace?.doubt !== undefined)).to.deep.equal([
      true,
      false,
    ]);
    // Tag 4 came back: it is taken for 2, whose ack may be that of the doubtful return.
    expect(match()).to.equal(2);
    expect([acked(second), acked(fourth)]).to.deep.equal([undefined, undefined]);
    expect(fourth?.trace?.doubt).to.not.equal(undefined);
  });

  it("begins a later doubt behind what was told, and keeps the earlier one", () => {
    const secret = { headers: { BCC: ["live"] } };
    const { matcher, all, match, doubts } = filed(secret, {}, {}, secret, {}, {});
    expect(matcher.match(back(), 2)).to.equal(undefined);
    const [first] = all as [TestPublication, ...TestPublication[]];
    matcher.acked(first, 1);
    for (const told of [2, 3]) expect(matcher.match(back(), 3)?.deliveryTag).to.equal(told);
    expect(match()).to.equal(undefined);
    expect(doubts().slice(1)).to.deep.equal([false, false, true, true, true]);
  });

  it("lets go of those that a later return has passed over, whenever their ack comes", () => {
    const passed = [{ body: "a" }, { body: "a" }, { body: "a", type: "t" }];
    for (const alsoLater of [[], [{ body: "a", type: "u" }]]) {
      const { matcher, all, match } = filed(...passed, { body: "b" }, ...alsoLater, { body: "c" });
      expect(match({ body: "b" })).to.equal(4);
      expect(match({ body: "a" })).to.equal(alsoLater.length > 0 ? 5 : undefined);
      for (const each of all.slice(0, -1)) matcher.acked(each, each.deliveryTag);
      expect(all.slice(0, -1).every(({ body }) => body === undefined)).to.equal(true);
      expect(match({ body: "c" })).to.equal(all.length);
      expect(match({ body: "c" })).to.equal(undefined);
    }
  });

  it("tells the addresses for replies apart, but for those that RabbitMQ makes", () => {
    const { match } = filed({ replyTo: "one" }, { replyTo: "two" }, { replyTo: "two" });
    expect([match({ replyTo: "two" }), match({ replyTo: "two" })]).to.deep.equal([2, 3]);
    const direct = "amq.rabbitmq.reply-to";
    const { match: other } = filed({ replyTo: direct }, { replyTo: "q" });
    expect(other({ replyTo: `${direct}.g1h2AA==` })).to.equal(1);
  });

  it("does not take different bodies of one fingerprint for one", () => {
    // Found by trying: these have the same FNV-1a in 32 bits.
    const [one, other] = ["costarring", "liquid"] as const;
    expect(fingerprint(one)).to.equal(fingerprint(other));
    const { match } = filed({ body: one }, { body: other }, { body: other });
    expect([match({ body: other }), match({ body: other })]).to.deep.equal([2, 3]);
  });

  it("is as quick where a broker adds something to each message", () => {
    const args = Array.from({ length: 3000 }, (_, i) => ({ body: "ping", messageId: `${i % 2}` }));
    const { match } = filed(...args);
    const from = performance.now();
    args.forEach(({ messageId }, i) => {
      const came = match({ body: "ping", messageId, headers: { "x-at": i } });
      if (came !== i + 1) throw new Error(`${came} instead of ${i + 1}`);
    });
    expect(performance.now() - from).to.be.below(2500);
  });

  it("survives what an owner does to a message whose deadline has passed", () => {
    const headers: Record<string, number> = { n: 1 };
    const { match } = filed({ body: "a", headers }, { body: "b" });
    headers["n"] = Number.NaN;
    expect(match({ body: "b" })).to.equal(2);
    const { match: another } = filed({ body: "a", headers }, { body: "a", type: "t" });
    expect(another({ body: "a", type: "t" })).to.equal(2);
  });
});
