/** Rules of frames that no other test of the machine is about; spec/rules.md has all of them. */
import { expect } from "chai";
import type { ProtocolError } from "../../src/errors.ts";
import {
  anyArguments,
  BIND,
  Conversation,
  call,
  DECLARE_OK,
  describeFrame,
  heartbeatFrame,
  opened,
  publication,
  SERVER_METHODS,
  SETTINGS,
} from "./support.ts";

describe("the rules of frames", () => {
  it("a heartbeat is no fault where none were agreed on, in any state", () => {
    const proposal = { ...SETTINGS.proposal, heartbeatSeconds: 0 };
    const moments: ((talk: Conversation) => Conversation)[] = [
      (talk) => talk.start(),
      (talk) => talk.authenticate(),
      (talk) => talk.tune({ heartbeat: 60 }),
      (talk) => talk.open({ heartbeat: 60 }),
    ];
    for (const reach of moments) {
      const talk = reach(new Conversation({ proposal }));
      talk.takeOctets();
      const { state } = talk.machine;
      talk.receive(heartbeatFrame(), heartbeatFrame());
      talk.pass(600_000);
      expect(talk.machine.state).to.equal(state);
      expect(talk.machine.hasOutput).to.equal(false);
    }
  });

  it("a method of class connection on a channel is refused with 503, whichever it is", () => {
    const names = SERVER_METHODS.filter((name) => name.startsWith("connection."));
    expect(names).to.have.length.above(5);
    for (const name of names) {
      const talk = opened();
      talk.channel();
      talk.say(1, anyArguments(name));
      expect((talk.closed as ProtocolError).replyCode, name).to.equal(503);
      expect(talk.takeMethods().map((method) => method.name)).to.deep.equal(["connection.close"]);
    }
  });

  it("between the frames of one content no other frame of its channel goes out", () => {
    const talk = new Conversation().open({ frameMax: 4096 });
    const [first, second] = [talk.channel(), talk.channel()];
    const body = "b".repeat(9_000);
    first.publish(publication({ body }));
    second.publish(publication({ body: "" }));
    second.call(call(BIND));
    talk.say(1, { name: "channel.flow", active: true });
    first.publish(publication({ body: "m" }));
    first.call(call(BIND));
    expect(talk.taken()).to.deep.equal([
      ...["1 basic.publish", "1 header", "1 body", "1 body", "1 body"],
      ...["2 basic.publish", "2 header", "2 queue.bind"],
      "1 channel.flow-ok",
      ...["1 basic.publish", "1 header", "1 body", "1 queue.bind"],
    ]);
  });

  it("a method, its answer, the next method: a channel has one question open at a time", () => {
    const talk = opened();
    const channels = [talk.channel(), talk.channel()];
    for (const channel of channels) for (let i = 0; i < 3; i++) channel.call(call(BIND));
    expect(talk.take().map(describeFrame)).to.deep.equal(["1 queue.bind", "2 queue.bind"]);
    talk.say(2, { name: "queue.bind-ok" });
    expect(talk.taken()).to.deep.equal(["2 queue.bind"]);
    talk.say(1, DECLARE_OK); // the answer to something else
    expect((talk.closed as ProtocolError).replyCode).to.equal(503);
  });
});
