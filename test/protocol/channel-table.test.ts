import { expect } from "chai";
import { ConnectionLostError, ProtocolError, UsageError } from "../../src/errors.ts";
import { ChannelTable } from "../../src/protocol/channel-table.ts";
import { ConnectionEventQueue } from "../../src/protocol/connection-event-queue.ts";
import { DEFAULT_PROPOSAL } from "../../src/protocol/negotiation.ts";
import { PublishScheduler } from "../../src/protocol/publish-scheduler.ts";
import { NOBODY as NO_BLAME } from "../../src/protocol/refusal.ts";
import { Output } from "../../src/wire/output.ts";
import {
  Conversation,
  confirmOf,
  contentFrames,
  DECLARE_OK,
  methodFrame,
  noExchange,
  opened,
} from "./support.ts";

const NOBODY = { resolve: () => {}, reject: () => {} };

describe("ChannelTable", () => {
  it("gives numbers up to the negotiated channel-max, then a UsageError", () => {
    const talk = new Conversation().open({ channelMax: 2 });
    expect([talk.channel().number, talk.channel().number]).to.deep.equal([1, 2]);
    expect(() => talk.machine.openChannel(NOBODY)).to.throw(UsageError, "all 2 channels");
    expect(talk.machine.state).to.equal("open");
    expect(talk.taken()).to.deep.equal([]);
  });

  it("holds no channel once the connection is gone", () => {
    const events = new ConnectionEventQueue();
    const scheduler = new PublishScheduler({ tuning: DEFAULT_PROPOSAL, canPublish: false });
    const table = new ChannelTable(
      { maxBodyBytes: 0, vhost: "/" },
      new Output(),
      events,
      scheduler,
    );
    const channels = [table.open(2, NOBODY), table.open(2, NOBODY)];
    expect(table.values()).to.deep.equal(channels);
    table.loseAll(new ConnectionLostError("gone"), () => NO_BLAME, false);
    expect(table.values()).to.deep.equal([]);
    expect(channels.map(({ state }) => state)).to.deep.equal(["closed", "closed"]);
    const told = events.take().map((event) => event.type === "channel" && event.event.type);
    expect(told).to.deep.equal(["closed", "closed"]);
  });

  it("gives a number again only after close-ok", () => {
    const talk = opened({ proposal: { frameMax: 4096, channelMax: 1, heartbeatSeconds: 0 } });
    const first = talk.channel();
    first.close(NOBODY);
    talk.takeOctets();
    expect(() => talk.machine.openChannel(NOBODY)).to.throw(UsageError);
    talk.say(1, { name: "channel.close-ok" });
    expect(talk.channel().number).to.equal(1);
  });

  it("gives a number again after the broker's close, behind our close-ok", () => {
    const talk = opened({ proposal: { frameMax: 4096, channelMax: 1, heartbeatSeconds: 0 } });
    talk.channel();
    talk.say(1, noExchange("x"));
    talk.machine.openChannel(NOBODY);
    expect(talk.taken()).to.deep.equal(["1 channel.close-ok", "1 channel.open"]);
  });

  it("gives a number that failed again only after close-ok", () => {
    const talk = opened({ proposal: { frameMax: 4096, channelMax: 1, heartbeatSeconds: 0 } });
    talk.channel();
    talk.say(1, confirmOf("ack", 1));
    expect(talk.taken()).to.deep.equal(["1 channel.close"]);
    expect(() => talk.machine.openChannel(NOBODY)).to.throw(UsageError);
    talk.say(1, { name: "channel.close-ok" });
    expect(talk.channel().number).to.equal(1);
  });

  it("answers frames for a channel that is not open with 504", () => {
    const returned = { replyCode: 312, replyText: "", exchange: "", routingKey: "" };
    for (const octets of [
      methodFrame(7, DECLARE_OK),
      contentFrames(7, { name: "basic.return", ...returned }, "m"),
      methodFrame(7, { name: "channel.close-ok" }),
    ]) {
      const talk = opened();
      talk.channel();
      talk.receive(octets);
      expect(talk.closed).to.be.instanceOf(ProtocolError).with.property("replyCode", 504);
      expect(talk.takeMethods()).to.containSubset([{ name: "connection.close", replyCode: 504 }]);
    }
  });

  it("answers frames for a channel that is closed with 504", () => {
    const talk = opened();
    const channel = talk.channel();
    channel.close(NOBODY);
    talk.takeOctets();
    talk.say(1, { name: "channel.close-ok" }, confirmOf("ack", 1));
    expect(talk.closed).to.have.property("replyCode", 504);
  });

  it("closes only the channel for a soft error, with the method that raised it", () => {
    const talk = opened();
    const [one, other] = [talk.confirmChannel(), talk.confirmChannel()];
    const [left] = talk.publish(other, {});
    talk.say(one.number, confirmOf("nack", 9));
    expect(talk.take()).to.containSubset([
      { channel: 1, method: { name: "channel.close", replyCode: 406, classId: 60, methodId: 120 } },
    ]);
    expect(one.state).to.equal("failing");
    expect(one.closeError).to.be.instanceOf(ProtocolError).with.property("replyCode", 406);
    talk.say(other.number, confirmOf("ack", 1));
    expect(left?.ending).to.equal("confirmed");
    expect(talk.machine.state).to.equal("open");
  });

  it("names no method where content raised it", () => {
    const talk = opened({ maxBodyBytes: 10 });
    const channel = talk.channel();
    const returned = { replyCode: 312, replyText: "", exchange: "", routingKey: "" };
    talk.receive(contentFrames(1, { name: "basic.return", ...returned }, "x".repeat(11)));
    expect(talk.take()).to.containSubset([
      { channel: 1, method: { name: "channel.close", replyCode: 406, classId: 0, methodId: 0 } },
    ]);
    expect(channel.closeError?.message).to.contain("maxBodyBytes");
    expect(talk.machine.state).to.equal("open");
  });
});
