/** What clients of other people, and in other languages, publish, as this client reads it. */
import amqp, { type Options } from "amqplib";
import { expect } from "chai";
import {
  type Connection,
  connect,
  type FieldValue,
  type GotDelivery,
  type TaggedTable,
  TaggedValue,
  tagged,
} from "../../src/index.ts";
import { writeProperties } from "../../src/wire/properties.ts";
import { againstBothBrokers } from "../support/both-brokers.ts";
import { HeaderTap } from "../support/interoperation/header-tap.ts";
import { BODIES, EMPTY_PROPERTIES, EVERY_PROPERTY } from "../support/interoperation/ours.ts";
import {
  AMQP_TOOLS,
  PIKA,
  pikaPublish,
  run,
  withProgram,
} from "../support/interoperation/programs.ts";
import { written } from "../wire/octets.ts";

/** A header that amqplib sends: how it is asked to, its type on the wire, and what we read. */
type Sent = readonly [given: unknown, type: string, read: FieldValue];

const exactly = (type: string, value: unknown): unknown => ({ "!": type, value });
const AMQPLIB_FIELDS: { readonly [name: string]: Sent } = {
  text: ["grüße 🐇", "S", "grüße 🐇"],
  emptyText: ["", "S", ""],
  yes: [true, "t", true],
  no: [false, "t", false],
  nothing: [null, "V", null],
  octets: [Buffer.from([0, 255, 254]), "x", Uint8Array.of(0, 255, 254)],
  noOctets: [Buffer.alloc(0), "x", new Uint8Array(0)],
  int8: [-128, "b", -128],
  uint8: [exactly("uint8", 255), "B", 255],
  int16: [-32768, "s", -32768],
  uint16: [exactly("uint16", 65535), "u", 65535],
  int32: [-2147483648, "I", -2147483648],
  uint32: [exactly("uint32", 4294967295), "i", 4294967295],
  int64: [2 ** 40, "l", 2 ** 40],
  safest: [exactly("int64", 9007199254740991n), "l", 9007199254740991],
  notSafe: [exactly("int64", 9007199254740993n), "l", 9007199254740993n],
  most: [exactly("int64", 2n ** 63n - 1n), "l", 2n ** 63n - 1n],
  least: [exactly("int64", -(2n ** 63n)), "l", -(2n ** 63n)],
  double: [Math.PI, "d", Math.PI],
  negativeZero: [exactly("double", -0), "d", -0],
  float: [exactly("float", -1.5), "f", -1.5],
  decimal: [
    exactly("decimal", { places: 2, digits: 314 }),
    "D",
    tagged("D", { scale: 2, value: 314 }),
  ],
  // amqplib's decimals have no sign; ours have (errata, section 3).
  wideDecimal: [
    exactly("decimal", { places: 0, digits: 4294967295 }),
    "D",
    tagged("D", { scale: 0, value: -1 }),
  ],
  time: [exactly("timestamp", 1709209845), "T", new Date(1709209845000)],
  epoch: [exactly("timestamp", 0), "T", new Date(0)],
  lastDate: [exactly("timestamp", 8_640_000_000_000), "T", new Date(8.64e15)],
  afterDate: [exactly("timestamp", 8_640_000_000_001), "T", tagged("T", 8_640_000_000_001)],
  lastTime: [exactly("timestamp", 2n ** 64n - 1n), "T", tagged("T", 2n ** 64n - 1n)],
  list: [[1, "two", [true, null], { three: 3 }], "A", [1, "two", [true, null], { three: 3 }]],
  emptyList: [[], "A", []],
  table: [
    { nested: { deeper: ["still"] }, empty: {} },
    "F",
    { nested: { deeper: ["still"] }, empty: {} },
  ],
  "": ["without a name", "S", "without a name"],
};

againstBothBrokers("what we read", (url) => {
  let tap: HeaderTap;
  let connection: Connection;
  let count = 0;
  let queue = "";

  beforeEach(async () => {
    tap = await HeaderTap.start(url());
    connection = await connect(tap.url);
    queue = `amqp091-test-${process.pid}-received-${++count}`;
    await (await connection.openChannel()).queueDeclare(queue);
  });
  afterEach(async () => {
    await (await connection.openChannel()).queueDelete(queue);
    await connection.close();
    await tap.stop();
  });

  /**
   * Takes all messages, and makes sure that the properties of each came with the very octets that
   * their publisher wrote, and that the lossless reading gives them back.
   */
  async function receive(): Promise<GotDelivery[]> {
    const channel = await connection.openChannel();
    const all: GotDelivery[] = [];
    for (;;) {
      const one = await channel.basicGet(queue, { noAck: true });
      if (one === undefined) break;
      all.push(one);
    }
    const again = all.map(({ taggedProperties }) =>
      written((writer) => writeProperties(writer, taggedProperties)),
    );
    expect(tap.delivered).to.deep.equal(tap.published);
    expect(again).to.deep.equal(tap.published);
    return all;
  }

  function typesIn(headers: TaggedTable | undefined): { [name: string]: string } {
    return Object.fromEntries(
      (headers?.entries ?? []).map(([name, { type }]) => [String(name), type]),
    );
  }

  /** Same values and, which deep equality alone does not see, no mere look-alikes of tagged ones. */
  function expectHeaders(got: object | undefined, read: { [name: string]: FieldValue }): void {
    expect(got).to.deep.equal(read);
    for (const [name, value] of Object.entries(read)) {
      const one = (got as { [name: string]: unknown })[name];
      expect(one instanceof TaggedValue, name).to.equal(value instanceof TaggedValue);
      if (value instanceof Uint8Array) expect(one, name).not.to.be.instanceOf(Buffer);
    }
  }

  describe("of amqplib:", () => {
    async function publish(options: Options.Publish, body: Uint8Array = BODY): Promise<void> {
      const client = await amqp.connect(tap.url);
      const channel = await client.createConfirmChannel();
      channel.publish("", queue, Buffer.from(body), options);
      await channel.waitForConfirms();
      await client.close();
    }

    it("every type of header", async () => {
      const members = Object.entries(AMQPLIB_FIELDS);
      await publish({
        headers: Object.fromEntries(members.map(([name, [given]]) => [name, given])),
      });
      const [got] = await receive();
      expectHeaders(
        got?.properties.headers,
        Object.fromEntries(members.map(([name, [, , read]]) => [name, read])),
      );
      expect(typesIn(got?.taggedProperties.headers)).to.deep.equal(
        Object.fromEntries(members.map(([name, [, type]]) => [name, type])),
      );
    });

    it("each property that it has", async () => {
      const { clusterId: _, ...properties } = EVERY_PROPERTY; // amqplib cannot send it
      const timestamp = Number(properties.timestamp) / 1000;
      await publish({ ...properties, timestamp });
      const [got] = await receive();
      expect(got?.properties).to.deep.equal(properties);
      expect(got?.taggedProperties.timestamp).to.deep.equal(tagged("T", timestamp));
    });

    for (const [what, body] of Object.entries(BODIES)) {
      it(`a body ${what}`, async () => {
        await publish({}, body);
        const [got] = await receive();
        expectBody(got, body);
      });
    }
  });

  withProgram(PIKA, () => {
    it("of pika: every header, each property, bodies", async function () {
      this.timeout(20_000);
      await pikaPublish(tap.port, queue);
      const [none, every, empty, far, types, ...others] = await receive();
      expect(others).to.have.length(0);
      expect(none?.properties).to.deep.equal({});
      expectBody(none, BODIES["of no octets"]);
      expect(every?.properties).to.deep.equal(EVERY_PROPERTY);
      expectBody(every, Buffer.from("grüße"));
      expect(empty?.properties).to.deep.equal(EMPTY_PROPERTIES);
      expectBody(empty, BODIES["of all octets"]);
      // No Date reaches so far: only the lossless reading has it.
      expect(far?.properties.timestamp?.getTime()).to.deep.equal(Number.NaN);
      expect(far?.taggedProperties.timestamp).to.deep.equal(tagged("T", 2n ** 64n - 1n));
      expectHeaders(types?.properties.headers, {
        text: "grüße 🐇",
        emptyText: "",
        octets: Uint8Array.of(0, 255, 254),
        noOctets: new Uint8Array(0),
        yes: true,
        no: false,
        nothing: null,
        int32: -2147483648,
        "above int32": 2147483648,
        most: 2n ** 63n - 1n,
        least: -(2n ** 63n),
        "not safe": 9007199254740993n,
        decimal: tagged("D", { scale: 5, value: 314159 }),
        negativeDecimal: tagged("D", { scale: 1, value: -5 }),
        time: new Date("2024-02-29T12:30:45Z"),
        list: [1, "two", [true, null], { three: 3 }],
        emptyList: [],
        table: { nested: { deeper: "still" }, empty: {} },
      });
      expect(Object.values(typesIn(types?.taggedProperties.headers)).join("")).to.equal(
        "SSxxttVIllllDDTAAF",
      );
      expectBody(
        types,
        Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256),
      );
    });
  });

  withProgram(AMQP_TOOLS, () => {
    describe("of librabbitmq's amqp-tools:", function () {
      this.timeout(20_000);

      function publish(options: readonly string[], body?: Uint8Array): Promise<Buffer> {
        const target = [`--url=${tap.url}`, `--routing-key=${queue}`];
        return run("amqp-publish", [...target, ...options], body);
      }

      it("the properties and headers that they can send", async () => {
        await publish([
          ...["--persistent", "--content-type=text/plain", "--content-encoding=identity"],
          ...["--reply-to=a.reply", "--header=first: one", "--header=zweitens: größer"],
          "--body=hello",
        ]);
        const [got] = await receive();
        expect(got?.properties).to.deep.equal({
          contentType: "text/plain",
          contentEncoding: "identity",
          headers: { first: "one", zweitens: "größer" },
          deliveryMode: 2,
          replyTo: "a.reply",
        });
        expect(typesIn(got?.taggedProperties.headers)).to.deep.equal({ first: "S", zweitens: "S" });
        expectBody(got, Buffer.from("hello"));
      });

      it("bodies of every length, text and octets", async () => {
        for (const body of Object.values(BODIES)) await publish([], body);
        const got = await receive();
        expect(got).to.have.length(Object.keys(BODIES).length);
        for (const [i, body] of Object.values(BODIES).entries()) expectBody(got[i], body);
      });
    });
  });
});

const BODY = Uint8Array.of(1);

/** A body is a Uint8Array with memory of its own, whatever frames it came in. */
function expectBody(got: GotDelivery | undefined, body: Uint8Array | undefined): void {
  if (got === undefined || body === undefined) throw new Error("no message");
  expect(Buffer.from(got.body).equals(body)).to.equal(true);
  expect(got.body).not.to.be.instanceOf(Buffer);
  expect(got.body.buffer.byteLength).to.equal(body.length);
}
