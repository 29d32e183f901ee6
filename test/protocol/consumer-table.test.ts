import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import { ConsumerTable } from "../../src/protocol/consumer-table.ts";
import type { ClientMethod } from "../../src/wire/generated/methods.ts";

function consume(consumerTag: string, noAck = false, nowait = false): ClientMethod {
  return {
    name: "basic.consume",
    queue: "q",
    consumerTag,
    noLocal: false,
    noAck,
    exclusive: false,
    nowait,
    arguments: {},
  };
}

function cancel(consumerTag: string, nowait = false): ClientMethod {
  return { name: "basic.cancel", consumerTag, nowait };
}

const QOS = { name: "basic.qos", prefetchSize: 0, prefetchCount: 1, global: false } as const;

describe("ConsumerTable", () => {
  it("has a consumer from the moment that its own tag was sent", () => {
    const table = new ConsumerTable();
    table.sent(consume("a", true));
    expect(table.get("a")).to.deep.equal({ noAck: true });
    table.answered(consume("a", true), { name: "basic.consume-ok", consumerTag: "a" });
    expect(table.size).to.equal(1);
  });

  it("has one that the broker named when it was told the name", () => {
    const table = new ConsumerTable();
    table.sent(consume(""));
    expect(table.size).to.equal(0);
    table.answered(consume(""), { name: "basic.consume-ok", consumerTag: "theirs" });
    expect(table.get("theirs")).to.deep.equal({ noAck: false });
  });

  it("refuses an answer for another consumer", () => {
    const table = new ConsumerTable();
    table.sent(consume("a"));
    const answer = { name: "basic.consume-ok", consumerTag: "b" } as const;
    expect(() => table.answered(consume("a"), answer))
      .to.throw(ProtocolError, "names another consumer")
      .that.includes({ replyCode: 503, expected: "a", got: "b" });
  });

  it("has it until its cancel was answered", () => {
    const table = new ConsumerTable();
    table.sent(consume("a"));
    table.sent(cancel("a"));
    expect(table.get("a")).to.not.equal(undefined);
    table.answered(cancel("a"), { name: "basic.cancel-ok", consumerTag: "a" });
    expect(table.get("a")).to.equal(undefined);
  });

  it("has it until something was answered that was asked behind a cancel without an answer", () => {
    const table = new ConsumerTable();
    for (const tag of ["a", "b", "c"]) table.sent(consume(tag));
    table.sent(cancel("a", true));
    table.sent(cancel("b", true));
    expect(table.size).to.equal(3);
    table.sent(consume("b", true, true)); // a new one under the old name
    table.answered(QOS, { name: "basic.qos-ok" });
    expect(table.get("a")).to.equal(undefined);
    expect(table.get("b")).to.deep.equal({ noAck: true });
    expect(table.size).to.equal(2);
    table.answered(QOS, { name: "basic.qos-ok" });
    expect(table.size).to.equal(2);
  });

  it("does not have it again by an answer that comes behind the broker's cancel", () => {
    const table = new ConsumerTable();
    table.sent(consume("a"));
    expect(table.cancelled("a")).to.equal(true);
    table.answered(consume("a"), { name: "basic.consume-ok", consumerTag: "a" });
    expect(table.get("a")).to.equal(undefined);
  });

  it("is not surprised by the end of one that it never had", () => {
    const table = new ConsumerTable();
    table.sent(cancel("a", true));
    table.answered(cancel("b"), { name: "basic.cancel-ok", consumerTag: "b" });
    expect([table.size, table.cancelled("a")]).to.deep.equal([0, false]);
  });

  it("loses it when the broker cancels it, once", () => {
    const table = new ConsumerTable();
    table.sent(consume("a"));
    expect(table.cancelled("a")).to.equal(true);
    expect(table.cancelled("a")).to.equal(false);
    expect(table.size).to.equal(0);
  });
});
