import { expect } from "chai";
import {
  type AmqpError,
  BatchError,
  ChannelClosedError,
  type Connection,
  type ConnectOptions,
  type Message,
  PublishError,
  type Publisher,
  type PublisherOptions,
} from "../../src/index.ts";
import { FRAME_END, FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import { failure, stillPending, within } from "../support/environment.ts";
import {
  openChannel,
  openConfirmChannel,
  openPublisher,
  type Peer,
  useScriptedServer,
} from "../support/scripted-server.ts";

/** What becomes of the publishes that are open when the broker closes their channel. */
type Case = readonly [
  what: string,
  publishes: readonly Partial<Message>[],
  replyCode: number,
  replyText: string,
  outcomes: string,
];

const ORDERS = { exchange: "orders" };
const ORDERS_EU = { exchange: "orders.eu" };
const FORBIDDEN = "ACCESS_REFUSED - access to exchange";

function notFound(exchange: string, vhost = "/"): string {
  return `NOT_FOUND - no exchange '${exchange}' in vhost '${vhost}'`;
}

/** The octets of a reply text as RabbitMQ cuts it where it does not fit in a short string. */
function cut(text: string): Buffer {
  const octets = Buffer.from(text);
  return octets.length <= 255
    ? octets
    : Buffer.concat([octets.subarray(0, 252), Buffer.from("...")]);
}

/** A channel.close because of basic.publish whose text may end inside of a character. */
function closeFrame(channel: number, replyCode: number, replyText: Uint8Array): Buffer {
  const payload = Buffer.alloc(4 + 2 + 1 + replyText.length + 4);
  payload.writeUInt16BE(20, 0);
  payload.writeUInt16BE(40, 2);
  payload.writeUInt16BE(replyCode, 4);
  payload.writeUInt8(replyText.length, 6);
  payload.set(replyText, 7);
  payload.writeUInt16BE(60, 7 + replyText.length);
  payload.writeUInt16BE(40, 9 + replyText.length);
  const frame = Buffer.alloc(7 + payload.length + 1, FRAME_END);
  frame.writeUInt8(FRAME_TYPE.method, 0);
  frame.writeUInt16BE(channel, 1);
  frame.writeUInt32BE(payload.length, 3);
  frame.set(payload, 7);
  return frame;
}

async function outcomeOf(publish: Promise<unknown>): Promise<string> {
  return publish.then(
    () => "confirmed",
    (error: PublishError) => error.outcome,
  );
}

function submit(publisher: Publisher, message: Partial<Message>): Promise<unknown> {
  const { exchange = "other", routingKey = "k", body = "m", ...options } = message;
  return publisher.publish(exchange, routingKey, body, options);
}

describe("a channel that the broker closes because of a publish", () => {
  const server = useScriptedServer();

  async function open(
    options: PublisherOptions = {},
    connectOptions: ConnectOptions = {},
  ): Promise<{ connection: Connection; publisher: Publisher; peer: Peer; number: number }> {
    const { connection, peer } = await server().connect(connectOptions);
    return { connection, peer, ...(await openPublisher(connection, peer, options)) };
  }

  /** Publishes in one write, then closes: what the caller of each is told. */
  async function judge(
    publishes: readonly Partial<Message>[],
    replyCode: number,
    replyText: string,
    vhost = "/",
  ): Promise<string> {
    const { connection, publisher, peer, number } = await open({}, { vhost });
    const outcomes = publishes.map((message) => outcomeOf(submit(publisher, message)));
    await peer.expectPublishes(publishes.length);
    peer.write(closeFrame(number, replyCode, cut(replyText)));
    await peer.expect("channel.close-ok");
    const told = await within(1_000, Promise.all(outcomes));
    const closed = await within(1_000, publisher.closed);
    expect(closed).to.be.instanceOf(ChannelClosedError);
    expect(closed).to.include({ replyCode, method: "basic.publish" });
    expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([0, 0]);
    connection.destroy();
    return told.join(" ");
  }

  function judged(cases: readonly Case[], vhost?: string): void {
    for (const [what, publishes, replyCode, replyText, outcomes] of cases) {
      it(what, async () => {
        expect(await judge(publishes, replyCode, replyText, vhost)).to.equal(outcomes);
      });
    }
  }

  describe("finds the culprit by the whole sentence:", () => {
    judged([
      [
        "the shorter of two names",
        [ORDERS_EU, ORDERS, ORDERS_EU],
        404,
        notFound("orders"),
        "unknown refused unprocessed",
      ],
      [
        "the longer of two names",
        [ORDERS, ORDERS_EU, ORDERS],
        404,
        notFound("orders.eu"),
        "unknown refused unprocessed",
      ],
      [
        "a name with a quote",
        [{ exchange: "o" }, { exchange: "o'" }, { exchange: "'o'" }],
        404,
        notFound("o'"),
        "unknown refused unprocessed",
      ],
      [
        "a name that looks like the end of the sentence",
        [{ exchange: "x" }, { exchange: "x' in vhost '/" }, { exchange: "x" }],
        404,
        notFound("x' in vhost '/"),
        "unknown refused unprocessed",
      ],
      [
        "the beginning of a name that looks like the end of the sentence",
        [{ exchange: "x' in vhost '/" }, { exchange: "x" }, { exchange: "x' in vhost '/" }],
        404,
        notFound("x"),
        "unknown refused unprocessed",
      ],
      [
        "a name that is a whole sentence",
        [{ exchange: "x" }, { exchange: notFound("x") }, { exchange: "x" }],
        404,
        notFound(notFound("x")),
        "unknown refused unprocessed",
      ],
      [
        "names that differ in case, space and normal form alone",
        [{ exchange: "É" }, { exchange: "é" }, { exchange: "e\u0301" }, { exchange: "é " }],
        404,
        notFound("e\u0301"),
        "unknown unknown refused unprocessed",
      ],
      [
        "one that may not write to the exchange",
        [ORDERS, ORDERS_EU, ORDERS],
        403,
        `${FORBIDDEN} 'orders.eu' in vhost '/' refused for user 'me'`,
        "unknown refused unprocessed",
      ],
      [
        "one that may not write to the exchange, in RabbitMQ 4's words",
        [ORDERS, ORDERS_EU, ORDERS],
        403,
        "ACCESS_REFUSED - write access to exchange 'orders.eu' in vhost '/' refused for user 'me'",
        "unknown refused unprocessed",
      ],
      [
        "one about which the broker could not ask",
        [ORDERS, ORDERS_EU, ORDERS],
        403,
        `${FORBIDDEN} 'orders.eu' in vhost '/' refused for user 'me', backend x returned an error: y`,
        "unknown refused unprocessed",
      ],
      [
        "one to the default exchange, which is called amq.default then",
        [ORDERS, { exchange: "" }, ORDERS],
        403,
        `${FORBIDDEN} 'amq.default' in vhost '/' refused for user 'me'`,
        "unknown refused unprocessed",
      ],
      [
        "the default exchange or one of that name, which nobody can tell apart",
        [ORDERS, { exchange: "" }, { exchange: "amq.default" }, ORDERS],
        403,
        `${FORBIDDEN} 'amq.default' in vhost '/' refused for user 'me'`,
        "unknown unknown unknown unprocessed",
      ],
      [
        "one whose topic is forbidden",
        ["a.b", "a", "a.b.c"].map((routingKey) => ({ exchange: "t", routingKey })),
        403,
        "ACCESS_REFUSED - access to topic 'a' in exchange 't' in vhost '/' refused for user 'me'",
        "unknown refused unprocessed",
      ],
      [
        "one whose topic is forbidden, in RabbitMQ 4's words",
        ["a.b", "a", "a.b.c"].map((routingKey) => ({ exchange: "t", routingKey })),
        403,
        "ACCESS_REFUSED - write access to topic 'a' in exchange 't' in vhost '/' refused for user 'me'",
        "unknown refused unprocessed",
      ],
      [
        "the same topic on another exchange is not it",
        ["t2", "t", "t3"].map((exchange) => ({ exchange, routingKey: "a" })),
        403,
        "ACCESS_REFUSED - access to topic 'a' in exchange 't' in vhost '/' refused for user 'me'",
        "unknown refused unprocessed",
      ],
      [
        "topic and exchange that make one sentence in two ways",
        [
          { exchange: "c", routingKey: "a' in exchange 'b" },
          { exchange: "b' in exchange 'c", routingKey: "a" },
          { exchange: "c", routingKey: "a" },
        ],
        403,
        "ACCESS_REFUSED - access to topic 'a' in exchange 'b' in exchange 'c' in vhost '/' refused " +
          "for user 'me'",
        "unknown unknown unprocessed",
      ],
      [
        "one to an internal exchange",
        [ORDERS, ORDERS_EU, ORDERS],
        403,
        "ACCESS_REFUSED - cannot publish to internal exchange 'orders.eu' in vhost '/'",
        "unknown refused unprocessed",
      ],
      [
        "one that is too large, by its octets",
        [{ body: "€€€" }, { body: "x".repeat(9) }, { body: "€€€€" }, { body: "x".repeat(13) }],
        406,
        "PRECONDITION_FAILED - message size 12 is larger than configured max size 10",
        "unknown unknown refused unprocessed",
      ],
      [
        "one whose size begins as that of another",
        [{ body: "x".repeat(1) }, { body: "x".repeat(12) }, { body: "x".repeat(123) }],
        406,
        "PRECONDITION_FAILED - message size 12 is larger than max size 10",
        "unknown refused unprocessed",
      ],
      [
        "one that names another user",
        [{ userId: "m" }, { userId: "me" }, {}],
        406,
        "PRECONDITION_FAILED - user_id property set to 'me' but authenticated user was 'guest'",
        "unknown refused unprocessed",
      ],
    ]);
  });

  describe("in a vhost of the exchange's name", () => {
    judged(
      [
        [
          "finds the culprit",
          [{ exchange: "other" }, ORDERS, ORDERS_EU],
          404,
          notFound("orders", "orders"),
          "unknown refused unprocessed",
        ],
        [
          "does not take the vhost for the exchange",
          [ORDERS, { exchange: "other" }, ORDERS],
          404,
          notFound("other", "orders"),
          "unknown refused unprocessed",
        ],
        [
          "does not take the same name in another vhost",
          [ORDERS, ORDERS_EU],
          404,
          notFound("orders", "/"),
          "unknown unknown",
        ],
      ],
      "orders",
    );
  });

  describe("in a vhost whose name looks like the sentence", () => {
    judged(
      [
        [
          "finds the culprit",
          [{ exchange: "x" }, { exchange: "x' in vhost 'v" }, { exchange: "x" }],
          404,
          notFound("x' in vhost 'v", "v' in vhost 'v"),
          "unknown refused unprocessed",
        ],
      ],
      "v' in vhost 'v",
    );
  });

  describe("finds the culprit also where the text is cut:", () => {
    const nameOf = (octets: number): string => "x".repeat(octets - notFound("").length);
    judged([
      ...[253, 254, 255, 256, 257].map(
        (octets): Case => [
          `of ${octets} octets`,
          [ORDERS, { exchange: nameOf(octets) }, ORDERS],
          404,
          notFound(nameOf(octets)),
          "unknown refused unprocessed",
        ],
      ),
      ...["", "a", "aa", "aaa"].map(
        (shift): Case => [
          `inside of a character of four octets, at ${(220 - shift.length) % 4}`,
          [ORDERS, { exchange: `${shift}${"😀".repeat(60)}` }, ORDERS],
          404,
          notFound(`${shift}${"😀".repeat(60)}`),
          "unknown refused unprocessed",
        ],
      ),
      ...["", "a", "aa"].map(
        (shift): Case => [
          `inside of a character of three octets, at ${(220 - shift.length) % 3}`,
          [ORDERS, { exchange: `${shift}${"日".repeat(80)}` }, ORDERS],
          404,
          notFound(`${shift}${"日".repeat(80)}`),
          "unknown refused unprocessed",
        ],
      ),
      [
        "in the routing key of a topic",
        [
          { exchange: "t", routingKey: "k".repeat(254) },
          { exchange: "t", routingKey: "l".repeat(254) },
          { exchange: "t" },
        ],
        403,
        `ACCESS_REFUSED - access to topic '${"l".repeat(254)}' in exchange 't' in vhost '/' refused ` +
          "for user 'me'",
        "unknown refused unprocessed",
      ],
      [
        "in a claimed user's name",
        [{ userId: "u".repeat(255) }, { userId: "v".repeat(255) }, {}],
        406,
        `PRECONDITION_FAILED - user_id property set to '${"v".repeat(255)}' but authenticated ` +
          "user was 'me'",
        "unknown refused unprocessed",
      ],
      [
        "where the difference was cut off, it is one of several",
        ["1", "2", "3"].map((end) => ({ exchange: `${"x".repeat(230)}${end}` })),
        404,
        notFound(`${"x".repeat(230)}1`),
        "unknown unknown unknown",
      ],
      [
        "where the difference was cut off, what follows the last of them was never looked at",
        [...["1", "2"].map((end) => ({ exchange: `${"x".repeat(230)}${end}` })), ORDERS],
        404,
        notFound(`${"x".repeat(230)}2`),
        "unknown unknown unprocessed",
      ],
    ]);
  });

  describe("blames nobody", () => {
    judged([
      [
        "for a text that fits none",
        [ORDERS, ORDERS_EU],
        404,
        notFound("elsewhere"),
        "unknown unknown",
      ],
      ["for a text that only contains a name", [ORDERS], 404, "orders", "unknown"],
      [
        "for a text of another broker",
        [ORDERS, ORDERS_EU],
        404,
        "No exchange 'orders'",
        "unknown unknown",
      ],
      ["for no text", [ORDERS], 404, "", "unknown"],
      ["where text and code do not go together", [ORDERS], 403, notFound("orders"), "unknown"],
    ]);

    it("where the close names no method", async () => {
      const { publisher, peer, number } = await open();
      const outcome = outcomeOf(submit(publisher, ORDERS));
      await peer.expectPublishes(1);
      peer.closeChannel(number, 404, notFound("orders"));
      expect(await outcome).to.equal("unknown");
      expect(await publisher.closed).to.include({ replyCode: 404, method: undefined });
    });

    it("where the close names a method that nobody waits for", async () => {
      const { connection, peer } = await server().connect();
      const { channel, number } = await openConfirmChannel(connection, peer);
      channel.basicPublish("orders", "k", "1");
      channel.basicAck(5);
      channel.basicPublish("orders", "k", "2");
      const failed = failure(channel.waitForConfirms(), BatchError);
      await peer.expect("basic.publish");
      await peer.expect("basic.ack");
      await peer.expect("basic.publish");
      const text = "PRECONDITION_FAILED - unknown delivery tag 5";
      peer.closeChannel(number, 406, text, "basic.ack");
      expect(outcomesOf(await failed)).to.deep.equal(["1 unknown", "2 unknown"]);
    });
  });

  it("refuses none where an exchange was deleted under way and many name it", async () => {
    const { publisher, peer, number } = await open();
    const exchanges = Array.from({ length: 60 }, (_, i) => (i < 52 && i >= 10 ? "gone" : "there"));
    const outcomes = exchanges.map((exchange) => outcomeOf(submit(publisher, { exchange })));
    await peer.expectPublishes(60);
    peer.ack(number, 5, true);
    peer.ack(number, 20);
    peer.closeChannel(number, 404, notFound("gone"), "basic.publish");
    expect(await Promise.all(outcomes)).to.deep.equal([
      ...Array(5).fill("confirmed"),
      ...Array(14).fill("unknown"),
      "confirmed",
      ...Array(32).fill("unknown"),
      ...Array(8).fill("unprocessed"),
    ]);
  });

  it("does not suspect what the broker has handled: confirmed, or before what is", async () => {
    const { publisher, peer, number } = await open();
    const outcomes = ["gone", "there", "gone", "there"].map((exchange) =>
      outcomeOf(submit(publisher, { exchange })),
    );
    await peer.expectPublishes(4);
    // The first was handled before the second, though its own confirm is held back.
    peer.ack(number, 2);
    peer.closeChannel(number, 404, notFound("gone"), "basic.publish");
    expect((await Promise.all(outcomes)).join(" ")).to.equal(
      "unknown confirmed refused unprocessed",
    );
  });

  it("does not suspect what came before one that was returned", async () => {
    const { publisher, peer, number } = await open();
    const outcomes = [ORDERS, { mandatory: true }, ORDERS, {}].map((message) =>
      outcomeOf(submit(publisher, message)),
    );
    const sent = await peer.expectPublishes(4);
    peer.sendReturn(number, sent[1] as (typeof sent)[0]);
    peer.closeChannel(number, 404, notFound("orders"), "basic.publish");
    expect((await Promise.all(outcomes)).join(" ")).to.equal(
      "unknown returned refused unprocessed",
    );
  });

  it("suspects also those whose caller does not wait any more", async () => {
    const { publisher, peer, number } = await open();
    const controller = new AbortController();
    const outcomes = [
      submit(publisher, {}),
      submit(publisher, { ...ORDERS, signal: controller.signal }),
      submit(publisher, {}),
    ].map(outcomeOf);
    await peer.expectPublishes(3);
    controller.abort();
    expect(await outcomes[1]).to.equal("unknown");
    peer.closeChannel(number, 404, notFound("orders"), "basic.publish");
    expect((await Promise.all(outcomes)).join(" ")).to.equal("unknown unknown unprocessed");
  });

  it("counts each publish once: a confirm just before the close is one, none after it", async () => {
    const { publisher, peer, number } = await open();
    const outcomes = [{}, ORDERS, {}].map((message) => outcomeOf(submit(publisher, message)));
    await peer.expectPublishes(3);
    const octets: Buffer[] = [];
    const { write } = peer;
    peer.write = (piece) => octets.push(Buffer.from(piece as Uint8Array));
    peer.ack(number, 1);
    peer.closeChannel(number, 404, notFound("orders"), "basic.publish");
    peer.write = write;
    await peer.chop(Buffer.concat(octets), 5);
    expect((await Promise.all(outcomes)).join(" ")).to.equal("confirmed refused unprocessed");
  });

  it("leaves what waits behind the window unsent", async () => {
    const { connection, publisher, peer, number } = await open({ maxUnconfirmed: 3 });
    const outcomes = [{}, ORDERS, {}, ORDERS, {}].map((message) =>
      outcomeOf(submit(publisher, message)),
    );
    const failed = failure(publisher.waitForConfirms(), BatchError);
    await peer.expectPublishes(3);
    expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([3, 2]);
    peer.closeChannel(number, 404, notFound("orders"), "basic.publish");
    await peer.expect("channel.close-ok");
    expect((await Promise.all(outcomes)).join(" ")).to.equal(
      "unknown refused unprocessed unsent unsent",
    );
    expect(outcomesOf(await failed)).to.deep.equal([
      "1 unknown",
      "2 refused",
      "3 unprocessed",
      "0 unsent",
      "0 unsent",
    ]);
    expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([0, 0]);
    // None of it goes out later: the next that the client says is what it is asked for next.
    await openChannel(connection, peer);
  });

  it("says so in `closed`, and rejects what comes afterwards as unsent", async () => {
    const { connection, publisher, peer, number } = await open({ maxUnconfirmed: 1 });
    const first = failure(submit(publisher, ORDERS), PublishError);
    const ready = failure(publisher.ready());
    const batch = failure(
      publisher.publishAll([{ routingKey: "k", body: "1" }], { stopOnFailure: false }),
      BatchError,
    );
    await peer.expectPublishes(1);
    peer.closeChannel(number, 404, notFound("orders"), "basic.publish");
    await peer.expect("channel.close-ok");
    const closed = (await within(1_000, publisher.closed)) as ChannelClosedError;
    expect(closed).to.be.instanceOf(ChannelClosedError);
    expect(closed).to.include({
      code: "ERR_AMQP_CHANNEL_CLOSED",
      replyCode: 404,
      replyText: notFound("orders"),
      method: "basic.publish",
    });
    expect(closed.message).to.include("basic.publish").and.to.include(notFound("orders"));
    expect((await first).cause).to.equal(closed);
    expect(await ready).to.equal(closed);
    expect(await batch).to.include({ confirmed: 0, failed: 0, cause: closed });

    const late = await failure(submit(publisher, {}), PublishError);
    expect(late).to.include({ outcome: "unsent", deliveryTag: 0, mayBeDelivered: false });
    expect(late.cause).to.equal(closed);
    expect(await failure(publisher.ready())).to.equal(closed);
    const lateBatch = publisher.publishAll([{ routingKey: "k", body: "1" }]);
    expect((await failure(lateBatch, BatchError)).cause).to.equal(closed);
    await within(500, publisher.close());
    expect(await publisher.closed).to.equal(closed);
    await openChannel(connection, peer);
  });

  it("leaves the connection and its other channels alone", async () => {
    const { connection, peer } = await server().connect({}, { channelMax: 3 });
    const { publisher, number } = await openPublisher(connection, peer);
    const other = await openPublisher(connection, peer);
    const channel = await openConfirmChannel(connection, peer);
    channel.channel.basicPublish("orders", "k", "1");
    const elsewhere = submit(other.publisher, ORDERS);
    const outcome = outcomeOf(submit(publisher, ORDERS));
    await peer.expectPublishes(3);
    peer.closeChannel(number, 404, notFound("orders"), "basic.publish");
    expect(await outcome).to.equal("refused");
    await peer.expect("channel.close-ok");
    await stillPending(Promise.race([elsewhere, other.publisher.closed, channel.channel.closed]));
    peer.ack(other.number, 1);
    peer.ack(channel.number, 1);
    expect(await elsewhere).to.deep.equal({ deliveryTag: 1 });
    await channel.channel.waitForConfirms();

    // The number is free again, and its tags begin anew.
    const next = await openPublisher(connection, peer);
    expect(next.number).to.equal(number);
    const publish = submit(next.publisher, ORDERS);
    await peer.expectPublishes(1);
    peer.ack(next.number, 1);
    expect(await publish).to.deep.equal({ deliveryTag: 1 });
  });

  it("tells publishAll() of each message what became of it", async () => {
    const { publisher, peer, number } = await open({ maxUnconfirmed: 4 });
    const messages = ["a", "b", "orders", "c", "d"].map((exchange) => ({
      exchange,
      routingKey: "k",
      body: exchange,
    }));
    const settled: string[] = [];
    const failed = failure(
      publisher.publishAll(messages, {
        stopOnFailure: false,
        onSettled: ({ body }, result) =>
          settled.push(`${body} ${result instanceof PublishError ? result.outcome : "confirmed"}`),
      }),
      BatchError,
    );
    await peer.expectPublishes(4);
    peer.closeChannel(number, 404, notFound("orders"), "basic.publish");
    const error = await failed;
    expect(error.failures.map(({ message }) => message)).to.deep.equal(messages.slice(0, 4));
    expect(outcomesOf(error)).to.deep.equal([
      "1 unknown",
      "2 unknown",
      "3 refused",
      "4 unprocessed",
    ]);
    expect(settled).to.deep.equal(["a unknown", "b unknown", "orders refused", "c unprocessed"]);
    expect(error).to.include({ confirmed: 0, failed: 4 });
    expect(error.cause).to.equal(await publisher.closed);
  });
});

describe("a channel that the broker closes because of a call", () => {
  const server = useScriptedServer();

  it("divides the publishes at the call, whatever the text says", async () => {
    for (const [name, call, text] of [
      ["queue.bind", (c) => c.queueBind("q", "x", "k"), notFound("x")],
      ["exchange.declare", (c) => c.exchangeDeclare("x", "", { passive: true }), notFound("x")],
      [
        "queue.declare",
        (c) => c.queueDeclare("x", { passive: true }),
        "NOT_FOUND - no queue 'x' in vhost '/'",
      ],
      ["confirm.select", (c) => c.confirmSelect(), "PRECONDITION_FAILED - cannot switch"],
    ] satisfies [
      name: "queue.bind" | "queue.declare" | "exchange.declare" | "confirm.select",
      call: (channel: Awaited<ReturnType<typeof openChannel>>["channel"]) => Promise<unknown>,
      text: string,
    ][]) {
      const { connection, peer } = await server().connect();
      const { channel, number } = await openConfirmChannel(connection, peer);
      channel.basicPublish("x", "k", "before");
      channel.basicPublish("a", "k", "before");
      const refused = failure(call(channel), ChannelClosedError);
      channel.basicPublish("x", "k", "after");
      channel.basicPublish("a", "k", "after");
      const failed = failure(channel.waitForConfirms(), BatchError);
      await peer.expectPublishes(2);
      await peer.expect(name);
      await peer.expectPublishes(2);
      const code = text.startsWith("NOT_FOUND") ? 404 : 406;
      peer.closeChannel(number, code, text, name);
      const error = await failed;
      expect(outcomesOf(error), name).to.deep.equal([
        "1 unknown",
        "2 unknown",
        "3 unprocessed",
        "4 unprocessed",
      ]);
      const closed = await channel.closed;
      expect(closed).to.include({ replyCode: code, method: name });
      expect(await refused).to.equal(closed);
      for (const each of error.failures) expect(each.error.cause).to.equal(closed);
      expect(() => channel.basicPublish("a", "k", "late")).to.throw(ChannelClosedError);
    }
  });

  it("divides them where the call was written, not where it was asked for", async () => {
    const { connection, peer } = await server().connect();
    const { channel, number } = await openConfirmChannel(connection, peer);
    const declared = channel.queueDeclare("q");
    const refused = failure(channel.queueBind("q", "x", "k"), ChannelClosedError);
    channel.basicPublish("a", "k", "1"); // behind the first call, before the second one
    await peer.expect("queue.declare");
    await peer.expectPublishes(1);
    peer.send(number, {
      name: "queue.declare-ok",
      queue: "q",
      messageCount: 0,
      consumerCount: 0,
    });
    await declared;
    await peer.expect("queue.bind");
    channel.basicPublish("x", "k", "2");
    const failed = failure(channel.waitForConfirms(), BatchError);
    await peer.expectPublishes(1);
    peer.closeChannel(number, 404, notFound("x"), "queue.bind");
    expect(outcomesOf(await failed)).to.deep.equal(["1 unknown", "2 unprocessed"]);
    await refused;
  });

  it("counts what was confirmed before", async () => {
    const { connection, peer } = await server().connect();
    const { channel, number } = await openConfirmChannel(connection, peer);
    for (let i = 1; i <= 3; i++) channel.basicPublish("a", "k", `${i}`);
    const refused = failure(channel.queueBind("q", "x", "k"), ChannelClosedError);
    channel.basicPublish("a", "k", "4");
    const failed = failure(channel.waitForConfirms(), BatchError);
    await peer.expectPublishes(3);
    await peer.expect("queue.bind");
    await peer.expectPublishes(1);
    peer.ack(number, 2);
    peer.nack(number, 3);
    peer.closeChannel(number, 404, notFound("x"), "queue.bind");
    const error = await failed;
    expect(error).to.include({ confirmed: 1, failed: 3 });
    expect(outcomesOf(error)).to.deep.equal(["3 nacked", "1 unknown", "4 unprocessed"]);
    await refused;
  });

  it("judges by the publishes where one of them was refused while a call waited", async () => {
    const { connection, peer } = await server().connect();
    const { channel, number } = await openConfirmChannel(connection, peer);
    channel.basicPublish("a", "k", "1");
    channel.basicPublish("x", "k", "2");
    const calls = [channel.queueBind("q", "x", "k"), channel.queueDeclare("q")].map((each) =>
      failure(each, ChannelClosedError),
    );
    channel.basicPublish("a", "k", "3");
    const failed = failure(channel.waitForConfirms(), BatchError);
    await peer.expectPublishes(2);
    await peer.expect("queue.bind");
    await peer.expectPublishes(1);
    peer.closeChannel(number, 404, notFound("x"), "basic.publish");
    expect(outcomesOf(await failed)).to.deep.equal(["1 unknown", "2 refused", "3 unprocessed"]);
    const closed = await channel.closed;
    expect(await Promise.all(calls)).to.deep.equal([closed, closed]);
    await peer.expect("channel.close-ok");
    expect(peer.waiting).to.deep.equal([]);
  });

  it("knows a publish that was never numbered for the culprit of nothing else", async () => {
    const { connection, peer } = await server().connect();
    const { channel, number } = await openChannel(connection, peer);
    expect(channel.basicPublish("x", "k", "unnumbered")).to.equal(0);
    const selecting = failure(channel.confirmSelect(), ChannelClosedError);
    const tags = ["a", "a"].map((exchange) => channel.basicPublish(exchange, "k", "m"));
    expect(tags).to.deep.equal([1, 2]);
    const failed = failure(channel.waitForConfirms(), BatchError);
    await peer.expectPublishes(1);
    await peer.expect("confirm.select");
    await peer.expectPublishes(2);
    peer.closeChannel(number, 404, notFound("x"), "basic.publish");
    expect(outcomesOf(await failed)).to.deep.equal(["1 unknown", "2 unknown"]);
    await selecting;
  });
});

/** The failures of a batch as "tag outcome"; each has the tag in both places. */
function outcomesOf(error: BatchError): string[] {
  return error.failures.map(({ deliveryTag, error: each }) => {
    const { outcome, deliveryTag: own } = each as PublishError & AmqpError;
    expect(own).to.equal(deliveryTag);
    return `${deliveryTag} ${outcome}`;
  });
}
