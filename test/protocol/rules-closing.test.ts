/** Rules of closing that no other test of the machine is about; spec/rules.md has all of them. */
import { expect } from "chai";
import type { ChannelMachine } from "../../src/protocol/channel.ts";
import type { ClientMethod, ContentMethod } from "../../src/wire/generated/methods.ts";
import {
  type Conversation,
  call,
  confirmOf,
  contentFrames,
  DECLARE,
  DECLARE_OK,
  opened,
  rawFrame,
} from "./support.ts";

const CONSUME: ClientMethod = {
  ...{ name: "basic.consume", queue: "q", consumerTag: "c", noLocal: false, noAck: false },
  ...{ exclusive: false, nowait: false, arguments: {} },
};
const DELIVER: ContentMethod = {
  ...{ name: "basic.deliver", consumerTag: "c", deliveryTag: 1, redelivered: false },
  ...{ exchange: "", routingKey: "q" },
};

/** A channel in confirm mode with a consumer `c`. */
function consuming(): { talk: Conversation; channel: ChannelMachine } {
  const talk = opened();
  const channel = talk.confirmChannel();
  channel.call(call(CONSUME));
  talk.takeOctets();
  talk.say(1, { name: "basic.consume-ok", consumerTag: "c" });
  return { talk, channel };
}

describe("the rules of closing", () => {
  const closes: [what: string, close: (talk: Conversation, channel: ChannelMachine) => void][] = [
    ["connection.close", (talk) => talk.machine.close()],
    ["channel.close", (_, channel) => channel.close({ resolve: () => {}, reject: () => {} })],
  ];
  for (const [what, close] of closes) {
    it(`after our ${what}, deliveries, cancels and flow are discarded and not answered`, () => {
      const { talk, channel } = consuming();
      close(talk, channel);
      expect(talk.takeMethods()).to.have.nested.property("[0].name", what);
      talk.receive(contentFrames(1, DELIVER, "m"));
      talk.say(1, { name: "channel.flow", active: false });
      talk.say(1, { name: "basic.cancel", consumerTag: "c", nowait: false });
      expect(talk.channelEvents(channel)).to.deep.equal([]);
      expect(channel.deliveries.size).to.equal(0);
      expect(talk.machine.hasOutput).to.equal(false);
      expect(talk.closed).to.equal(undefined);
    });

    it(`after our ${what}, confirms still count, which are facts`, () => {
      const { talk, channel } = consuming();
      const publications = talk.publish(channel, { body: "1" }, { body: "2" });
      close(talk, channel);
      talk.takeOctets();
      talk.say(1, confirmOf("ack", 1), confirmOf("nack", 2));
      expect(publications.map(({ ending }) => ending)).to.deep.equal(["confirmed", "nacked"]);
    });
  }

  it("an answer that comes behind our connection.close still answers its call", () => {
    const talk = opened();
    const asked = call(DECLARE);
    talk.channel().call(asked);
    talk.machine.close();
    talk.takeOctets();
    talk.say(1, DECLARE_OK);
    expect(asked.ending).to.equal("queue.declare-ok");
  });

  it("a fault of framing is told in one method, and nothing is said or heard afterwards", () => {
    for (const octets of [
      Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0xce), // a type of frame that does not exist
      rawFrame(1, 1, Uint8Array.of(0, 20, 0, 11, 0, 0, 0, 0)).with(-1, 0xcd), // ends wrong
    ]) {
      const { talk, channel } = consuming();
      channel.call(call(DECLARE));
      talk.receive(octets);
      const sent = talk.takeMethods();
      expect(sent.map(({ name }) => name)).to.deep.equal(["connection.close"]);
      expect(sent[0]).to.include({ replyCode: 501 });
      talk.say(0, { name: "connection.blocked", reason: "" }, { name: "connection.close-ok" });
      talk.pass(600_000);
      expect(talk.machine.hasOutput).to.equal(false);
      expect(talk.events.filter(({ type }) => type === "closed")).to.have.length(1);
      expect(talk.events.at(-1)).to.have.property("type", "closed");
    }
  });
});
