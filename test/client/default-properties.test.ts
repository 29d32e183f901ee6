import { expect } from "chai";
import { type Connection, connect, tagged, UsageError } from "../../src/index.ts";
import { TaggedTable } from "../../src/protocol.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";

describe("the default properties of a publisher", () => {
  let broker: EmbeddedBroker;
  let connection: Connection;
  beforeEach(async () => {
    broker = await startBroker();
    connection = await connect(broker.url);
  });
  afterEach(async () => {
    await connection.close();
    await broker.stop();
  });

  /** What arrives of a publish without properties of its own, and of one with these. */
  async function arrived(
    properties: BasicProperties,
    meanwhile: () => void = () => {},
    own: BasicProperties = {},
  ): Promise<(BasicProperties | undefined)[]> {
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    const publisher = await connection.openPublisher({ properties });
    const first = publisher.publish("", queue, "m");
    meanwhile();
    await Promise.all([first, publisher.publish("", queue, "m", own)]);
    const got = [0, 1].map(() => channel.basicGet(queue, { noAck: true }));
    return (await Promise.all(got)).map((delivery) => delivery?.properties);
  }

  it("are taken to the bottom when it is opened", async () => {
    const trace = { n: 1, octets: new Uint8Array([1]), list: ["a"] };
    const timestamp = new Date(0);
    const properties = { type: "t", timestamp, headers: { trace } };
    const expected = {
      ...{ type: "t", timestamp: new Date(0) },
      headers: { trace: { n: 1, octets: new Uint8Array([1]), list: ["a"] } },
    };
    const all = await arrived(properties, () => {
      trace.n = 2;
      trace.octets[0] = 2;
      trace.list.push("b");
      timestamp.setTime(5000);
      properties.type = "u";
    });
    expect(all).to.deep.equal([expected, expected]);
  });

  it("may be inherited, or come from getters", async () => {
    class Persistent {
      get deliveryMode(): 2 {
        return 2;
      }
    }
    const all = await arrived(new Persistent(), undefined, { priority: 1 });
    expect(all).to.deep.equal([{ deliveryMode: 2 }, { deliveryMode: 2, priority: 1 }]);
  });

  it("may have a tagged table, which own headers replace", async () => {
    const headers = new TaggedTable([["a", tagged("u", 5)]]) as unknown as { readonly a: number };
    const all = await arrived({ headers }, undefined, { headers: { b: 1 } });
    expect(all).to.deep.equal([{ headers: { a: 5 } }, { headers: { b: 1 } }]);
  });

  it("that cannot be read open no publisher, and are nobody else's concern", async () => {
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    const other = await connection.openPublisher();
    const bad: unknown[] = [
      null,
      "text",
      {
        get type(): string {
          throw new Error("broken");
        },
      },
    ];
    for (const properties of bad) {
      const opening = connection.openPublisher({ properties: properties as BasicProperties });
      const error = await opening.catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UsageError);
      expect((error as UsageError).message).to.match(/^the default properties (must be|cannot)/);
    }
    await other.publish("", queue, "not concerned");
  });
});

describe("the order in which things are told", () => {
  let broker: EmbeddedBroker;
  let connection: Connection;
  beforeEach(async () => {
    broker = await startBroker();
    connection = await connect(broker.url);
  });
  afterEach(async () => {
    await connection.close();
    await broker.stop();
  });

  it("is every publish first, then that the connection is closed", async () => {
    const publisher = await connection.openPublisher();
    const order: string[] = [];
    publisher.publish("", "q", "m").catch(() => order.push("publish"));
    const closed = publisher.closed.then(() => order.push("publisher"));
    connection.destroy();
    await connection.closed;
    order.push("connection");
    await closed;
    expect(order[0]).to.equal("publish");
    expect(order).to.have.members(["publish", "publisher", "connection"]);
  });

  it("is what was published, then the waits for it, one after the other", async () => {
    const publisher = await connection.openPublisher();
    const order: string[] = [];
    const note = (what: string) => () => void order.push(what);
    publisher.publish("", "nowhere", "m", { mandatory: true }).catch(note("publish"));
    const first = publisher.waitForConfirms().catch(note("first wait"));
    const second = publisher.waitForConfirms().then(note("second wait"));
    await Promise.all([first, second]);
    expect(order).to.deep.equal(["publish", "first wait", "second wait"]);
  });
});
