import { expect } from "chai";
import { ProtocolError, TimeoutError } from "../../src/errors.ts";
import { ConfirmLedger } from "../../src/protocol/confirm-ledger.ts";
import { publishError } from "../../src/protocol/publication.ts";
import { encodeText } from "../../src/wire/text.ts";
import { raised } from "../wire/octets.ts";
import { endings, type PublishArguments, publication, type TestPublication } from "./support.ts";

/** A ledger with written publications: a number of them, or such as these. */
function ledger(given: number | readonly PublishArguments[] = 0): {
  books: ConfirmLedger;
  all: TestPublication[];
} {
  const books = new ConfirmLedger();
  const args = typeof given === "number" ? Array<PublishArguments>(given).fill({}) : given;
  const all = args.map(publication);
  for (const each of all) books.add(each);
  books.markWritten();
  return { books, all };
}

function returned(body = "m") {
  const octets = encodeText(body);
  const reason = { replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: "q" };
  return { ...reason, properties: {}, taggedProperties: {}, body: octets };
}

function neverIssued(action: () => unknown): ProtocolError {
  const error = raised(ProtocolError, action);
  expect(error.replyCode).to.equal(406);
  return error;
}

describe("ConfirmLedger", () => {
  it("counts from 1", () => {
    const { books, all } = ledger(3);
    expect(all.map(({ deliveryTag }) => deliveryTag)).to.deep.equal([1, 2, 3]);
    expect([books.open, books.nextTag]).to.deep.equal([3, 4]);
  });

  it("publish, publish, ack 2, ack 2 multiple: message 1 settles", () => {
    const { books, all } = ledger(2);
    expect(books.ack(2, false)).to.equal(1);
    expect(endings(all)).to.deep.equal(["open", "confirmed"]);
    expect(books.ack(2, true)).to.equal(1);
    expect(endings(all)).to.deep.equal(["confirmed", "confirmed"]);
    expect(books.open).to.equal(0);
  });

  it("settles single tags in any order, and skips what was settled", () => {
    const { books, all } = ledger(4);
    books.ack(3, false);
    books.nack(1, false);
    expect(books.ack(3, false)).to.equal(0);
    expect(books.nack(3, false)).to.equal(0);
    expect(books.ack(1, false)).to.equal(0);
    expect(endings(all)).to.deep.equal(["nacked", "open", "confirmed", "open"]);
    expect(books.nack(4, true)).to.equal(2);
    expect(endings(all)).to.deep.equal(["nacked", "nacked", "confirmed", "nacked"]);
  });

  it("takes no late confirm for whoever has the same place in the ring", () => {
    const { books, all } = ledger(64);
    books.ack(64, true);
    for (let i = 0; i < 64; i++) all.push(publication());
    for (const each of all.slice(64)) books.add(each);
    books.markWritten();
    for (let tag = 1; tag <= 64; tag++) expect(books.nack(tag, false)).to.equal(0);
    expect(new Set(endings(all.slice(64)))).to.deep.equal(new Set(["open"]));
  });

  it("settles with `multiple` all up to the tag and none above", () => {
    const { books, all } = ledger(4);
    expect(books.ack(2, true)).to.equal(2);
    expect(endings(all)).to.deep.equal(["confirmed", "confirmed", "open", "open"]);
    expect(books.ack(1, true)).to.equal(0);
  });

  it("takes tag 0 with `multiple` for all outstanding, and rewinds nothing", () => {
    const { books, all } = ledger(3);
    books.ack(2, false);
    expect(books.ack(0, true)).to.equal(2);
    expect(endings(all)).to.deep.equal(Array(3).fill("confirmed"));
    expect(books.ack(0, true)).to.equal(0);
    const next = publication();
    expect(books.add(next)).to.equal(4);
    books.markWritten();
    expect(books.ack(3, true)).to.equal(0);
    expect(next.ending).to.equal("open");
    expect(books.nack(0, true)).to.equal(1);
    expect(next.ending).to.equal("nacked");
    expect(ledger(0).books.ack(0, true)).to.equal(0);
  });

  it("refuses tag 0 alone and tags that were never issued with 406, and settles nothing", () => {
    const { books, all } = ledger(2);
    for (const [tag, multiple] of [
      [0, false],
      [3, false],
      [3, true],
      [Number.MAX_SAFE_INTEGER, true],
    ] as const) {
      expect(neverIssued(() => books.ack(tag, multiple)).got).to.equal(String(tag));
      expect(neverIssued(() => books.nack(tag, multiple)).expected).to.equal("1 to 2");
    }
    expect(endings(all)).to.deep.equal(["open", "open"]);
    expect(books.open).to.equal(2);
    expect(neverIssued(() => ledger(0).books.ack(1, false)).expected).to.contain("none");
  });

  it("takes no confirm for what was not given to the socket", () => {
    const { books, all } = ledger(1);
    const unwritten = publication();
    books.add(unwritten);
    neverIssued(() => books.ack(2, false));
    neverIssued(() => books.ack(2, true));
    expect(books.ack(0, true)).to.equal(1);
    expect(endings([...all, unwritten])).to.deep.equal(["confirmed", "open"]);
    books.markWritten();
    expect(books.ack(2, false)).to.equal(1);
    expect(unwritten.ending).to.equal("confirmed");
  });

  it("keeps a released publish open until its confirm comes", () => {
    const { books, all } = ledger(2);
    const [first] = all as [TestPublication];
    first.fail(publishError(first, "unknown", new TimeoutError("late")));
    expect(books.open).to.equal(2);
    expect(books.ack(2, true)).to.equal(2);
    expect(endings(all)).to.deep.equal(["unknown", "confirmed"]);
  });

  it("lets go of messages that cannot come back as soon as they are encoded", () => {
    const { all } = ledger([{}, { mandatory: true }, { immediate: true }]);
    expect(all.map(({ body }) => body)).to.deep.equal([undefined, "m", "m"]);
  });

  describe("returned", () => {
    it("tells the caller, and the confirm that follows only closes the tag", () => {
      const { books, all } = ledger([{}, { mandatory: true }, { mandatory: true }]);
      for (const each of all) each.bodySize = 1;
      const message = returned();
      expect(books.returned(message)).to.equal(true);
      expect(endings(all)).to.deep.equal(["open", "returned", "open"]);
      expect(all[1]?.error).to.have.property("returned", message);
      expect(books.open).to.equal(3);
      expect(books.ack(3, true)).to.equal(3);
      expect(endings(all)).to.deep.equal(["confirmed", "returned", "confirmed"]);
      expect(all.map(({ body }) => body)).to.deep.equal([undefined, undefined, undefined]);
    });

    it("leaves a return alone that fits none", () => {
      const { books, all } = ledger([{}, { mandatory: true }]);
      expect(books.returned(returned("other"))).to.equal(false);
      expect(endings(all)).to.deep.equal(["open", "open"]);
    });

    it("is consumed by a publish whose caller was released before", () => {
      const { books, all } = ledger([{ mandatory: true }, { mandatory: true }]);
      for (const each of all) each.bodySize = 1;
      const [first, second] = all as [TestPublication, TestPublication];
      first.fail(publishError(first, "unknown", new TimeoutError("late")));
      expect(books.returned(returned())).to.equal(true);
      expect(endings(all)).to.deep.equal(["unknown", "open"]);
      expect(books.returned(returned())).to.equal(true);
      expect(second.ending).to.equal("returned");
    });

    it("is no proof for an answer to direct reply-to, which RabbitMQ may have delivered", () => {
      const routingKey = "amq.rabbitmq.reply-to.g1h2AA==";
      const { books, all } = ledger([{ mandatory: true, routingKey }]);
      for (const each of all) each.bodySize = 1;
      expect(books.returned({ ...returned(), routingKey })).to.equal(true);
      expect(endings(all)).to.deep.equal(["unknown"]);
      expect(all[0]?.error.cause).to.have.property("outcome", "returned");
    });

    it("nacks a returned publish without telling its caller again", () => {
      const { books, all } = ledger([{ mandatory: true }]);
      for (const each of all) each.bodySize = 1;
      books.returned(returned());
      expect(books.nack(1, false)).to.equal(1);
      expect(endings(all)).to.deep.equal(["returned"]);
    });
  });

  describe("closeAll", () => {
    it("tells what is open, and whether it was written, and nobody twice", () => {
      const { books, all } = ledger([{}, {}, { mandatory: true }, { mandatory: true }]);
      const unwritten = publication();
      books.add(unwritten);
      books.ack(1, false);
      (all[1] as TestPublication).fail(new TimeoutError("late"));
      const asked: [number, boolean][] = [];
      books.closeAll((one, written) => {
        asked.push([one.deliveryTag, written]);
        return publishError(one, written ? "unknown" : "unsent");
      });
      expect(asked).to.deep.equal([
        [3, true],
        [4, true],
        [5, false],
      ]);
      expect(endings([...all, unwritten])).to.deep.equal([
        "confirmed",
        "TimeoutError",
        "unknown",
        "unknown",
        "unsent",
      ]);
      expect([books.open, books.openPublications()]).to.deep.equal([0, []]);
      expect(all.map(({ body }) => body)).to.deep.equal(Array(4).fill(undefined));
    });

    it("leaves nothing for later confirms and returns", () => {
      const { books, all } = ledger([{ mandatory: true }, {}]);
      books.closeAll((one) => publishError(one, "unknown"));
      expect(books.ack(2, true)).to.equal(0);
      expect(books.ack(1, false)).to.equal(0);
      expect(books.returned(returned())).to.equal(false);
      expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
    });
  });

  it("lists what is open, and what of it the broker may still have to handle", () => {
    const { books, all } = ledger(5);
    const unwritten = publication();
    books.add(unwritten);
    expect(books.unhandledPublications()).to.deep.equal(all);
    books.ack(2, false);
    expect(books.openPublications()).to.deep.equal([all[0], ...all.slice(2), unwritten]);
    expect(books.unhandledPublications()).to.deep.equal(all.slice(2));
    books.nack(3, true);
    expect(books.unhandledPublications()).to.deep.equal(all.slice(3));
    books.ack(2, true);
    expect(books.unhandledPublications()).to.deep.equal(all.slice(3));
  });

  it("knows what came back for handled", () => {
    const { books, all } = ledger([{}, { mandatory: true }, {}]);
    for (const each of all) each.bodySize = 1;
    books.returned(returned());
    expect(books.unhandledPublications()).to.deep.equal(all.slice(2));
  });

  it("does not say of a message that it is confirmed where a return may have been its own", () => {
    const { books, all } = ledger([
      { mandatory: true, type: "a" },
      { mandatory: true, type: "b" },
      { mandatory: true, type: "c" },
    ]);
    for (const each of all) each.bodySize = 1;
    expect(books.returned({ ...returned(), properties: { type: "z" } })).to.equal(false);
    (all[1] as TestPublication).fail(new TimeoutError("late"));
    expect(books.ack(2, true)).to.equal(2);
    expect(books.nack(3, false)).to.equal(1);
    expect(endings(all)).to.deep.equal(["unknown", "TimeoutError", "nacked"]);
    expect(all[0]?.error.cause).to.have.property("outcome", "returned");
  });

  it("lets stragglers stay behind, in their order, and settles them like all others", () => {
    const { books, all } = ledger(2000);
    const late = [1, 2, 700, 1500];
    for (let tag = 1; tag <= 2000; tag++) if (!late.includes(tag)) books.ack(tag, false);
    for (let i = 0; i < 5000; i++) {
      const tag = books.add(publication());
      books.markWritten();
      books.ack(tag, false);
    }
    const open = (): number[] => books.openPublications().map(({ deliveryTag }) => deliveryTag);
    expect(open()).to.deep.equal(late);
    expect(books.ack(2, false)).to.equal(1);
    expect(books.ack(2, false)).to.equal(0);
    expect(books.nack(1000, true)).to.equal(2);
    expect(open()).to.deep.equal([1500]);
    const stragglers = late.map((tag) => all[tag - 1] as TestPublication);
    expect(endings(stragglers)).to.deep.equal(["nacked", "confirmed", "nacked", "open"]);
    books.closeAll((one) => publishError(one, "unknown"));
    expect([books.open, open(), stragglers[3]?.ending]).to.deep.equal([0, [], "unknown"]);
  });

  it("holds hundreds of thousands, settled in any order", () => {
    const { books, all } = ledger(200_000);
    for (let tag = 2; tag <= 200_000; tag += 2) books.ack(tag, false);
    expect(books.open).to.equal(100_000);
    expect(books.ack(199_999, true)).to.equal(100_000);
    if (all.some(({ ending }) => ending !== "confirmed")) throw new Error("one is not confirmed");
  });

  it("keeps its ring as small as what is open asks for, in whatever order it settles", () => {
    const rings: number[] = [];
    const { Array: original } = globalThis;
    globalThis.Array = new Proxy(original, {
      construct(target, args) {
        rings.push(args[0]);
        return Reflect.construct(target, args);
      },
    });
    try {
      const books = new ConfirmLedger();
      for (let round = 0; round < 200; round++) {
        const tags: number[] = [];
        for (let i = 0; i < 50; i++) tags.push(books.add(publication()));
        books.markWritten();
        for (const tag of round % 2 === 0 ? tags : tags.reverse()) books.ack(tag, false);
      }
      expect(books.nextTag).to.equal(10_001);
      for (let i = 0; i < 65; i++) books.add(publication());
    } finally {
      globalThis.Array = original;
    }
    expect(rings).to.deep.equal([64, 128]);
  });

  it("collects no stack trace for a nack", () => {
    const { books, all } = ledger(1);
    books.nack(1, false);
    expect(all[0]?.error.stack).not.to.match(/\n\s+at /);
  });
});
