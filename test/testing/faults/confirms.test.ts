/** Faults for publishes and their confirms, seen by a client that takes the octets as they come. */
import { expect } from "chai";
import fc from "fast-check";
import { UsageError } from "../../../src/errors.ts";
import { startBroker } from "../../../src/testing.ts";
import { CONFIRM, declareQueue, TX_COMMIT, TX_SELECT } from "../methods.ts";
import { RawClient } from "../raw-client.ts";
import { bodies, lines, nothingCame, publish, stage } from "./stage.ts";

describe("a fault", () => {
  const on = stage();

  it("nacks the next publishes, and their messages are nowhere", async () => {
    const client = await on.confirming();
    const fault = on.broker.faults.nack({ count: 2 });
    publish(client, 4);
    expect(await lines(client, 3)).to.deep.equal([
      "nack 1 multiple",
      "nack 2 multiple",
      "ack 4 multiple",
    ]);
    expect(bodies(on.broker)).to.deep.equal(["3", "4"]);
    expect(await fault.done).to.equal(2);
  });

  it("nacks what the queues have, if asked to", async () => {
    const client = await on.confirming();
    on.broker.faults.nack({ store: true });
    publish(client);
    expect(await lines(client, 1)).to.deep.equal(["nack 1 multiple"]);
    expect(bodies(on.broker)).to.deep.equal(["1"]);
  });

  it("nacks nothing on a channel that does not confirm", async () => {
    const client = await on.open();
    await client.call(1, declareQueue("q"), "queue.declare-ok");
    const fault = on.broker.faults.nack();
    publish(client);
    await nothingCame(client);
    expect(bodies(on.broker)).to.deep.equal(["1"]);
    expect(fault.struck).to.equal(0);
  });

  it("returns what a queue would have taken, and acks it after that", async () => {
    const client = await on.confirming();
    on.broker.faults.return();
    on.broker.faults.return({ replyCode: 313, replyText: "nobody there" });
    publish(client, 3);
    expect(await lines(client, 3)).to.deep.equal([
      '1 basic.return {"replyCode":312,"replyText":"NO_ROUTE","exchange":"","routingKey":"q",' +
        '"properties":{},"body":"1"}',
      '1 basic.return {"replyCode":313,"replyText":"nobody there","exchange":"","routingKey":"q",' +
        '"properties":{},"body":"2"}',
      "ack 3 multiple",
    ]);
    expect(bodies(on.broker)).to.deep.equal(["3"]);
  });

  it("loses a message and acks it", async () => {
    const client = await on.confirming();
    on.broker.faults.lose({ after: 1 });
    publish(client, 3);
    expect(await lines(client, 1)).to.deep.equal(["ack 3 multiple"]);
    expect(bodies(on.broker)).to.deep.equal(["1", "3"]);
  });

  it("loses and returns messages of a transaction at its commit", async () => {
    const client = await on.open();
    await client.call(1, declareQueue("q"), "queue.declare-ok");
    await client.call(1, TX_SELECT, "tx.select-ok");
    on.broker.faults.lose();
    on.broker.faults.return();
    publish(client, 3);
    await nothingCame(client);
    client.send(1, TX_COMMIT);
    await client.expect("basic.return");
    await client.expect("tx.commit-ok");
    expect(bodies(on.broker)).to.deep.equal(["3"]);
  });

  it("drops a confirm, and none with multiple covers it", async () => {
    const client = await on.confirming();
    on.broker.faults.dropConfirm({ after: 1 });
    publish(client, 4);
    expect(await lines(client, 3)).to.deep.equal(["ack 1", "ack 3", "ack 4"]);
    publish(client, 2);
    expect(await lines(client, 2)).to.deep.equal(["ack 5", "ack 6"]);
    await nothingCame(client);
    expect(bodies(on.broker)).to.deep.equal(["1", "2", "3", "4", "1", "2"]);
  });

  it("ignores a publish altogether, if asked to", async () => {
    const client = await on.confirming();
    on.broker.faults.dropConfirm({ store: false });
    publish(client, 2);
    expect(await lines(client, 1)).to.deep.equal(["ack 2"]);
    expect(bodies(on.broker)).to.deep.equal(["2"]);
  });

  it("confirms twice, right after each other", async () => {
    const client = await on.confirming();
    on.broker.faults.duplicateConfirm({ after: 1 });
    publish(client, 3);
    expect(await lines(client, 2)).to.deep.equal(["ack 3 multiple", "ack 2"]);
    publish(client);
    expect(await lines(client, 1)).to.deep.equal(["ack 4"]);
  });

  it("holds confirms until they are released, the oldest first", async () => {
    const client = await on.confirming();
    const fault = on.broker.faults.holdConfirms();
    publish(client, 5);
    await fault.waitForStrikes(5);
    await nothingCame(client);
    expect(fault.held).to.equal(5);
    expect(bodies(on.broker)).to.have.length(5);
    fault.release(2);
    expect(await lines(client, 1)).to.deep.equal(["ack 2 multiple"]);
    fault.clear();
    expect(await lines(client, 1)).to.deep.equal(["ack 5 multiple"]);
    publish(client);
    expect(await lines(client, 1)).to.deep.equal(["ack 6"]);
    expect(fault.held).to.equal(0);
  });

  it("holds what it was told to and lets the rest pass; clear() of all lets it go", async () => {
    const client = await on.confirming();
    const fault = on.broker.faults.holdConfirms({ count: 1, routingKey: "q" });
    publish(client, 3);
    expect(await lines(client, 2)).to.deep.equal(["ack 2", "ack 3"]);
    expect(await fault.done).to.equal(1);
    expect(on.broker.faults.active).to.deep.equal([]);
    on.broker.faults.clear();
    expect(await lines(client, 1)).to.deep.equal(["ack 1"]);
  });

  it("keeps what a queue refused a nack, however late", async () => {
    const client = await on.confirming();
    const full = { "x-max-length": 0, "x-overflow": "reject-publish" };
    await client.call(1, declareQueue("full", { arguments: full }), "queue.declare-ok");
    const fault = on.broker.faults.holdConfirms();
    publish(client);
    publish(client, 1, "full");
    await fault.waitForStrikes(2);
    fault.clear();
    expect(await lines(client, 2)).to.deep.equal(["ack 1", "nack 2"]);
  });

  it("forgets what it owed to connections that are gone, and lets the others wait their turn", async () => {
    const { broker } = on;
    const fault = broker.faults.holdConfirms();
    publish(await on.confirming(), 3);
    await fault.waitForStrikes(3);
    await broker.restart();
    expect(fault.held).to.equal(0);
    const client = await on.confirming();
    publish(client, 2);
    await fault.waitForStrikes(5);
    expect(fault.held).to.equal(2);
    fault.release(1); // of those that somebody waits for
    expect(await lines(client, 1)).to.deep.equal(["ack 1"]);
    expect(() => fault.release(-1)).to.throw(UsageError);
    expect(() => fault.release(0.5)).to.throw(UsageError);
    expect(fault.held).to.equal(1);
  });

  it("forgets them also if nobody asks how many there are", async () => {
    const { broker } = on;
    const fault = broker.faults.holdConfirms();
    publish(await on.confirming(), 1024);
    await fault.waitForStrikes(1024);
    await broker.restart();
    const client = await on.confirming();
    publish(client);
    await fault.waitForStrikes(1025);
    fault.release(1);
    expect(await lines(client, 1)).to.deep.equal(["ack 1"]);
  });

  it("sends nothing on a channel that was closed meanwhile", async () => {
    const client = await on.confirming();
    const fault = on.broker.faults.holdConfirms();
    publish(client);
    await fault.waitForStrikes();
    on.broker.faults.closeChannels({ replyCode: 406 });
    await client.expect("channel.close");
    fault.clear();
    client.send(1, { name: "channel.close-ok" });
    await client.call(1, { name: "channel.open" }, "channel.open-ok");
    await nothingCame(client);
  });
});

describe("confirms by option", () => {
  const on = stage();

  it("go out one by one", async () => {
    await on.start({ confirms: { multiple: false } });
    const client = await on.confirming();
    publish(client, 3);
    expect(await lines(client, 3)).to.deep.equal(["ack 1", "ack 2", "ack 3"]);
  });

  it("go out many by one, whatever pieces the publishes come in", async () => {
    await on.start({ confirms: { batch: 3, delayMs: 50 } });
    const client = await on.confirming();
    client.drip();
    publish(client, 8);
    expect(await lines(client, 2)).to.deep.equal(["ack 3 multiple", "ack 6 multiple"]);
    // Two are left that wait for a third, but not for ever.
    expect(await lines(client, 1)).to.deep.equal(["ack 8 multiple"]);
  });

  it("come late, and not before their time", async () => {
    const client = await on.confirming();
    const fault = on.broker.faults.confirms({ delayMs: 60 });
    const start = Date.now();
    publish(client);
    expect(await lines(client, 1)).to.deep.equal(["ack 1"]);
    expect(Date.now() - start).to.be.at.least(60);
    publish(client, 2);
    await nothingCame(client);
    fault.clear();
    expect(await lines(client, 1)).to.deep.equal(["ack 3 multiple"]);
    expect(Date.now() - start).to.be.lessThan(4000);
  });

  it("come out of order, the same with the same seed and others with another", async () => {
    const orders = new Map<number, string>();
    for (const seed of [1, 1, 2, 3]) {
      await on.start({ seed, confirms: { batch: 20, order: "shuffled", multiple: false } });
      expect(on.broker.seed).to.equal(seed);
      const client = await on.confirming();
      publish(client, 20);
      const came = await lines(client, 20);
      const sorted = Array.from({ length: 20 }, (_, i) => `ack ${i + 1}`);
      expect(came).to.have.members(sorted).and.not.to.deep.equal(sorted);
      if (orders.has(seed)) expect(came.join()).to.equal(orders.get(seed));
      orders.set(seed, came.join());
    }
    expect(new Set(orders.values()).size).to.equal(3);
  });

  it("survive clear(), and give way to the newest fault", async () => {
    await on.start({ confirms: { multiple: false } });
    const client = await on.confirming();
    const fault = on.broker.faults.confirms({ multiple: true });
    publish(client, 2);
    expect(await lines(client, 1)).to.deep.equal(["ack 2 multiple"]);
    on.broker.faults.clear();
    expect(fault.remaining).to.equal(0);
    publish(client, 2);
    expect(await lines(client, 2)).to.deep.equal(["ack 3", "ack 4"]);
  });

  it("are a UsageError where they cannot be", async () => {
    for (const confirms of [
      { delayMs: -1 },
      { delayMs: Number.NaN },
      { batch: 0 },
      { batch: 1.5 },
    ]) {
      expect(() => on.broker.faults.confirms(confirms), JSON.stringify(confirms)).to.throw(
        UsageError,
      );
    }
    const order = "sideways" as "shuffled";
    expect(() => on.broker.faults.confirms({ order })).to.throw(UsageError, "sideways");
    const failure = await startBroker({ seed: 1.5 }).catch((error: unknown) => error);
    expect(failure).to.be.an.instanceOf(UsageError);
  });
});

describe("any confirms by option", () => {
  /** What the broker says to so many publishes, of which some are nacked or never answered. */
  async function play({ seed, publishes, cut, ...confirms }: Play): Promise<string[]> {
    await using broker = await startBroker({ seed, confirms: { ...confirms, delayMs: 20 } });
    const kind = (body: Uint8Array): Fate => publishes[Number(Buffer.from(body).toString()) - 1];
    const count = Number.POSITIVE_INFINITY;
    broker.faults.nack({ count, predicate: ({ body }) => kind(body) === "nack" });
    broker.faults.dropConfirm({ count, predicate: ({ body }) => kind(body) === "drop" });
    if (cut !== undefined) broker.faults.split({ octets: cut, random: true });
    const client = await RawClient.open(broker.port);
    await client.call(1, declareQueue("q"), "queue.declare-ok");
    await client.call(1, CONFIRM, "confirm.select-ok");
    publish(client, publishes.length);
    const open = new Map(publishes.map((fate, i) => [i + 1, fate]));
    const came: string[] = [];
    while ([...open.values()].some((fate) => fate !== "drop")) {
      const [line = ""] = await lines(client, 1);
      came.push(line);
      const [answer, number, multiple] = line.split(" ");
      const tags = multiple ? [...open.keys()].filter((tag) => tag <= Number(number)) : [number];
      for (const tag of tags.map(Number)) {
        expect(open.get(tag), `${line} of ${publishes}`).to.equal(answer);
        open.delete(tag);
      }
    }
    client.destroy();
    return came;
  }

  it("settle each message once and as it should be, twice in the same way with one seed", async function () {
    this.timeout(60_000);
    const fate = fc.constantFrom<Exclude<Fate, undefined>>("ack", "ack", "ack", "nack", "drop");
    const plays: fc.Arbitrary<Play> = fc.record({
      seed: fc.nat(),
      publishes: fc.array(fate, { minLength: 1, maxLength: 30 }),
      batch: fc.integer({ min: 1, max: 12 }),
      order: fc.constantFrom("ascending" as const, "shuffled" as const),
      multiple: fc.constantFrom(true, false, "random" as const),
      cut: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    });
    const property = fc.asyncProperty(plays, async (one) => {
      expect(await play(one)).to.deep.equal(await play(one));
    });
    await fc.assert(property, { numRuns: 40 });
  });
});

type Fate = "ack" | "nack" | "drop" | undefined;

interface Play {
  readonly seed: number;
  readonly publishes: readonly Exclude<Fate, undefined>[];
  readonly batch: number;
  readonly order: "ascending" | "shuffled";
  readonly multiple: boolean | "random";
  readonly cut: number | undefined;
}
