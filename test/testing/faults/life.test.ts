/** How often a fault strikes, whom, and how it ends. */
import { expect } from "chai";
import { AbortError, TimeoutError, UsageError } from "../../../src/errors.ts";
import { lines, publish, stage } from "./stage.ts";

const LONG = "x".repeat(256);

describe("a fault that is set", () => {
  const on = stage();

  it("counts down, tells how often it struck, and is over", async () => {
    const client = await on.confirming();
    const fault = on.broker.faults.nack({ count: 2, after: 1 });
    expect(on.broker.faults.active).to.deep.equal([fault]);
    expect(fault).to.include({ name: "nack", struck: 0, remaining: 2 });
    const once = fault.waitForStrikes();
    publish(client, 2);
    await once;
    expect(fault).to.include({ struck: 1, remaining: 1 });
    publish(client, 2);
    expect(await fault.done).to.equal(2);
    await fault.waitForStrikes(2);
    expect(fault).to.include({ struck: 2, remaining: 0 });
    expect(on.broker.faults.active).to.deep.equal([]);
    expect(await lines(client, 4)).to.deep.equal([
      ...["ack 1", "nack 2 multiple", "nack 3 multiple", "ack 4"],
    ]);
  });

  it("can be cleared, alone and with others, at the end of a block and of the broker", async () => {
    const client = await on.confirming();
    const { faults } = on.broker;
    const one = faults.nack({ count: Number.POSITIVE_INFINITY });
    const two = faults.lose();
    one.clear();
    one.clear();
    expect(await one.done).to.equal(0);
    expect(faults.active).to.deep.equal([two]);
    {
      using three = faults.nack();
      expect(faults.active).to.deep.equal([two, three]);
    }
    expect(faults.active).to.deep.equal([two]);
    faults.clear();
    publish(client);
    expect(await lines(client, 1)).to.deep.equal(["ack 1"]);
    const four = faults.stopReading();
    await on.broker.stop();
    expect(await four.done).to.equal(1);
  });

  it("is not waited for in vain", async () => {
    const fault = on.broker.faults.nack();
    const wait = fault.waitForStrikes().catch((error: Error) => error.message);
    fault.clear();
    expect(await wait).to.equal('the fault "nack" is over; it struck 0 times and not 1');
    const after = await fault.waitForStrikes(3).catch((error: Error) => error.message);
    expect(after).to.equal('the fault "nack" is over; it struck 0 times and not 3');
  });

  it("is waited for until the deadline, with what there was instead", async () => {
    const broker = await on.start({ waitTimeoutMs: 20 });
    const client = await on.open();
    const fault = broker.faults.nack();
    publish(client); // not in confirm mode: there is nothing to nack
    const inVain = await fault.waitForStrikes().catch((error: Error) => error);
    expect(inVain).to.be.instanceOf(TimeoutError);
    expect((inVain as Error).message)
      .to.match(/^waited 20 ms for the fault "nack" to strike once; it struck 0 times; /)
      .and.match(/1 connection: '.*' of guest \(channels 1\)/);
    const signal = AbortSignal.abort();
    const aborted = await fault.waitForStrikes(2, { signal }).catch((error: Error) => error);
    expect(aborted).to.be.instanceOf(AbortError);
    const wrong = await fault.waitForStrikes(0.5).catch((error: Error) => error);
    expect(wrong).to.be.instanceOf(UsageError);
    const late = fault.waitForStrikes(1, { timeoutMs: 5000 }).catch((error: Error) => error);
    await broker.stop();
    expect(await late).to.be.instanceOf(AbortError);
  });

  it("strikes what it is meant for: by exchange, routing key, connection and predicate", async () => {
    await on.start({ confirms: { multiple: false } });
    const [client] = [await on.confirming(), await on.confirming()];
    const [, view] = on.broker.connections;
    const { faults } = on.broker;
    const count = Number.POSITIVE_INFINITY;
    for (const [options, struck] of [
      [{ exchange: "" }, ["1", "2", "3"]],
      [{ exchange: "amq.direct" }, []],
      [{ routingKey: "q" }, ["1", "2", "3"]],
      [{ routingKey: "Q" }, []],
      [{ routingKey: /^Q$/i }, ["1", "2", "3"]],
      [{ routingKey: /Q/g }, []],
      [{ predicate: ({ body }: { body: Uint8Array }) => body[0] === 0x32 }, ["2"]],
      [{ connection: view }, []],
      [{ connection: ({ id }: { id: number }) => id === 1 }, ["1", "2", "3"]],
      [{ connection: "by this name" }, []],
    ] as const) {
      const fault = faults.nack({ count, ...options });
      publish(client, 3);
      const answers = (await lines(client, 3)).map((line) => line.split(" ")[0]);
      const nacked = ["1", "2", "3"].filter((_, i) => answers[i] === "nack");
      expect(nacked, Object.keys(options).join()).to.deep.equal(struck);
      expect(fault.struck).to.equal(struck.length);
      fault.clear();
    }
  });

  it("leaves a publish to the one that was set first", async () => {
    const client = await on.confirming();
    const { faults } = on.broker;
    const nack = faults.nack();
    const drop = faults.dropConfirm();
    publish(client, 3);
    expect(await lines(client, 2)).to.deep.equal(["nack 1", "ack 3"]);
    expect([nack.struck, drop.struck]).to.deep.equal([1, 1]);
  });

  it("is not set with options that cannot be", () => {
    const { faults } = on.broker;
    for (const set of [
      () => faults.nack({ count: 0 }),
      () => faults.nack({ count: 1.5 }),
      () => faults.lose({ after: -1 }),
      () => faults.holdConfirms({ count: -1 }),
      () => faults.delay({ ms: -1 }),
      () => faults.delay({ ms: 1, jitterMs: Number.NaN }),
      () => faults.split({ octets: 0 }),
      () => faults.cut({ on: "basic.publish", afterRead: 5 }),
      () => faults.cut({ afterRead: 0 }),
      () => faults.cut({ afterWritten: 1.5 }),
      () => faults.cut({ at: 3 }),
      () => faults.refuseConnections({ count: 0 }),
      // What names no place for them cuts at once, so that these would mean nothing.
      () => faults.cut({ routingKey: "q" }),
      () => faults.cut({ on: "tx.select", exchange: "" }),
      () => faults.cut({ after: 3 }),
      () => faults.cut({ count: 1 }),
      () => faults.refuse("tx.select", { replyCode: 403, replyText: LONG }),
      () => faults.closeConnections({ replyText: LONG }),
      () => faults.return({ replyText: LONG }),
      () => faults.block({ reason: LONG }),
      () => faults.send({ name: "basic.ack", deliveryTag: -1, multiple: false }),
      // What TypeScript would not let pass.
      () => faults.refuse("basic.pubish" as never, { replyCode: 403 }),
      () => faults.refuse("basic.ack-ok" as never, { replyCode: 403 }),
      () => faults.refuse("toString" as never, { replyCode: 403 }),
      () => faults.refuse("basic.deliver" as never, { replyCode: 403 }),
      () => faults.refuse("tx.select", { replyCode: 403, scope: "Channel" as never }),
      () => faults.cut({ how: "rst" as never }),
      () => faults.cut({ on: "basic.deliver" as never }),
      () => faults.cut({ inside: "basic.consume" as never }),
      () => faults.refuseConnections({ how: "rst" as never }),
      () => faults.send({ name: "basic.akc" } as never),
      () => faults.send({ name: "basic.consume-ok" } as never),
    ]) {
      expect(set, String(set)).to.throw(UsageError);
    }
    expect(faults.active).to.deep.equal([]);
  });
});
