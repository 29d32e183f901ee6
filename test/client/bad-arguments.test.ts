import { inspect } from "node:util";
import { expect } from "chai";
import {
  PublishError,
  type PublishOptions,
  TaggedTable,
  tagged,
  UsageError,
} from "../../src/index.ts";
import { failure, within } from "../support/environment.ts";
import { openChannel, openPublisher, useScriptedServer } from "../support/scripted-server.ts";

/** Everything that api.md says cannot be published, and what else no peer could read. */
const LONG = "x".repeat(256);
const HEADERS: readonly unknown[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  new Date(Number.NaN),
  new Date(-1),
  2n ** 63n,
  -(2n ** 63n) - 1n,
  Symbol("no"),
  () => {},
  "\ud800",
  [Number.NaN],
  [undefined],
  { deep: { deeper: Number.NaN } },
  { [LONG]: 1 },
];
const CC = ["CC", tagged("A", [tagged("S", "queue"), "other"])] as const;
const OPTIONS: readonly unknown[] = [
  ...HEADERS.map((x) => ({ headers: { x } })),
  { headers: { [LONG]: 1 } },
  { headers: { x: "x".repeat(131_072) } },
  { headers: null },
  { headers: "x" },
  { headers: [] },
  { headers: { CC: "queue" } },
  { headers: { CC: [1] } },
  { headers: { CC: null } },
  { headers: { BCC: { 0: "queue" } } },
  { headers: { BCC: ["queue", null] } },
  { expiration: "soon" },
  { expiration: "" },
  { expiration: "1.5" },
  { expiration: "4294967296" },
  { expiration: "-1" },
  { expiration: "1e3" },
  { expiration: "60000\n" },
  { expiration: 60_000 },
  { expiration: null },
  { deliveryMode: 0 },
  { deliveryMode: 3 },
  { deliveryMode: "2" },
  { deliveryMode: null },
  { priority: -1 },
  { priority: 256 },
  { priority: 1.5 },
  { priority: "1" },
  { timestamp: new Date(Number.NaN) },
  { timestamp: new Date(-1000) },
  { timestamp: 1_700_000_000 },
  { contentType: LONG },
  { contentEncoding: LONG },
  { correlationId: LONG },
  { replyTo: LONG },
  { expiration: "1".repeat(256) },
  { messageId: LONG },
  { type: LONG },
  { userId: LONG },
  { appId: LONG },
  { clusterId: LONG },
  { messageId: 42 },
  { messageId: "\udfff" },
  { taggedProperties: null },
  { taggedProperties: "x" },
  { taggedProperties: {}, type: "x" },
  { taggedProperties: { type: new Uint8Array(256) } },
  { taggedProperties: { expiration: Uint8Array.of(0x31) } },
  { taggedProperties: { deliveryMode: 3 } },
  { taggedProperties: { timestamp: 1_700_000_000 } },
  { taggedProperties: { timestamp: tagged("T", -1) } },
  { taggedProperties: { headers: new TaggedTable([["CC", tagged("S", "queue")]]) } },
  { taggedProperties: { headers: new TaggedTable([["BCC", tagged("A", [tagged("u", 1)])]]) } },
  { taggedProperties: { headers: new TaggedTable([CC, ["CC", tagged("V", null)]]) } },
  { timeoutMs: -1 },
  { timeoutMs: Number.NaN },
  { timeoutMs: Number.POSITIVE_INFINITY },
  { timeoutMs: "5" },
  { signal: null },
  { signal: {} },
  { mandatory: 1 },
  { immediate: "no" },
  null,
];
const ARGUMENTS: readonly (readonly [exchange: unknown, routingKey: unknown, body: unknown])[] = [
  ["", LONG, ""],
  ["", "ä".repeat(128), ""],
  [LONG, "", ""],
  [undefined, "q", ""],
  ["", undefined, ""],
  ["", null, ""],
  ["", 42, ""],
  ["", "\ud800", ""],
  ["", "q", undefined],
  ["", "q", null],
  ["", "q", 42],
  ["", "q", { a: 1 }],
  ["", "q", [1, 2]],
  ["", "q", new ArrayBuffer(4)],
  ["", "q", new Uint16Array(4)],
  ["", "q", "\ud800"],
  ["", "q", `${"x".repeat(10_000)}\ud800`],
];

describe("arguments that cannot be encoded", () => {
  const server = useScriptedServer();

  for (const maxUnconfirmed of [4096, 1]) {
    const state = maxUnconfirmed === 1 ? "when the window is full" : "when there is room";
    it(`reject that publish alone ${state}`, async () => {
      const { connection, peer } = await server().connect();
      const { publisher, number } = await openPublisher(connection, peer, { maxUnconfirmed });
      const first = publisher.publish("", "q", "first", { messageId: "1" });
      await peer.expectPublishes(1);
      const before = [publisher.unconfirmed, publisher.queued];
      for (const options of OPTIONS) {
        const publishing = publisher.publish("", "q", "bad", options as PublishOptions);
        const error = await within(500, failure(publishing, UsageError)).catch((cause) => {
          throw new Error(`for ${inspect(options)}`, { cause });
        });
        expect(error.code).to.equal("ERR_AMQP_USAGE");
      }
      for (const [exchange, routingKey, body] of ARGUMENTS) {
        const publishing = publisher.publish(
          exchange as string,
          routingKey as string,
          body as string,
        );
        await within(500, failure(publishing, UsageError)).catch((cause) => {
          throw new Error(`for ${inspect([exchange, routingKey, body])}`, { cause });
        });
      }
      expect([publisher.unconfirmed, publisher.queued]).to.deep.equal(before);

      // The numbering goes on without a gap, and nothing of the bad ones is on the wire.
      const second = publisher.publish("", "q", "second", { messageId: "2" });
      peer.ack(number, 1);
      expect(await first).to.deep.equal({ deliveryTag: 1 });
      const [sent] = await peer.expectPublishes(1);
      expect(sent?.properties).to.deep.equal({ messageId: "2" });
      expect(Buffer.from(sent?.body ?? []).toString()).to.equal("second");
      peer.ack(number, 2);
      expect(await second).to.deep.equal({ deliveryTag: 2 });
      await publisher.waitForConfirms();
      await openChannel(connection, peer);
    });
  }

  it("are that also for a publisher that is closed: to send them again can never help", async () => {
    const { connection, peer } = await server().connect();
    const { publisher } = await openPublisher(connection, peer);
    connection.destroy();
    for (const [exchange, routingKey, body] of ARGUMENTS) {
      const publishing = publisher.publish(
        exchange as string,
        routingKey as string,
        body as string,
      );
      await within(500, failure(publishing, UsageError));
    }
    const fine = await failure(publisher.publish("", "q", "fine"), PublishError);
    expect(fine.outcome).to.equal("unsent");
  });

  it("are named with what is allowed", async () => {
    const { connection, peer } = await server().connect();
    const { publisher } = await openPublisher(connection, peer);
    const says = async (options: unknown): Promise<string> =>
      (await failure(publisher.publish("", "q", "", options as PublishOptions), UsageError))
        .message;
    expect(await says({ expiration: "soon" })).to.match(/expiration.*digits/);
    expect(await says({ deliveryMode: 7 })).to.match(/deliveryMode.*1.*2/);
    expect(await says({ headers: { a: { b: Number.NaN } } })).to.match(/b is NaN/);
    expect(await says({ headers: { CC: "q" } })).to.match(/CC.*array of strings/);
    expect(await says({ headers: { x: "x".repeat(131_072) } })).to.match(/frame-max is 131072/);
    const long = await failure(publisher.publish("", LONG, ""), UsageError);
    expect(long.message).to.match(/routingKey.*256.*255/);
  });

  it("do not include what is only unusual", async () => {
    const { connection, peer } = await server().connect();
    const { publisher, number } = await openPublisher(connection, peer);
    const unusual: readonly PublishOptions[] = [
      { headers: {} },
      { headers: { CC: [], BCC: ["a"] } },
      { headers: { x: undefined } },
      { headers: { x: -0, y: 1e300, z: 2n ** 63n - 1n, d: new Date(0) } },
      { headers: { CC: tagged("A", ["a", tagged("S", "b")]) } },
      { taggedProperties: {} },
      { taggedProperties: { headers: new TaggedTable([CC, CC]) } },
      { taggedProperties: { expiration: "60000", correlationId: Uint8Array.of(0xff) } },
      { expiration: "0" },
      { deliveryMode: 1 },
      { priority: 0 },
      { priority: 255 },
      { timestamp: new Date(0) },
      { timeoutMs: undefined, signal: undefined, mandatory: undefined, headers: undefined },
      { headers: { x: "x".repeat(130_000) } },
      { messageId: "" },
      { type: "ä".repeat(127) },
    ];
    const publishes = unusual.map((options) => publisher.publish("", "", "", options));
    publishes.push(publisher.publish("", "ä".repeat(127), Buffer.alloc(0)));
    publishes.push(publisher.publish("", "q", new DataViewBody()));
    await peer.expectPublishes(publishes.length);
    peer.ack(number, 0, true);
    await Promise.all(publishes);
  });
});

/** A subclass is a Uint8Array like any other. */
class DataViewBody extends Uint8Array {
  constructor() {
    super(3);
  }
}
