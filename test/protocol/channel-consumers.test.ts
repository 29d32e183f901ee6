import { expect } from "chai";
import type { ProtocolError } from "../../src/errors.ts";
import { ChannelClosedError, UsageError } from "../../src/errors.ts";
import type { ChannelMachine } from "../../src/protocol/channel.ts";
import type { BasicDeliver, ClientMethod, ServerMethod } from "../../src/wire/generated/methods.ts";
import { BIND, type Conversation, call, contentFrames, opened, serverClose } from "./support.ts";

// They hold types only, and a coverage report should not call them untested.
import "../../src/protocol/channel-events.ts";
import "../../src/protocol/channel-link.ts";

const CLOSE = { name: "channel.close", replyCode: 200, replyText: "", classId: 0, methodId: 0 };

function consume(consumerTag: string, fields: { nowait?: boolean; noAck?: boolean } = {}) {
  const { nowait = false, noAck = false } = fields;
  return {
    ...({ name: "basic.consume", queue: "q", consumerTag, noLocal: false, noAck } as const),
    ...{ exclusive: false, nowait, arguments: {} },
  };
}

function deliver(consumerTag: string, deliveryTag: number): BasicDeliver {
  return {
    ...({ name: "basic.deliver", consumerTag, deliveryTag, redelivered: false } as const),
    ...{ exchange: "", routingKey: "q" },
  };
}

function ack(deliveryTag: number): ClientMethod {
  return { name: "basic.ack", deliveryTag, multiple: false };
}

/** A channel with a consumer `c` that was answered. */
function consuming(): { talk: Conversation; channel: ChannelMachine } {
  const talk = opened();
  const channel = talk.channel();
  channel.call(call(consume("c")));
  talk.takeOctets();
  talk.say(1, { name: "basic.consume-ok", consumerTag: "c" });
  return { talk, channel };
}

describe("ChannelMachine, consuming", () => {
  it("tells of a delivery with its content, and keeps it until it is answered", () => {
    const { talk, channel } = consuming();
    talk.receive(contentFrames(1, deliver("c", 1), "body", { type: "t" }, 4096));
    const [event] = talk.channelEvents(channel);
    expect(event).to.deep.include({ type: "deliver" });
    if (event?.type !== "deliver") throw new Error("no delivery");
    expect(event.content.method).to.deep.equal(deliver("c", 1));
    expect(event.content.properties).to.deep.equal({ type: "t" });
    expect(event.open).to.equal(channel.deliveries.get(1));
    channel.send(ack(1));
    expect(event.open?.settlement?.method).to.equal("basic.ack");
    expect(talk.taken()).to.deep.equal(["1 basic.ack"]);
  });

  it("tells of one that needs no answer, and keeps nothing of it", () => {
    const talk = opened();
    const channel = talk.channel();
    channel.call(call(consume("c", { noAck: true })));
    talk.say(1, { name: "basic.consume-ok", consumerTag: "c" });
    talk.receive(contentFrames(1, deliver("c", 1), "m"));
    expect(talk.channelEvents(channel)).to.have.nested.property("[0].open", undefined);
    expect(channel.deliveries.size).to.equal(0);
  });

  it("takes deliveries that come before consume-ok, or behind a cancel", () => {
    const talk = opened();
    const channel = talk.channel();
    channel.call(call(consume("c")));
    talk.receive(contentFrames(1, deliver("c", 1), "m"));
    talk.say(1, { name: "basic.consume-ok", consumerTag: "c" });
    channel.call(call({ name: "basic.cancel", consumerTag: "c", nowait: false }));
    talk.receive(contentFrames(1, deliver("c", 2), "m"));
    talk.say(1, { name: "basic.cancel-ok", consumerTag: "c" });
    expect(talk.channelEvents(channel).map(({ type }) => type)).to.deep.equal([
      "deliver",
      "deliver",
      "left",
    ]);
    talk.receive(contentFrames(1, deliver("c", 3), "m"));
    expect(talk.closed).to.have.property("replyCode", 503);
  });

  it("takes them behind a cancel with nowait until a later call was answered", () => {
    const { talk, channel } = consuming();
    let sent = 0;
    const cancel = { name: "basic.cancel", consumerTag: "c", nowait: true } as const;
    channel.call({ ...call(cancel), sent: () => sent++ });
    expect(sent).to.equal(1);
    talk.receive(contentFrames(1, deliver("c", 1), "m"));
    channel.call(call(BIND));
    talk.receive(contentFrames(1, deliver("c", 2), "m"));
    talk.say(1, { name: "queue.bind-ok" });
    expect(channel.deliveries.size).to.equal(2);
    talk.receive(contentFrames(1, deliver("c", 3), "m"));
    expect(talk.closed).to.have.property("replyCode", 503);
  });

  it("closes the channel with 406 for a delivery tag that is open already", () => {
    const { talk, channel } = consuming();
    talk.takeOctets();
    for (let i = 0; i < 2; i++) talk.receive(contentFrames(1, deliver("c", 7), "m"));
    expect(channel.closeError).to.include({ replyCode: 406, got: "7" });
    expect(talk.taken()).to.deep.equal(["1 channel.close"]);
  });

  it("fails for a consume-ok that names another consumer, and tells who asked", () => {
    const talk = opened();
    const channel = talk.channel();
    const asked = call(consume("c"));
    channel.call(asked);
    talk.say(1, { name: "basic.consume-ok", consumerTag: "d" });
    expect((talk.closed as ProtocolError).replyCode).to.equal(503);
    expect(asked.errors[0]).to.equal(talk.closed);
  });

  describe("when the broker cancels", () => {
    const cancel = (nowait: boolean, consumerTag = "c"): ServerMethod => ({
      name: "basic.cancel",
      consumerTag,
      nowait,
    });

    it("tells, and answers only where it is asked to", () => {
      for (const nowait of [true, false]) {
        const { talk, channel } = consuming();
        talk.takeOctets();
        talk.say(1, cancel(nowait));
        expect(talk.channelEvents(channel)).to.deep.equal([{ type: "cancel", consumerTag: "c" }]);
        expect(talk.takeMethods()).to.deep.equal(
          nowait ? [] : [{ name: "basic.cancel-ok", consumerTag: "c" }],
        );
        expect(channel.consumers.size).to.equal(0);
      }
    });

    it("a consumer that is not there: 503", () => {
      const { talk } = consuming();
      talk.say(1, cancel(true, "d"));
      expect(talk.closed).to.have.property("replyCode", 503);
    });

    it("one that is being cancelled: both ends of it are taken", () => {
      const { talk, channel } = consuming();
      const ours = call({ name: "basic.cancel", consumerTag: "c", nowait: false });
      channel.call(ours);
      talk.say(1, cancel(true), { name: "basic.cancel-ok", consumerTag: "c" });
      expect(ours.ending).to.equal("basic.cancel-ok");
      expect(talk.machine.state).to.equal("open");
    });

    it("on a channel that is closing: it is discarded", () => {
      const { talk, channel } = consuming();
      channel.close(call(CLOSE as ClientMethod));
      talk.takeOctets();
      talk.say(1, cancel(false));
      talk.receive(contentFrames(1, deliver("c", 1), "m"));
      expect(talk.taken()).to.deep.equal([]);
      expect(talk.channelEvents(channel)).to.deep.equal([]);
    });
  });

  describe("a method without a reply", () => {
    it("keeps its place among the calls", () => {
      const talk = opened();
      const channel = talk.channel();
      const sent: string[] = [];
      const nowait = (tag: string): void => {
        channel.call({ ...call(consume(tag, { nowait: true })), sent: () => sent.push(tag) });
      };
      nowait("a");
      channel.call(call(BIND));
      nowait("b");
      nowait("c");
      expect(sent).to.deep.equal(["a"]);
      expect(talk.taken()).to.deep.equal(["1 basic.consume", "1 queue.bind"]);
      talk.say(1, { name: "queue.bind-ok" });
      expect(sent).to.deep.equal(["a", "b", "c"]);
      expect(talk.taken()).to.deep.equal(["1 basic.consume", "1 basic.consume"]);
    });

    it("is refused, not forgotten, where the connection is closing when its turn comes", () => {
      const talk = opened();
      const channel = talk.channel();
      channel.call(call(BIND));
      const later = { ...call(consume("b", { nowait: true })), sent: () => {} };
      channel.call(later);
      talk.takeOctets();
      talk.machine.close();
      talk.say(1, { name: "queue.bind-ok" });
      expect(later.errors.map(({ name }) => name)).to.deep.equal(["ConnectionClosedError"]);
      expect(talk.taken()).to.deep.equal(["0 connection.close"]);
    });
  });

  describe("while a transaction ends", () => {
    for (const end of ["tx.commit", "tx.rollback"] as const) {
      it(`sends acks behind the answer to ${end}`, () => {
        const { talk, channel } = consuming();
        talk.receive(contentFrames(1, deliver("c", 1), "m"));
        talk.takeOctets();
        expect(channel.endsTransaction).to.equal(false);
        channel.call(call({ name: end }));
        expect(channel.endsTransaction).to.equal(true);
        channel.send(ack(1));
        expect(talk.taken()).to.deep.equal([`1 ${end}`]);
        // From here on, so that a second ack is known to be one.
        expect(channel.deliveries.size).to.equal(0);
        talk.say(1, { name: `${end}-ok` });
        expect(talk.taken()).to.deep.equal(["1 basic.ack"]);
        expect(channel.deliveries.size).to.equal(0);
      });

      it(`sends acks behind the answer to ${end} before any call that waits`, () => {
        const { talk, channel } = consuming();
        for (const tag of [1, 2]) talk.receive(contentFrames(1, deliver("c", tag), "m"));
        channel.call(call({ name: end }));
        channel.call(call(BIND));
        channel.send(ack(1));
        talk.takeOctets();
        talk.say(1, { name: `${end}-ok` });
        channel.send(ack(2));
        expect(talk.taken()).to.deep.equal(["1 basic.ack", "1 queue.bind", "1 basic.ack"]);
      });
    }

    it("forgets them when the channel is closed instead", () => {
      const { talk, channel } = consuming();
      channel.call(call({ name: "tx.commit" }));
      channel.send(ack(1));
      talk.takeOctets();
      talk.say(1, serverClose("channel.close", 541, "INTERNAL_ERROR"));
      expect(talk.taken()).to.deep.equal(["1 channel.close-ok"]);
      expect(() => channel.send(ack(1))).to.throw(ChannelClosedError);
    });
  });

  it("refuses a second consumer of one name when its turn comes, and sends nothing", () => {
    const talk = opened();
    const channel = talk.channel();
    channel.call(call(BIND));
    channel.call(call(consume("c")));
    const second = call(consume("c"));
    channel.call(second);
    talk.takeOctets();
    talk.say(1, { name: "queue.bind-ok" });
    talk.say(1, { name: "basic.consume-ok", consumerTag: "c" });
    expect(second.errors.map(({ message }) => message)).to.deep.equal([
      "this channel has a consumer c already",
    ]);
    expect(talk.taken()).to.deep.equal(["1 basic.consume"]);
  });

  it("lets one that is leaving give its name to the next", () => {
    const { talk, channel } = consuming();
    channel.call({ ...call({ name: "basic.cancel", consumerTag: "c", nowait: true }), sent() {} });
    const next = call(consume("c"));
    channel.call(next);
    expect(talk.taken()).to.deep.equal(["1 basic.cancel", "1 basic.consume"]);
    talk.say(1, { name: "basic.consume-ok", consumerTag: "c" });
    expect(channel.consumers.size).to.equal(1);
    expect(next.errors).to.deep.equal([]);
  });

  it("tells when a consumer has left, unless the broker had ended it before", () => {
    const { talk, channel } = consuming();
    const cancel = (nowait: boolean) =>
      ({ name: "basic.cancel", consumerTag: "c", nowait }) as const;
    channel.call(call(cancel(false)));
    talk.say(1, { name: "basic.cancel-ok", consumerTag: "c" });
    expect(talk.channelEvents(channel)).to.deep.equal([{ type: "left", consumerTag: "c" }]);
    channel.call(call(consume("c")));
    talk.say(1, { name: "basic.consume-ok", consumerTag: "c" });
    channel.call(call(cancel(false)));
    talk.say(1, { name: "basic.cancel", consumerTag: "c", nowait: true });
    talk.say(1, { name: "basic.cancel-ok", consumerTag: "c" });
    expect(talk.channelEvents(channel)).to.deep.equal([
      { type: "left", consumerTag: "c" },
      { type: "cancel", consumerTag: "c" },
    ]);
  });

  it("sends nothing before it is open", () => {
    const talk = opened();
    const channel = talk.machine.openChannel(call(CLOSE as ClientMethod));
    expect(() => channel.send(ack(1))).to.throw(UsageError, "not open yet");
  });
});
