import { expect } from "chai";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import { DeliveryLedger } from "../../src/protocol/delivery-ledger.ts";
import type { ClientMethod } from "../../src/wire/generated/methods.ts";

const COMMIT = { name: "tx.commit" } as const;

function ack(deliveryTag: number, multiple = false): ClientMethod {
  return { name: "basic.ack", deliveryTag, multiple };
}

function nack(deliveryTag: number, multiple = false): ClientMethod {
  return { name: "basic.nack", deliveryTag, multiple, requeue: true };
}

function tags(ledger: DeliveryLedger): number[] {
  return [...ledger].map(({ deliveryTag }) => deliveryTag);
}

function withDeliveries(...deliveryTags: readonly number[]): DeliveryLedger {
  const ledger = new DeliveryLedger();
  for (const tag of deliveryTags) ledger.add(tag);
  return ledger;
}

describe("DeliveryLedger", () => {
  it("forgets what was answered, and says how", () => {
    const ledger = withDeliveries(1, 2, 3, 4);
    const [one, two, three, four] = [...ledger];
    ledger.sent(ack(2));
    expect(two?.settlement).to.deep.equal({ method: "basic.ack", deliveryTag: 2 });
    ledger.sent({ name: "basic.reject", deliveryTag: 1, requeue: false });
    expect(one?.settlement).to.deep.equal({ method: "basic.reject", deliveryTag: 1 });
    ledger.sent(nack(4, true));
    expect(three?.settlement).to.deep.equal({ method: "basic.nack", deliveryTag: 4 });
    expect(four?.settlement).to.equal(three?.settlement);
    expect(ledger.size).to.equal(0);
    expect(ledger.get(3)).to.equal(undefined);
  });

  it("takes tag 0 with `multiple` for all there are, and without for none", () => {
    const ledger = withDeliveries(1, 2);
    ledger.sent(ack(0));
    expect(tags(ledger)).to.deep.equal([1, 2]);
    ledger.sent(ack(0, true));
    expect(tags(ledger)).to.deep.equal([]);
  });

  it("leaves everything open for a tag that is not, as the broker does, which closes the channel", () => {
    const ledger = withDeliveries(1, 2, 4);
    for (const method of [ack(3), ack(3, true), nack(9, true)]) ledger.sent(method);
    expect(tags(ledger)).to.deep.equal([1, 2, 4]);
  });

  it("is not confused by tags that come out of order", () => {
    const ledger = withDeliveries(1, 4, 2, 3, 5);
    ledger.sent(ack(3, true));
    expect(tags(ledger)).to.deep.equal([4, 5]);
  });

  it("refuses tag 0, and one that is in use", () => {
    const ledger = withDeliveries(1);
    for (const tag of [0, 1]) {
      expect(() => ledger.add(tag))
        .to.throw(ProtocolError, "with a tag that names no delivery")
        .that.includes({ replyCode: 406, got: `${tag}` });
    }
    ledger.sent(ack(1));
    expect(ledger.add(1).settlement).to.equal(undefined);
  });

  it("has a message of basic.get, unless it needs no answer", () => {
    const ledger = new DeliveryLedger();
    const reply = {
      ...({ name: "basic.get-ok", redelivered: false, exchange: "", routingKey: "q" } as const),
      messageCount: 0,
    };
    ledger.answered({ name: "basic.get", queue: "q", noAck: true }, { ...reply, deliveryTag: 1 });
    ledger.answered({ name: "basic.get", queue: "q", noAck: false }, { ...reply, deliveryTag: 2 });
    expect(tags(ledger)).to.deep.equal([2]);
  });

  it("is empty after basic.recover was answered, or basic.recover-async sent", () => {
    const ledger = withDeliveries(1, 2);
    const recover = { name: "basic.recover", requeue: true } as const;
    const [one] = [...ledger];
    ledger.sent(recover);
    expect(tags(ledger)).to.deep.equal([1, 2]);
    ledger.answered(recover, { name: "basic.recover-ok" });
    expect(tags(ledger)).to.deep.equal([]);
    expect(one?.settlement?.method).to.equal("basic.recover");
    const three = ledger.add(3);
    ledger.sent({ name: "basic.recover-async", requeue: true });
    expect(tags(ledger)).to.deep.equal([]);
    expect(three.settlement?.method).to.equal("basic.recover-async");
  });

  it("opens nothing again where nothing was transacted", () => {
    const ledger = withDeliveries(1, 2);
    ledger.sent(ack(1));
    ledger.answered({ name: "tx.rollback" }, { name: "tx.rollback-ok" });
    expect(tags(ledger)).to.deep.equal([2]);
  });

  it("shares nothing with others", () => {
    const [one, other] = [new DeliveryLedger(), new DeliveryLedger()];
    one.sent(ack(0, true));
    one.add(1);
    expect([one.size, other.size]).to.deep.equal([1, 0]);
  });

  describe("in a transaction", () => {
    it("opens again what is rolled back, in the order of the tags", () => {
      const ledger = withDeliveries(1, 2, 3, 4);
      const [, two] = [...ledger];
      ledger.sent({ name: "tx.select" });
      ledger.sent(ack(3));
      ledger.sent(nack(2));
      ledger.sent({ name: "tx.rollback" });
      ledger.answered({ name: "tx.rollback" }, { name: "tx.rollback-ok" });
      expect(tags(ledger)).to.deep.equal([1, 2, 3, 4]);
      expect(two?.settlement).to.equal(undefined);
      ledger.sent(ack(3, true));
      expect(tags(ledger)).to.deep.equal([4]);
    });

    it("keeps what was committed, and what was recovered", () => {
      const ledger = withDeliveries(1, 2, 3);
      ledger.sent({ name: "tx.select" });
      ledger.sent(ack(1));
      ledger.sent(COMMIT);
      ledger.answered(COMMIT, { name: "tx.commit-ok" });
      ledger.sent(ack(2));
      ledger.answered({ name: "basic.recover", requeue: true }, { name: "basic.recover-ok" });
      ledger.sent({ name: "tx.rollback" });
      ledger.answered({ name: "tx.rollback" }, { name: "tx.rollback-ok" });
      expect(tags(ledger)).to.deep.equal([2]);
    });
  });

  it("counts what is settled while a transaction ends with the next one", () => {
    const ledger = withDeliveries(1, 2, 3, 4);
    ledger.sent({ name: "tx.select" });
    ledger.sent(ack(1));
    ledger.sent({ name: "tx.rollback" });
    ledger.sent(ack(2));
    ledger.answered({ name: "tx.rollback" }, { name: "tx.rollback-ok" });
    expect(tags(ledger)).to.deep.equal([1, 3, 4]);
    ledger.sent(COMMIT);
    ledger.sent(ack(3));
    ledger.answered(COMMIT, { name: "tx.commit-ok" });
    expect(tags(ledger)).to.deep.equal([1, 4]);
    ledger.sent({ name: "tx.rollback" });
    ledger.answered({ name: "tx.rollback" }, { name: "tx.rollback-ok" });
    expect(tags(ledger)).to.deep.equal([1, 3, 4]);
  });

  it("agrees with a set of tags, whatever is answered", () => {
    const step = fc.oneof(
      fc.constant("deliver" as const),
      fc.record({ tag: fc.nat(30), multiple: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new DeliveryLedger();
        let open: number[] = [];
        let last = 0;
        for (const each of steps) {
          if (each === "deliver") {
            ledger.add(++last);
            open.push(last);
          } else {
            const { tag, multiple } = each;
            ledger.sent(ack(tag, multiple));
            const known = tag === 0 ? multiple : open.includes(tag);
            if (known) open = open.filter((it) => (multiple ? tag > 0 && it > tag : it !== tag));
          }
          expect(tags(ledger)).to.deep.equal(open);
          expect(ledger.size).to.equal(open.length);
        }
      }),
    );
  });
});
