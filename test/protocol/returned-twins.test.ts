import { expect } from "chai";
import { ConfirmLedger } from "../../src/protocol/confirm-ledger.ts";
import { publishError } from "../../src/protocol/publication.ts";
import { encodeText } from "../../src/wire/text.ts";
import { endings, type PublishArguments, publication, type TestPublication } from "./support.ts";

/** A ledger with mandatory publications that were written, and what the broker does. */
class Channel {
  readonly books = new ConfirmLedger();
  readonly all: TestPublication[] = [];

  constructor(...args: readonly PublishArguments[]) {
    this.publish(...args);
  }

  publish(...args: readonly PublishArguments[]): void {
    for (const each of args) {
      const one = publication({ mandatory: true, ...each });
      one.bodySize = one.body?.length ?? 0;
      this.books.add(one);
      this.all.push(one);
    }
    this.books.markWritten();
  }

  back(args: PublishArguments = {}): boolean {
    const { body = "m", routingKey = "q", ...properties } = args;
    const reason = { replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey };
    const message = { properties, taggedProperties: {}, body: encodeText(body as string) };
    return this.books.returned({ ...reason, ...message });
  }

  get endings(): string[] {
    return endings(this.all);
  }

  cut(): void {
    this.books.closeAll((one) => publishError(one, "unknown"));
  }
}

describe("identical messages of which one came back", () => {
  it("are not confirmed by an ack that may be that of the one that came back", () => {
    const channel = new Channel({}, {});
    channel.back();
    expect(channel.books.ack(2, false)).to.equal(1);
    expect(channel.endings).to.deep.equal(["returned", "open"]);
    channel.cut();
    expect(channel.endings).to.deep.equal(["returned", "unknown"]);
  });

  it("are confirmed when the other ack comes, under their own tag", () => {
    const channel = new Channel({}, {});
    channel.back();
    channel.books.ack(2, false);
    expect(channel.books.openPublications()).to.deep.equal([channel.all[1]]);
    expect(channel.books.ack(1, false)).to.equal(1);
    expect(channel.endings).to.deep.equal(["returned", "confirmed"]);
    expect(channel.all[1]?.deliveryTag).to.equal(2);
    expect(channel.books.open).to.equal(0);
  });

  it("are nacked when the other tag is", () => {
    const channel = new Channel({}, {});
    channel.back();
    channel.books.ack(2, false);
    channel.books.nack(1, false);
    expect(channel.endings).to.deep.equal(["returned", "nacked"]);
  });

  it("are confirmed at once by an ack in the order of the tags, or for all of them", () => {
    const channel = new Channel({}, {}, {}, {});
    channel.back();
    channel.books.ack(1, false);
    channel.books.ack(2, false);
    expect(channel.endings).to.deep.equal(["returned", "confirmed", "open", "open"]);
    channel.back();
    channel.books.ack(4, true);
    expect(channel.endings).to.deep.equal(["returned", "confirmed", "returned", "confirmed"]);
  });

  it("owe each return one ack, whichever come first", () => {
    const channel = new Channel({}, {}, {});
    channel.back();
    channel.back();
    channel.books.ack(3, false);
    channel.books.ack(1, false);
    expect(channel.endings).to.deep.equal(["returned", "returned", "open"]);
    channel.books.ack(2, false);
    expect(channel.endings).to.deep.equal(["returned", "returned", "confirmed"]);
  });

  it("take the place of one of them behind many others too", () => {
    const channel = new Channel({}, {});
    channel.back();
    for (let tag = 3; tag <= 302; tag++) {
      channel.publish({ mandatory: false });
      channel.books.ack(tag, false);
    }
    channel.books.ack(2, false);
    expect(channel.endings.slice(0, 2)).to.deep.equal(["returned", "open"]);
    expect(channel.books.ack(300, true)).to.equal(1);
    expect(channel.endings.slice(0, 2)).to.deep.equal(["returned", "confirmed"]);
  });

  it("owe nothing when they were published after the return", () => {
    const channel = new Channel({});
    channel.back();
    channel.publish({});
    channel.books.ack(2, false);
    expect(channel.endings).to.deep.equal(["returned", "confirmed"]);
  });

  it("owe nothing to others: another body, key or property", () => {
    const channel = new Channel({}, { body: "o" }, { routingKey: "o" }, { type: "o" });
    channel.back();
    for (const tag of [2, 3, 4]) channel.books.ack(tag, false);
    expect(channel.endings).to.deep.equal(["returned", "confirmed", "confirmed", "confirmed"]);
  });

  it("keep the accounts of different messages to one target apart", () => {
    const channel = new Channel({}, { type: "o" }, {}, { type: "o" });
    channel.back();
    channel.back({ type: "o" });
    channel.books.ack(4, false);
    channel.books.ack(3, false);
    expect(channel.endings).to.deep.equal(["returned", "returned", "open", "open"]);
    channel.books.ack(1, false);
    expect(channel.endings).to.deep.equal(["returned", "returned", "confirmed", "open"]);
    channel.books.ack(2, false);
    expect(channel.endings).to.deep.equal(["returned", "returned", "confirmed", "confirmed"]);
  });

  it("are recognised as what comes back, also where brokers change it", () => {
    const channel = new Channel({ type: "o" }, { type: "o" });
    channel.back({ type: "o", headers: { "x-node": "n" } });
    channel.books.ack(2, false);
    expect(channel.endings).to.deep.equal(["returned", "open"]);
  });

  it("may be what came back if another's tag is nacked: then nobody knows", () => {
    const channel = new Channel({}, {}, {});
    channel.back();
    channel.books.nack(1, false);
    channel.books.ack(2, false);
    channel.books.ack(3, false);
    expect(channel.endings).to.deep.equal(["returned", "unknown", "confirmed"]);
    expect(channel.all[1]?.error.cause).to.have.property("outcome", "returned");
    expect(channel.books.open).to.equal(0);
  });

  it("are told apart from others of the same body after a nack", () => {
    const channel = new Channel({}, { body: "o" }, { body: "p" });
    channel.back();
    channel.books.nack(1, false);
    channel.back({ body: "o" });
    channel.publish({ body: "p" });
    channel.books.ack(3, false);
    channel.back({ body: "p" });
    channel.books.nack(4, true);
    expect(channel.endings).to.deep.equal(["returned", "returned", "confirmed", "returned"]);
  });

  it("get their turn again with the next return after a nack", () => {
    const channel = new Channel({}, {}, {});
    channel.back();
    channel.books.nack(1, false);
    channel.back();
    channel.books.ack(3, false);
    expect(channel.endings).to.deep.equal(["returned", "returned", "open"]);
    channel.books.ack(2, false);
    expect(channel.endings).to.deep.equal(["returned", "returned", "unknown"]);
  });

  it("owe nothing to a later return when all earlier acks were taken off", () => {
    const channel = new Channel({}, {}, {}, {});
    channel.back();
    channel.books.ack(2, false);
    channel.back();
    channel.books.ack(1, false);
    expect(channel.endings).to.deep.equal(["returned", "confirmed", "returned", "open"]);
    channel.books.ack(4, true);
    expect(channel.endings).to.deep.equal(["returned", "confirmed", "returned", "confirmed"]);
  });

  it("are nacked in the place of another without a trace", () => {
    const channel = new Channel({}, {}, {});
    channel.back();
    channel.books.ack(3, false);
    channel.books.nack(1, false);
    channel.books.ack(2, false);
    expect(channel.endings).to.deep.equal(["returned", "confirmed", "nacked"]);
  });

  it("whose caller was released still count", () => {
    const channel = new Channel({}, {}, {});
    channel.all[1]?.fail(publishError(channel.all[1], "unknown"));
    channel.back();
    channel.books.ack(2, false);
    channel.books.ack(3, false);
    expect(channel.endings).to.deep.equal(["returned", "unknown", "confirmed"]);
  });
});
