import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import {
  BatchError,
  type Connection,
  PublishError,
  type Publisher,
  type PublisherOptions,
  type PublishOptions,
  ReturnedError,
} from "../../src/index.ts";
import { writeContent } from "../../src/wire/content.ts";
import { beginFrame, endFrame, writeHeartbeatFrame } from "../../src/wire/frame.ts";
import { FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import type { BasicReturn } from "../../src/wire/generated/methods.ts";
import { Output } from "../../src/wire/output.ts";
import { failure, until, within } from "../support/environment.ts";
import {
  type Expected,
  openConfirmChannel,
  openPublisher,
  type Peer,
  useScriptedServer,
} from "../support/scripted-server.ts";

type Publish = Expected<"basic.publish">;

/** The same sequence of numbers from 0 to below `below`, each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("messages that come back", () => {
  const server = useScriptedServer();

  async function open(
    options: PublisherOptions = {},
  ): Promise<{ connection: Connection; publisher: Publisher; peer: Peer; number: number }> {
    const { connection, peer } = await server().connect();
    return { connection, peer, ...(await openPublisher(connection, peer, options)) };
  }

  function mandatory(
    publisher: Publisher,
    routingKey: string,
    body: Uint8Array | string,
    options: PublishOptions = {},
  ): Promise<string> {
    return publisher.publish("e", routingKey, body, { ...options, mandatory: true }).then(
      () => "confirmed",
      (error: PublishError) => error.outcome,
    );
  }

  const sendBack = (peer: Peer, number: number, publish: Publish | undefined): void => {
    if (publish === undefined) throw new Error("there is no such publish");
    peer.sendReturn(number, publish);
  };

  it("are each their own publish's, with thousands in flight and coalesced acks", async () => {
    const { publisher, peer, number } = await open();
    const random = numbers(1);
    const count = 4_000;
    const results = Array.from({ length: count }, (_, i) => {
      const options = { mandatory: i % 4 !== 0, headers: { kind: i % 7 } };
      return publisher.publish(`e${i % 3}`, `k${random(50)}`, `${i}`, options).then(
        () => "confirmed",
        (error: unknown) => error,
      );
    });
    const sent = await peer.expectPublishes(count);
    const back = new Set<number>();
    for (const [i, publish] of sent.entries()) {
      if (publish.method.mandatory && random(3) === 0) {
        back.add(i);
        sendBack(peer, number, publish);
      }
      // Now and then an ack for all up to one that was handled already: not always the last one.
      if (random(20) === 0) peer.ack(number, 1 + random(i + 1), true);
    }
    peer.ack(number, count, true);
    const all = await within(4_000, Promise.all(results));
    for (const [i, result] of all.entries()) {
      if (!back.has(i)) {
        expect(result, `${i}`).to.equal("confirmed");
        continue;
      }
      expect(result, `${i}`).to.be.instanceOf(ReturnedError);
      const { deliveryTag, returned } = result as ReturnedError;
      expect(deliveryTag).to.equal(i + 1);
      expect(Buffer.from(returned.body).toString()).to.equal(`${i}`);
      expect(returned.properties).to.deep.equal({ headers: { kind: i % 7 } });
    }
    expect(back.size).to.be.above(800);
    expect(publisher.unconfirmed).to.equal(0);
  });

  it("are as many as were sent back, of messages that nobody can tell apart", async () => {
    const { publisher, peer, number } = await open();
    const random = numbers(2);
    const outcomes = Array.from({ length: 600 }, (_, i) =>
      mandatory(publisher, `k${i % 2}`, `twin ${i % 3}`),
    );
    const sent = await peer.expectPublishes(600);
    const expected = new Map<string, number>();
    let acked = 0;
    for (const [i, publish] of sent.entries()) {
      if (random(2) === 0) {
        sendBack(peer, number, publish);
        const twins = `${i % 6}`;
        expected.set(twins, (expected.get(twins) ?? 0) + 1);
      }
      if (random(10) > 0) continue;
      acked = i + 1;
      peer.ack(number, acked, true);
    }
    peer.ack(number, 600, true);
    const all = await within(2_000, Promise.all(outcomes));
    const got = new Map<string, number>();
    for (const [i, outcome] of all.entries()) {
      if (outcome === "confirmed") continue;
      expect(outcome).to.equal("returned");
      const twins = `${i % 6}`;
      got.set(twins, (got.get(twins) ?? 0) + 1);
    }
    expect(got).to.deep.equal(expected);
  });

  it("never are of one that is confirmed, nor of one before the last that came back", async () => {
    const { publisher, peer, number } = await open();
    const outcomes = Array.from({ length: 5 }, () => mandatory(publisher, "k", "same"));
    const sent = await peer.expectPublishes(5);
    peer.ack(number, 2); // not the first one yet
    sendBack(peer, number, sent[2]); // so this can be 1 or 3: the lowest
    sendBack(peer, number, sent[3]); // 3, which is the next one
    peer.ack(number, 5);
    peer.ack(number, 4, true);
    expect(await Promise.all(outcomes)).to.deep.equal([
      "returned",
      "confirmed",
      "returned",
      "confirmed",
      "confirmed",
    ]);
  });

  it("never are of one before the last that came back, whatever that one's key was", async () => {
    const { publisher, peer, number } = await open();
    const keys = ["a", "b", "a", "c", "a"];
    const tags = keys.map((key) =>
      publisher.publish("e", key, "same", { mandatory: true }).then(
        () => 0,
        ({ deliveryTag }: ReturnedError) => deliveryTag,
      ),
    );
    const sent = await peer.expectPublishes(5);
    sendBack(peer, number, sent[1]);
    sendBack(peer, number, sent[2]); // the first of its key was handled before the second of all
    sendBack(peer, number, sent[3]);
    sendBack(peer, number, sent[4]);
    peer.ack(number, 5, true);
    expect(await Promise.all(tags)).to.deep.equal([0, 2, 3, 4, 5]);
  });

  it("come in many frames, between the frames of others", async () => {
    const { connection, publisher, peer, number } = await open();
    const other = await openPublisher(connection, peer);
    const body = Buffer.from({ length: 10_000 });
    for (let at = 0; at < body.length; at++) body[at] = (at * 7) % 251;
    const returned = failure(
      publisher.publish("e", "k", body, { mandatory: true, type: "t" }),
      ReturnedError,
    );
    const elsewhere = Array.from({ length: 40 }, (_, i) => mandatory(other.publisher, "k", `${i}`));
    const sent = await peer.expectPublishes(41);
    const method: BasicReturn = {
      name: "basic.return",
      replyCode: 312,
      replyText: "NO_ROUTE",
      exchange: "e",
      routingKey: "k",
    };
    const output = new Output();
    writeContent(output, number, method, { type: "t" }, new Uint8Array(0), 131_072);
    const start = Buffer.concat(output.take());
    start.writeBigUInt64BE(BigInt(body.length), start.length - (8 + 1 + 2 + 2));
    // The header ends in the flags and the type: its body size lies before them.
    expect(start.readUInt8(start.length - 1)).to.equal(0xce);
    let tag = 0;
    const between = (): void => {
      const heartbeat = new Output();
      writeHeartbeatFrame(heartbeat.writer);
      peer.write(Buffer.concat(heartbeat.take()));
      if (tag % 3 === 0) sendBack(peer, other.number, sent[1 + tag]);
      peer.ack(other.number, ++tag);
    };
    const firstFrame = 8 + start.readUInt32BE(3);
    peer.write(start.subarray(0, firstFrame));
    between();
    peer.write(start.subarray(firstFrame));
    between();
    for (let at = 0; at < body.length; ) {
      const size = Math.min(1 + ((at * 13) % 600), body.length - at);
      const { writer } = output;
      const frame = beginFrame(writer, FRAME_TYPE.body, number);
      writer.writeBytes(body.subarray(at, at + size));
      endFrame(writer, frame, 131_072, "body");
      peer.write(Buffer.concat(output.take()));
      if (tag < 40) between();
      at += size;
    }
    while (tag < 40) between();
    peer.ack(number, 1);
    const error = await returned;
    expect(Buffer.compare(error.returned.body, body)).to.equal(0);
    expect(error.returned.properties).to.deep.equal({ type: "t" });
    const outcomes = await Promise.all(elsewhere);
    expect(outcomes).to.deep.equal(
      Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? "returned" : "confirmed")),
    );
  });

  describe("after their caller's deadline, or signal,", () => {
    it("are not the next one's that is just the same", async () => {
      const { publisher, peer, number } = await open();
      const late = await failure(
        publisher.publish("e", "k", "same", { mandatory: true, timeoutMs: 10 }),
        PublishError,
      );
      expect(late).to.include({ outcome: "unknown", deliveryTag: 1 });
      const next = mandatory(publisher, "k", "same");
      const sent = await peer.expectPublishes(2);
      sendBack(peer, number, sent[0]);
      peer.ack(number, 2, true);
      expect(await next).to.equal("confirmed");
    });

    it("and the next one's own comes back too", async () => {
      const { publisher, peer, number } = await open();
      const controller = new AbortController();
      const first = mandatory(publisher, "k", "same", { signal: controller.signal });
      const next = mandatory(publisher, "k", "same");
      const sent = await peer.expectPublishes(2);
      controller.abort();
      expect(await first).to.equal("unknown");
      sendBack(peer, number, sent[0]);
      peer.ack(number, 1);
      sendBack(peer, number, sent[1]);
      peer.ack(number, 2);
      expect(await next).to.equal("returned");
      expect(publisher.unconfirmed).to.equal(0);
    });

    it("are the next one's where the first was never sent", async () => {
      const { publisher, peer, number } = await open({ maxUnconfirmed: 1 });
      const controller = new AbortController();
      const outcomes = [
        mandatory(publisher, "k", "first"),
        mandatory(publisher, "k", "same", { signal: controller.signal }),
        mandatory(publisher, "k", "same"),
      ];
      await peer.expectPublishes(1);
      controller.abort();
      peer.ack(number, 1);
      const [sent] = await peer.expectPublishes(1);
      sendBack(peer, number, sent);
      peer.ack(number, 2);
      expect(await Promise.all(outcomes)).to.deep.equal(["confirmed", "unsent", "returned"]);
    });
  });

  it("of messages whose properties brokers change are still known", async () => {
    const { publisher, peer, number } = await open();
    const cases: readonly (readonly [PublishOptions, PublishOptions])[] = [
      [{ headers: { BCC: ["a"], x: 1 } }, { headers: { x: 1 } }],
      [{ headers: { BCC: ["a"] } }, { headers: {} }],
      [{ headers: { x: 1 } }, { headers: { x: 1, "x-added": "by an interceptor" } }],
      [{ replyTo: "amq.rabbitmq.reply-to" }, { replyTo: "amq.rabbitmq.reply-to.g1h2AA==" }],
      [{}, { timestamp: new Date(1_000), headers: { timestamp_in_ms: 1_000 } }],
    ];
    for (const [i, [options, changed]] of cases.entries()) {
      const outcomes = [
        mandatory(publisher, "k", `${i}`, { type: "before" }),
        mandatory(publisher, "k", `${i}`, options),
        mandatory(publisher, "k", `${i}`, { type: "after" }),
      ];
      const sent = await peer.expectPublishes(3);
      const { method, body } = sent[1] as Publish;
      const { exchange, routingKey } = method;
      const name = "basic.return";
      const back = { name, replyCode: 312, replyText: "NO_ROUTE", exchange, routingKey } as const;
      peer.sendContent(number, back, body, changed);
      peer.ack(number, 3 * (i + 1), true);
      const told = await Promise.all(outcomes);
      // Known for certain, or in doubt with the others that it could be: never another's.
      if (told[1] === "returned")
        expect(told).to.deep.equal(["confirmed", "returned", "confirmed"]);
      else expect(told).to.deep.equal(["unknown", "unknown", "unknown"]);
      if (options.replyTo === undefined) expect(told[1], `case ${i}`).to.equal("returned");
    }
  });

  it("where several can be meant that are told apart, all of these are in doubt", async () => {
    const { publisher, peer, number } = await open();
    const publishes = ["a", "b", "other"].map((messageId) =>
      publisher.publish("e", "k", messageId === "other" ? "other" : "same", {
        mandatory: true,
        messageId,
      }),
    );
    const results = Promise.allSettled(publishes);
    const sent = await peer.expectPublishes(3);
    const { body } = sent[0] as Publish;
    const name = "basic.return";
    const where = { exchange: "e", routingKey: "k" };
    const back = { name, replyCode: 312, replyText: "NO_ROUTE", ...where } as const;
    peer.sendContent(number, back, body, { messageId: "c" });
    peer.ack(number, 3, true);
    const [first, second, third] = await results;
    for (const each of [first, second]) {
      const { reason } = each as PromiseRejectedResult;
      expect(reason).to.include({ outcome: "unknown", mayBeDelivered: true });
      expect(reason.cause).to.be.instanceOf(ReturnedError);
    }
    expect(third).to.include({ status: "fulfilled" });
  });

  describe("are known by what was sent, although their owner has changed it since:", () => {
    it("a body, after its deadline", async () => {
      const { publisher, peer, number } = await open();
      const body = Buffer.from("one");
      const first = mandatory(publisher, "k", body, { timeoutMs: 10 });
      await peer.expectPublishes(1);
      expect(await first).to.equal("unknown");
      body.write("two");
      const second = mandatory(publisher, "k", body);
      const [published] = (await peer.expectPublishes(1)) as [Publish];
      peer.sendReturn(number, published);
      peer.ack(number, 2, true);
      expect(await second).to.equal("returned");
    });

    it("options that are used again for the next basicPublish()", async () => {
      const { connection, peer } = await server().connect();
      const { channel, number } = await openConfirmChannel(connection, peer);
      const options = { mandatory: true, messageId: "1" };
      channel.basicPublish("e", "k", "ping", options);
      options.messageId = "2";
      channel.basicPublish("e", "k", "ping", options);
      const [, second] = (await peer.expectPublishes(2)) as [Publish, Publish];
      peer.sendReturn(number, second);
      peer.ack(number, 2, true);
      const { failures } = await failure(channel.waitForConfirms(), BatchError);
      expect(failures.map(({ deliveryTag }) => deliveryTag)).to.deep.equal([2]);
    });
  });

  it("are not matched to one that was sent to hidden recipients as well, nor to another reply-to", async () => {
    const { publisher, peer, number } = await open();
    const endings = [
      mandatory(publisher, "k", "m", { headers: { BCC: ["live"] } }),
      mandatory(publisher, "k", "m"),
      mandatory(publisher, "r", "m", { replyTo: "one" }),
      mandatory(publisher, "r", "m", { replyTo: "two" }),
    ];
    const [, second, , fourth] = (await peer.expectPublishes(4)) as Publish[];
    peer.sendReturn(number, second as Publish);
    peer.sendReturn(number, fourth as Publish);
    peer.ack(number, 4, true);
    expect(await Promise.all(endings)).to.deep.equal([
      "unknown",
      "unknown",
      "confirmed",
      "returned",
    ]);
  });

  describe("that fit none", () => {
    const WRONG: readonly (readonly [what: string, Partial<BasicReturn> & { body?: string }])[] = [
      ["another key", { routingKey: "other" }],
      ["another exchange", { exchange: "other" }],
      ["exchange and key run into each other", { exchange: "ek", routingKey: "" }],
      ["another body", { body: "bodY" }],
      ["a longer body", { body: "body " }],
      ["an empty body", { body: "" }],
    ];
    for (const [what, { body, ...how }] of WRONG) {
      it(`are events of the channel and change nothing: ${what}`, async () => {
        const { connection, peer } = await server().connect();
        const { channel, number } = await openConfirmChannel(connection, peer);
        const events: string[] = [];
        channel.on("return", (message) => {
          const text = Buffer.from(message.body).toString();
          events.push(`${message.exchange}/${message.routingKey}/${text}/${message.replyCode}`);
        });
        channel.basicPublish("e", "k", "body", { mandatory: true });
        const waiting = channel.waitForConfirms();
        const [sent] = await peer.expectPublishes(1);
        if (sent === undefined) throw new Error("unreachable");
        const octets = body === undefined ? sent.body : Buffer.from(body);
        peer.sendReturn(number, { ...sent, body: octets }, how);
        const { exchange = "e", routingKey = "k" } = how;
        await until(() => events.length > 0);
        expect(events).to.deep.equal([`${exchange}/${routingKey}/${body ?? "body"}/312`]);
        peer.ack(number, 1);
        await waiting;
      });
    }

    it("are those of what nobody asked to have back, and of what is confirmed", async () => {
      const { connection, peer } = await server().connect();
      const { channel, number } = await openConfirmChannel(connection, peer);
      let events = 0;
      channel.on("return", () => events++);
      channel.basicPublish("e", "k", "not mandatory");
      channel.basicPublish("e", "k", "confirmed", { mandatory: true });
      channel.basicPublish("e", "k", "last", { mandatory: true });
      const waiting = failure(channel.waitForConfirms(), BatchError);
      const sent = await peer.expectPublishes(3);
      sendBack(peer, number, sent[0]);
      peer.ack(number, 2);
      sendBack(peer, number, sent[1]);
      sendBack(peer, number, sent[2]);
      sendBack(peer, number, sent[2]); // once more
      peer.ack(number, 3, true);
      const { failures, confirmed } = await waiting;
      expect(confirmed).to.equal(2);
      expect(failures.map(({ deliveryTag }) => deliveryTag)).to.deep.equal([3]);
      expect(events).to.equal(4);
    });

    it("do nothing to a publisher", async () => {
      const { publisher, peer, number } = await open();
      const outcome = mandatory(publisher, "k", "m");
      const [sent] = await peer.expectPublishes(1);
      if (sent === undefined) throw new Error("unreachable");
      peer.sendReturn(number, sent, { routingKey: "other" });
      peer.ack(number, 1);
      expect(await outcome).to.equal("confirmed");
    });
  });

  it("are told once: whatever follows, a nack or the end, changes nothing", async () => {
    const { connection, publisher, peer, number } = await open();
    const outcomes = ["1", "2", "3"].map((body) => mandatory(publisher, "k", body));
    const sent = await peer.expectPublishes(3);
    for (const each of sent.slice(0, 2)) sendBack(peer, number, each);
    peer.nack(number, 1);
    await until(() => publisher.unconfirmed === 2);
    peer.reset();
    await connection.closed;
    expect(await Promise.all(outcomes)).to.deep.equal(["returned", "returned", "unknown"]);
  });

  describe("cost memory", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;

    /** How many of these are still held, after a collection. */
    async function held(references: readonly WeakRef<object>[]): Promise<number> {
      await turn();
      collect();
      await turn();
      return references.filter((each) => each.deref() !== undefined).length;
    }

    /** Waits until so few are held: the socket lets go of what it wrote a little later. */
    async function untilHeld(references: readonly WeakRef<object>[], count: number): Promise<void> {
      for (let tries = 1; (await held(references)) > count; tries++) {
        if (tries === 20) expect.fail(`${await held(references)} are held, not ${count}`);
        await new Promise((resolve) => setTimeout(resolve, 10 * tries));
      }
      expect(await held(references)).to.equal(count);
    }

    /** Publishes bodies of their own that nobody else holds. */
    function publishMany(publisher: Publisher, options: PublishOptions): WeakRef<object>[] {
      return Array.from({ length: 20 }, (_, i) => {
        // Above and below the size from which bodies are referred to instead of copied.
        const body = new Uint8Array(i % 2 === 0 ? 100 : 20_000).fill(i);
        publisher.publish("e", "k", body, options).catch(() => {});
        return new WeakRef(body);
      });
    }

    it("only where they can come back, and until they are confirmed", async () => {
      const { publisher, peer, number } = await open();
      const plain = publishMany(publisher, {});
      const returnable = publishMany(publisher, { mandatory: true });
      await peer.expectPublishes(40);
      await until(() => publisher.unconfirmed === 40);
      await untilHeld(plain, 0);
      expect(await held(returnable)).to.equal(20);
      peer.ack(number, 30, true);
      await until(() => publisher.unconfirmed === 10);
      await untilHeld(returnable, 10);
      peer.ack(number, 0, true);
      await until(() => publisher.unconfirmed === 0);
      await untilHeld(returnable, 0);
    });

    it("not beyond the end of their channel", async () => {
      const { publisher, peer, number } = await open();
      const returnable = publishMany(publisher, { mandatory: true });
      await peer.expectPublishes(20);
      peer.closeChannel(number, 404, "NOT_FOUND", "basic.publish");
      await publisher.closed;
      await peer.expect("channel.close-ok");
      await untilHeld(returnable, 0);
      expect(publisher.unconfirmed).to.equal(0);
    });
  });
});
