import { expect } from "chai";
import fc from "fast-check";
import { ConfirmLedger } from "../../src/protocol/confirm-ledger.ts";
import { encodeText } from "../../src/wire/text.ts";
import { publication } from "../protocol/support.ts";

/**
 * Identical mandatory messages of which a broker can route some. The broker knows which; the client
 * sees returns and acks only. It may say `confirmed` of no more than were routed and acked.
 */
interface Story {
  /** Whether the nth publish can be routed, and how many are written before the broker goes on. */
  readonly routed: readonly boolean[];
  readonly bodies: readonly number[];
  /** Which of the unconfirmed is acked next, and whether with all before it. */
  readonly acks: readonly { readonly pick: number; readonly multiple: boolean }[];
  /** How many publishes the broker handles before each ack. */
  readonly handles: readonly number[];
}

const story: fc.Arbitrary<Story> = fc.record({
  routed: fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }),
  bodies: fc.array(fc.nat(1), { minLength: 12, maxLength: 12 }),
  acks: fc.array(fc.record({ pick: fc.nat(11), multiple: fc.boolean() }), { maxLength: 14 }),
  handles: fc.array(fc.nat(4), { minLength: 14, maxLength: 14 }),
});

describe("properties of identical messages that came back", () => {
  it("are confirmed as often as they are stored, at most, and all in the end", () => {
    let waited = 0;
    const tell = ({ routed, bodies, acks, handles }: Story): void => {
      const books = new ConfirmLedger();
      const body = (tag: number): string => "ab"[bodies[tag - 1] as number] as string;
      const all = routed.map((_, i) => {
        const one = publication({ mandatory: true, body: body(i + 1) });
        one.bodySize = 1;
        return one;
      });
      let handled = 0;
      const unacked = new Set<number>();
      const stored = { a: 0, b: 0 };
      const returns = { a: 0, b: 0 };
      const handleNext = (): void => {
        const one = all[handled];
        if (one === undefined) return;
        books.add(one);
        books.markWritten();
        handled++;
        unacked.add(handled);
        if (routed[handled - 1]) return;
        returns[body(handled) as "a" | "b"]++;
        const octets = encodeText(body(handled));
        const reason = { replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: "q" };
        expect(
          books.returned({ ...reason, properties: {}, taggedProperties: {}, body: octets }),
        ).to.equal(true);
      };
      const ack = (tag: number, multiple: boolean): void => {
        for (const each of unacked) {
          if (multiple ? each > tag : each !== tag) continue;
          unacked.delete(each);
          if (routed[each - 1]) stored[body(each) as "a" | "b"]++;
        }
        books.ack(tag, multiple);
        for (const kind of ["a", "b"] as const) {
          const told = (ending: string): number =>
            all.filter((one, i) => body(i + 1) === kind && one.ending === ending).length;
          expect(told("confirmed")).to.be.at.most(stored[kind]);
          expect(told("returned")).to.equal(returns[kind]);
          if (told("confirmed") < stored[kind]) waited++;
        }
      };
      acks.forEach(({ pick, multiple }, i) => {
        for (let n = handles[i] as number; n > 0; n--) handleNext();
        const tag = [...unacked][pick % Math.max(unacked.size, 1)];
        if (tag !== undefined) ack(tag, multiple);
      });
      while (handled < all.length) handleNext();
      for (const tag of [...unacked].reverse()) ack(tag, false);
      const ended = (ending: string): number => all.filter((one) => one.ending === ending).length;
      expect(books.open).to.equal(0);
      expect(ended("confirmed")).to.equal(routed.filter(Boolean).length);
      expect(ended("returned")).to.equal(routed.filter((each) => !each).length);
    };
    fc.assert(fc.property(story, tell), { numRuns: 2000 });
    expect(waited).to.be.greaterThan(10);
  });
});
