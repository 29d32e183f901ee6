import { expect } from "chai";
import { AbortError, ChannelClosedError, ProtocolError, UsageError } from "../../src/errors.ts";
import type { ChannelMachine } from "../../src/protocol/channel.ts";
import {
  CHANNEL_TRANSITIONS,
  type ChannelLifecycle,
  type ChannelState,
} from "../../src/protocol/channel-states.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { BasicReturn } from "../../src/wire/generated/methods.ts";
import { encodeText } from "../../src/wire/text.ts";
import {
  anyArguments,
  BIND,
  CLIENT_ONLY_METHODS,
  type Conversation,
  call,
  confirmOf,
  contentFrames,
  contentPieces,
  DECLARE,
  DECLARE_OK,
  endings,
  methodFrame,
  noExchange,
  opened,
  type PublishArguments,
  publication,
  rawFrame,
  returnOf,
  SERVER_METHODS,
  serverClose,
  type TestCall,
  type TestPublication,
} from "./support.ts";

const CLOSE = {
  name: "channel.close",
  replyCode: 0,
  replyText: "",
  classId: 0,
  methodId: 0,
} as const;
const RETURN: BasicReturn = {
  name: "basic.return",
  replyCode: 312,
  replyText: "NO_ROUTE",
  exchange: "",
  routingKey: "q",
};

/** A call of channel.close. */
function close(channel: ChannelMachine): TestCall {
  const closing = call(CLOSE);
  channel.close(closing);
  return closing;
}

/** A conversation with a channel in a state. */
function inState(state: ChannelState): [Conversation, ChannelMachine] {
  const talk = opened();
  if (state === "opening") {
    const channel = talk.machine.openChannel(call(CLOSE));
    talk.takeOctets();
    return [talk, channel];
  }
  const channel = talk.confirmChannel();
  if (state === "closing") close(channel);
  if (state === "failing") channel.abandon(new AbortError("enough"));
  if (state === "closed") talk.say(1, noExchange("x"));
  talk.takeOctets();
  if (channel.state !== state) throw new Error(`it is ${channel.state}`);
  return [talk, channel];
}

/** A publish of each, on a channel in confirm mode, written. */
function published(...args: readonly PublishArguments[]): {
  talk: Conversation;
  channel: ChannelMachine;
  all: TestPublication[];
} {
  const talk = opened();
  const channel = talk.confirmChannel();
  return { talk, channel, all: talk.publish(channel, ...args) };
}

describe("ChannelMachine", () => {
  describe("every state and every method of a server", () => {
    for (const state of Object.keys(CHANNEL_TRANSITIONS) as ChannelState[]) {
      it(`is a transition or a protocol error while ${state}`, () => {
        for (const name of SERVER_METHODS.filter((each) => !each.startsWith("connection."))) {
          const [talk, channel] = inState(state);
          talk.say(1, anyArguments(name));
          const next = CHANNEL_TRANSITIONS[state][name as ChannelLifecycle];
          const replyCode = (talk.closed as ProtocolError | undefined)?.replyCode;
          const what = `${state}, ${name}`;
          if (next !== undefined) {
            expect(channel.state, what).to.equal(next);
            expect(talk.machine.state, what).to.equal("open");
          } else if (state === "closed") {
            expect(replyCode, what).to.equal(504);
          } else if (name in CHANNEL_TRANSITIONS.failing) {
            expect(replyCode, what).to.equal(503);
          } else if (state === "failing" || METHODS[name].content || name === "channel.flow") {
            expect(channel.state, what).to.equal(state);
          } else if (name === "basic.ack" || name === "basic.nack") {
            expect(channel.state, what).to.equal("failing");
            expect((channel.closeError as ProtocolError).replyCode, what).to.equal(406);
          } else if (state === "closing") {
            // A reply to what was asked before channel.close cannot come; it is discarded.
            expect(channel.state, what).to.equal(state);
          } else {
            expect(replyCode, what).to.equal(503);
          }
        }
      });

      it(`has no method of class connection, and none of a client's, while ${state}`, () => {
        const names = [
          ...SERVER_METHODS.filter((each) => each.startsWith("connection.")),
          ...CLIENT_ONLY_METHODS,
        ];
        for (const name of names) {
          const [talk] = inState(state);
          talk.say(1, anyArguments(name));
          const discarded =
            ["closing", "failing"].includes(state) && SERVER_METHODS.includes(name as never);
          if (discarded) expect(talk.machine.state, `${state}, ${name}`).to.equal("open");
          else expect(talk.closed, `${state}, ${name}`).to.be.instanceOf(ProtocolError);
        }
      });
    }
  });

  describe("opening", () => {
    it("sends channel.open and takes nothing else before open-ok", () => {
      const talk = opened();
      const asked = call({ name: "channel.open" });
      const channel = talk.machine.openChannel(asked);
      expect(talk.taken()).to.deep.equal(["1 channel.open"]);
      expect(() => channel.publish(publication())).to.throw(UsageError, "not open yet");
      expect(() => channel.send({ name: "basic.ack", deliveryTag: 1, multiple: false })).to.throw(
        UsageError,
      );
      const early = call(DECLARE);
      channel.call(early);
      expect(early.ending).to.equal("UsageError");
      expect(channel.canPublish).to.equal(false);
      talk.say(1, { name: "channel.open-ok" });
      expect(asked.ending).to.equal("channel.open-ok");
      expect([channel.state, channel.canPublish]).to.deep.equal(["open", true]);
      expect(talk.taken()).to.deep.equal([]);
    });

    it("rejects where the broker refuses", () => {
      const talk = opened();
      const asked = call({ name: "channel.open" });
      const channel = talk.machine.openChannel(asked);
      talk.takeOctets();
      talk.say(1, serverClose("channel.close", 406, "too many", "channel.open"));
      expect(asked.ending).to.equal("ChannelClosedError");
      expect(channel.state).to.equal("closed");
      expect(talk.taken()).to.deep.equal(["1 channel.close-ok"]);
    });

    it("is closed after open-ok where that is asked meanwhile", () => {
      const talk = opened();
      const asked = call({ name: "channel.open" });
      const channel = talk.machine.openChannel(asked);
      const closing = close(channel);
      expect(talk.taken()).to.deep.equal(["1 channel.open"]);
      talk.say(1, { name: "channel.open-ok" });
      expect(channel.state).to.equal("closing");
      expect(talk.taken()).to.deep.equal(["1 channel.close"]);
      talk.say(1, { name: "channel.close-ok" });
      expect([asked.ending, closing.ending]).to.deep.equal(["channel.open-ok", "channel.close-ok"]);
      expect(talk.machine.state).to.equal("open");
    });

    it("may be given up: open-ok comes all the same", () => {
      const [talk, channel] = inState("opening");
      channel.abandon(new AbortError("enough"));
      expect(talk.taken()).to.deep.equal(["1 channel.close"]);
      talk.say(1, { name: "channel.open-ok" });
      expect(channel.state).to.equal("failing");
      talk.say(1, { name: "channel.close-ok" });
      expect([channel.state, talk.machine.state]).to.deep.equal(["closed", "open"]);
    });
  });

  describe("calls", () => {
    it("go out one by one, and their replies come back", () => {
      const talk = opened();
      const channel = talk.channel();
      const asked = [call(DECLARE), call(BIND)];
      for (const each of asked) channel.call(each);
      expect(talk.taken()).to.deep.equal(["1 queue.declare"]);
      talk.say(1, DECLARE_OK);
      expect(talk.taken()).to.deep.equal(["1 queue.bind"]);
      expect(asked[0]?.replies[0]?.method).to.deep.equal(DECLARE_OK);
      talk.say(1, { name: "queue.bind-ok" });
      expect(asked[1]?.ending).to.equal("queue.bind-ok");
    });

    it("that cannot be encoded fail alone, with nothing written", () => {
      const talk = opened();
      const channel = talk.channel();
      const bad = call({ ...DECLARE, queue: "x".repeat(256) } as typeof DECLARE);
      const good = call(DECLARE);
      channel.call(bad);
      channel.call(good);
      expect(bad.ending).to.equal("UsageError");
      expect(talk.taken()).to.deep.equal(["1 queue.declare"]);
    });

    it("get content with basic.get-ok", () => {
      const talk = opened();
      const channel = talk.channel();
      const get = call({ name: "basic.get", queue: "q", noAck: true });
      channel.call(get);
      talk.takeOctets();
      const ok = { ...RETURN, name: "basic.get-ok", deliveryTag: 1, redelivered: false } as const;
      talk.receive(contentFrames(1, { ...ok, messageCount: 3 }, "hello", { type: "t" }));
      expect(get.replies).to.containSubset([
        { content: { properties: { type: "t" }, body: encodeText("hello") } },
      ]);
    });

    it("that the broker refuses reject with its close", () => {
      const talk = opened();
      const channel = talk.channel();
      const asked = [call(BIND), call(DECLARE)];
      for (const each of asked) channel.call(each);
      talk.say(1, noExchange("x", "/", "queue.bind"));
      expect(asked.map(({ ending }) => ending)).to.deep.equal(Array(2).fill("ChannelClosedError"));
      expect(asked[0]?.errors[0]).to.include({ replyCode: 404, method: "queue.bind" });
      const late = call(DECLARE);
      channel.call(late);
      expect(late.errors).to.deep.equal(asked[0]?.errors);
      expect(() => channel.send({ name: "basic.ack", deliveryTag: 1, multiple: true })).to.throw(
        ChannelClosedError,
      );
    });
  });

  it("sends methods that have no reply", () => {
    const talk = opened();
    const channel = talk.channel();
    channel.send({ name: "basic.ack", deliveryTag: 1, multiple: false });
    expect(talk.taken()).to.deep.equal(["1 basic.ack"]);
  });

  describe("publishing", () => {
    it("writes method, header and body, and numbers from confirm.select on", () => {
      const talk = opened();
      const channel = talk.channel();
      expect(channel.publish(publication())).to.equal(0);
      channel.call(call({ name: "confirm.select", nowait: false }));
      expect(channel.confirming).to.equal(true);
      expect([channel.publish(publication()), channel.publish(publication())]).to.deep.equal([
        1, 2,
      ]);
      expect(talk.taken()).to.deep.equal([
        ...["1 basic.publish", "1 header", "1 body", "1 confirm.select"],
        ...["1 basic.publish", "1 header", "1 body", "1 basic.publish", "1 header", "1 body"],
      ]);
      expect(channel.ledger.open).to.equal(2);
    });

    it("sends what it was given", () => {
      const talk = opened();
      const channel = talk.confirmChannel();
      const one = publication({
        exchange: "x",
        routingKey: "k",
        body: "é",
        mandatory: true,
        type: "t",
      });
      channel.publish(one);
      const [method, header, body] = talk.take();
      expect(method).to.containSubset({
        channel: 1,
        method: { exchange: "x", routingKey: "k", mandatory: true, immediate: false },
      });
      expect(header).to.containSubset({ bodySize: 2, properties: { type: "t" } });
      expect(body).to.containSubset({ body: encodeText("é") });
      expect(one.bodySize).to.equal(2);
    });

    it("takes no tag and writes nothing for what cannot be encoded", () => {
      const talk = opened();
      const channel = talk.confirmChannel();
      expect(() => channel.publish(publication({ routingKey: "x".repeat(256) }))).to.throw(
        UsageError,
      );
      expect(() => channel.publish(publication({ type: "x".repeat(256) }))).to.throw(UsageError);
      expect(talk.machine.hasOutput).to.equal(false);
      expect(channel.publish(publication())).to.equal(1);
    });

    it("publishes an empty message again whose content was let go", () => {
      const talk = opened();
      const channel = talk.confirmChannel();
      const one = publication();
      one.releaseMessage();
      channel.publish(one);
      expect(talk.taken()).to.deep.equal(["1 basic.publish", "1 header"]);
    });

    it("confirms, nacks and returns", () => {
      const { talk, all } = published({}, {}, { mandatory: true }, {}, {});
      talk.receive(
        methodFrame(1, confirmOf("ack", 1)),
        methodFrame(1, confirmOf("nack", 2)),
        returnOf(1, { mandatory: true }),
        methodFrame(1, confirmOf("ack", 4, true)),
      );
      expect(endings(all)).to.deep.equal(["confirmed", "nacked", "returned", "confirmed", "open"]);
    });

    it("tells of acks, nacks, returns and flow only where somebody observes", () => {
      for (const observed of [false, true]) {
        const { talk, channel } = published({}, {}, { mandatory: true });
        channel.observed = observed;
        talk.receive(
          methodFrame(1, confirmOf("ack", 1)),
          methodFrame(1, confirmOf("nack", 2, true)),
          returnOf(1, { body: "unknown to us" }),
          methodFrame(1, { name: "channel.flow", active: false }),
        );
        const events = talk.channelEvents(channel);
        expect(events.map(({ type }) => type)).to.deep.equal(
          observed ? ["ack", "nack", "return", "flow"] : [],
        );
        if (!observed) continue;
        expect(events).to.containSubset([
          { type: "ack", deliveryTag: 1, multiple: false },
          { type: "nack", deliveryTag: 2, multiple: true },
          { type: "return", message: { replyCode: 312, body: encodeText("unknown to us") } },
          { type: "flow", active: false },
        ]);
      }
    });

    it("pauses while the peer asks for it with channel.flow, and answers", () => {
      const { talk, channel } = published();
      talk.say(1, { name: "channel.flow", active: false });
      expect([channel.canPublish, channel.flowActive]).to.deep.equal([false, false]);
      talk.say(1, { name: "channel.flow", active: true });
      expect([channel.canPublish, channel.flowActive]).to.deep.equal([true, true]);
      expect(talk.takeMethods()).to.deep.equal([
        { name: "channel.flow-ok", active: false },
        { name: "channel.flow-ok", active: true },
      ]);
    });
  });

  describe("content", () => {
    it("must come complete: another method inside of it is 505", () => {
      for (const frames of [1, 2]) {
        const { talk, all } = published({});
        const pieces = contentPieces(1, RETURN, "m").slice(0, frames);
        talk.receive(...pieces, methodFrame(1, confirmOf("ack", 1)));
        expect(talk.closed).to.have.property("replyCode", 505);
        expect(talk.takeMethods()).to.containSubset([{ name: "connection.close", replyCode: 505 }]);
        expect(endings(all)).to.deep.equal(["unknown"]);
      }
    });

    it("may be interleaved with other channels and heartbeats", () => {
      const talk = opened();
      const [one, other] = [talk.confirmChannel(), talk.confirmChannel()];
      const all = [
        ...talk.publish(one, { mandatory: true, body: "a".repeat(100) }),
        ...talk.publish(other, { mandatory: true, body: "b".repeat(100) }),
      ];
      const bodies = all.map(({ body }) => body as string);
      const [of1, of2] = [1, 2].map((n, i) => contentPieces(n, RETURN, bodies[i], {}, 40));
      for (const [i, piece] of (of1 as Uint8Array[]).entries()) {
        talk.receive(piece, rawFrame(8, 0, new Uint8Array(0)), of2?.[i] as Uint8Array);
      }
      expect(endings(all)).to.deep.equal(["returned", "returned"]);
    });

    it("does not begin with a header or a body: 505", () => {
      const [, header, body] = contentPieces(1, RETURN, "m") as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      for (const octets of [header, body]) {
        const talk = opened();
        talk.channel();
        talk.receive(octets);
        expect(talk.closed).to.have.property("replyCode", 505);
        expect(talk.takeMethods()).to.containSubset([{ name: "connection.close", replyCode: 505 }]);
      }
    });

    it("is no longer than was declared: 505", () => {
      const talk = opened();
      talk.channel();
      const pieces = contentPieces(1, RETURN, "m").slice(0, 2);
      talk.receive(...pieces, rawFrame(3, 1, encodeText("mm")));
      expect(talk.closed).to.have.property("replyCode", 505);
      expect(talk.takeMethods()).to.containSubset([{ name: "connection.close", replyCode: 505 }]);
    });

    it("over maxBodyBytes is refused at its header, and what follows is discarded", () => {
      const { talk, channel, all } = published({}, {});
      const other = talk.channel();
      const pieces = contentPieces(1, RETURN, "x".repeat(1001), {}, 500);
      expect(pieces.length).to.be.above(4);
      talk.receive(...pieces.slice(0, 2));
      expect(talk.take()).to.containSubset([
        { channel: 1, method: { name: "channel.close", replyCode: 406 } },
      ]);
      expect(channel.closeError).to.have.property("replyCode", 406);
      expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
      talk.receive(...pieces.slice(2), methodFrame(1, confirmOf("ack", 99)));
      talk.receive(contentFrames(1, RETURN, "another"));
      expect(talk.machine.state).to.equal("open");
      expect(talk.taken()).to.deep.equal([]);
      talk.say(1, { name: "channel.close-ok" });
      expect([channel.state, other.state]).to.deep.equal(["closed", "open"]);
    });

    it("answers nothing that was asked: 503", () => {
      const talk = opened();
      talk.channel();
      const { name: _, replyCode, replyText, ...target } = RETURN;
      const deliver = { name: "basic.deliver", consumerTag: "c", deliveryTag: 1 } as const;
      talk.receive(contentFrames(1, { ...deliver, redelivered: false, ...target }, "m"));
      expect(talk.closed).to.have.property("replyCode", 503);
    });
  });

  describe("a confirm for a tag that was never issued", () => {
    it("closes the channel with 406; the open publishes are unknown, other channels live on", () => {
      const { talk, channel, all } = published({}, {});
      const other = talk.confirmChannel();
      const others = talk.publish(other, {});
      const asked = call(DECLARE);
      channel.call(asked);
      talk.takeOctets();
      talk.say(1, confirmOf("ack", 3, true));
      expect(talk.take()).to.containSubset([
        {
          channel: 1,
          method: { name: "channel.close", replyCode: 406, classId: 60, methodId: 80 },
        },
      ]);
      expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
      expect(all[0]?.error.cause).to.be.instanceOf(ProtocolError);
      expect(asked.ending).to.equal("ProtocolError");
      expect(talk.channelEvents(channel)).to.containSubset([
        { type: "closed", error: { replyCode: 406 } },
      ]);
      talk.say(1, confirmOf("ack", 1), { name: "channel.close-ok" });
      talk.say(2, confirmOf("ack", 1));
      expect(endings(others)).to.deep.equal(["confirmed"]);
      expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
      expect(talk.channelEvents(channel)).to.have.length(1);
    });

    it("while we close it ourselves sends no second channel.close", () => {
      const { talk, channel, all } = published({});
      close(channel);
      expect(talk.taken()).to.deep.equal(["1 channel.close"]);
      talk.say(1, confirmOf("ack", 9));
      expect(channel.state).to.equal("failing");
      expect(talk.taken()).to.deep.equal([]);
      talk.say(1, { name: "channel.close-ok" });
      expect([channel.state, talk.machine.state]).to.deep.equal(["closed", "open"]);
      expect(endings(all)).to.deep.equal(["unknown"]);
    });
  });

  describe("closed by us", () => {
    it("sends channel.close behind what waits, and takes nothing more", () => {
      const talk = opened();
      const channel = talk.channel();
      const asked = call(DECLARE);
      channel.call(asked);
      const closing = close(channel);
      const late = call(DECLARE);
      channel.call(late);
      expect(late.ending).to.equal("ChannelClosedError");
      expect(() => channel.publish(publication())).to.throw(ChannelClosedError);
      expect(channel.canPublish).to.equal(false);
      expect(talk.taken()).to.deep.equal(["1 queue.declare"]);
      talk.say(1, DECLARE_OK);
      expect(talk.takeMethods()).to.containSubset([{ name: "channel.close", replyCode: 200 }]);
      expect(channel.state).to.equal("closing");
      talk.say(1, { name: "channel.close-ok" });
      expect([asked.ending, closing.ending]).to.deep.equal([
        "queue.declare-ok",
        "channel.close-ok",
      ]);
      expect(channel.state).to.equal("closed");
      expect(talk.channelEvents(channel)).to.deep.equal([{ type: "closed", error: undefined }]);
      expect(channel.closeError).to.have.property("replyCode", 200);
    });

    it("counts confirms and returns up to close-ok; what is left is unknown", () => {
      const { talk, channel, all } = published({}, { mandatory: true }, {});
      close(channel);
      talk.takeOctets();
      talk.receive(
        methodFrame(1, confirmOf("ack", 1)),
        returnOf(1, {}),
        methodFrame(1, { name: "channel.close-ok" }),
      );
      expect(endings(all)).to.deep.equal(["confirmed", "returned", "unknown"]);
      expect(all[2]?.error.cause).to.have.property("replyCode", 200);
    });

    it("discards deliveries and does not answer flow: the peer would not know the channel", () => {
      const [talk, channel] = inState("closing");
      const { name: _, replyCode, replyText, ...target } = RETURN;
      const deliver = { name: "basic.deliver", consumerTag: "c", deliveryTag: 1 } as const;
      talk.receive(
        contentFrames(1, { ...deliver, redelivered: false, ...target }, "m"),
        methodFrame(1, { name: "channel.flow", active: false }),
        methodFrame(1, DECLARE_OK),
      );
      expect(talk.taken()).to.deep.equal([]);
      expect([channel.state, talk.machine.state]).to.deep.equal(["closing", "open"]);
    });

    it("while the peer closes: both answer, the reason is the peer's", () => {
      const { talk, channel, all } = published({ exchange: "x" }, {});
      const closing = close(channel);
      talk.takeOctets();
      talk.say(1, noExchange("x"));
      expect(talk.taken()).to.deep.equal(["1 channel.close-ok"]);
      expect(channel.state).to.equal("failing");
      expect(closing.ending).to.equal("ChannelClosedError");
      expect(closing.errors[0]).to.have.property("replyCode", 404);
      expect(endings(all)).to.deep.equal(["refused", "unprocessed"]);
      talk.say(1, { name: "channel.close-ok" });
      expect(channel.state).to.equal("closed");
      expect(talk.channelEvents(channel)).to.have.length(1);
    });

    it("a second time rejects: one close is enough", () => {
      const talk = opened();
      const channel = talk.channel();
      const [first, second] = [close(channel), close(channel)];
      expect(second.ending).to.equal("ChannelClosedError");
      expect(talk.taken()).to.deep.equal(["1 channel.close"]);
      talk.say(1, { name: "channel.close-ok" });
      expect(first.ending).to.equal("channel.close-ok");
      expect(talk.taken()).to.deep.equal([]);
      expect(close(channel).errors[0]).to.have.property("replyCode", 200);
      expect(channel.state).to.equal("closed");
    });

    it("when it failed already rejects with the reason", () => {
      const [talk, channel] = inState("failing");
      expect(close(channel).ending).to.equal("AbortError");
      expect(talk.taken()).to.deep.equal([]);
      expect(channel.state).to.equal("failing");
    });
  });

  describe("abandoned", () => {
    it("tells everybody at once and sends channel.close", () => {
      const { talk, channel, all } = published({}, {});
      const asked = call(DECLARE);
      channel.call(asked);
      talk.takeOctets();
      const reason = new AbortError("enough");
      channel.abandon(reason);
      expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
      expect(all[0]?.error.cause).to.equal(reason);
      expect(asked.errors).to.deep.equal([reason]);
      expect(talk.takeMethods()).to.containSubset([{ name: "channel.close", replyCode: 200 }]);
      talk.say(1, confirmOf("ack", 2, true), DECLARE_OK, { name: "channel.close-ok" });
      expect([channel.state, talk.machine.state]).to.deep.equal(["closed", "open"]);
      expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
    });

    it("while closing sends no second channel.close", () => {
      const [talk, channel] = inState("closing");
      channel.abandon(new AbortError("enough"));
      expect(channel.state).to.equal("failing");
      expect(talk.taken()).to.deep.equal([]);
      talk.say(1, { name: "channel.close-ok" });
      expect(channel.state).to.equal("closed");
    });

    it("does nothing to a channel that is over", () => {
      for (const state of ["failing", "closed"] as const) {
        const [talk, channel] = inState(state);
        const reason = channel.closeError;
        channel.abandon(new AbortError("again"));
        expect(channel.closeError).to.equal(reason);
        expect(talk.taken()).to.deep.equal([]);
      }
    });

    it("still answers a close of the peer that crossed ours, and waits for close-ok", () => {
      const [talk, channel] = inState("failing");
      talk.say(1, noExchange("x"));
      expect(talk.taken()).to.deep.equal(["1 channel.close-ok"]);
      expect(channel.state).to.equal("failing");
      expect(channel.closeError).to.be.instanceOf(AbortError);
      talk.say(1, { name: "channel.close-ok" });
      expect(channel.state).to.equal("closed");
    });
  });

  describe("closed by the broker", () => {
    const bad = { exchange: "x" };
    const good = {};

    it("answers, says why, and blames the one publish that it is about", () => {
      const { talk, channel, all } = published(good, bad, good);
      talk.say(1, noExchange("x"));
      expect(talk.taken()).to.deep.equal(["1 channel.close-ok"]);
      expect(channel.state).to.equal("closed");
      expect(channel.closeError).to.be.instanceOf(ChannelClosedError).and.include({
        replyCode: 404,
        method: "basic.publish",
      });
      expect(endings(all)).to.deep.equal(["unknown", "refused", "unprocessed"]);
      expect(all[1]?.error.cause).to.equal(channel.closeError);
      expect(talk.channelEvents(channel)).to.deep.equal([
        { type: "closed", error: channel.closeError },
      ]);
    });

    it("leaves what was confirmed before", () => {
      const { talk, all } = published(good, good, bad, good);
      talk.say(1, confirmOf("ack", 2, false), noExchange("x"));
      expect(endings(all)).to.deep.equal(["unknown", "confirmed", "refused", "unprocessed"]);
    });

    it("blames several, or none, as the text allows", () => {
      const { talk, all } = published(bad, good, bad, good);
      talk.say(1, noExchange("x"));
      expect(endings(all)).to.deep.equal(["unknown", "unknown", "unknown", "unprocessed"]);
      const none = published(good, bad);
      none.talk.say(1, noExchange("y"));
      expect(endings(none.all)).to.deep.equal(["unknown", "unknown"]);
    });

    it("in another vhost than the text's blames none", () => {
      const talk = opened({ vhost: "own" });
      const all = talk.publish(talk.confirmChannel(), bad, good);
      talk.say(1, noExchange("x", "/"));
      expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
      const same = opened({ vhost: "own" });
      const others = same.publish(same.confirmChannel(), bad, good);
      same.say(1, noExchange("x", "own"));
      expect(endings(others)).to.deep.equal(["refused", "unprocessed"]);
    });

    it("because of a call that waits: what was published before it is unknown, after unprocessed", () => {
      const { talk, channel, all } = published(bad, good);
      channel.call(call(BIND));
      all.push(...talk.publish(channel, bad, good));
      talk.say(1, noExchange("x", "/", "queue.bind"));
      expect(endings(all)).to.deep.equal(["unknown", "unknown", "unprocessed", "unprocessed"]);
    });

    it("because of a publish while a call waits blames the publish", () => {
      const { talk, channel, all } = published(good, bad);
      channel.call(call(BIND));
      all.push(...talk.publish(channel, good));
      talk.say(1, noExchange("x"));
      expect(endings(all)).to.deep.equal(["unknown", "refused", "unprocessed"]);
    });

    it("because of a call that is not waiting, or of a method that we do not know, blames none", () => {
      for (const reason of [
        noExchange("x", "/", "queue.bind"),
        { ...noExchange("x"), classId: 999, methodId: 9 },
      ]) {
        const { talk, channel, all } = published(bad, good);
        talk.say(1, reason);
        expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
        const { method } = channel.closeError as ChannelClosedError;
        expect(method).to.equal(reason.classId === 999 ? "unknown" : "queue.bind");
      }
    });

    it("for no method of ours proves nothing about any publish", () => {
      const { talk, channel, all } = published(good, good);
      talk.say(1, serverClose("channel.close", 406, "PRECONDITION_FAILED - timed out"));
      expect((channel.closeError as ChannelClosedError).method).to.equal(undefined);
      expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
    });

    it("what is still in the output is unprocessed: the broker drops it unseen", () => {
      const { talk, channel, all } = published(good);
      const late = publication(bad);
      channel.publish(late);
      talk.say(1, serverClose("channel.close", 406, "PRECONDITION_FAILED - timed out"));
      expect(endings([...all, late])).to.deep.equal(["unknown", "unprocessed"]);
    });
  });
});
