/** Rules of the handshake that no other test of the machine is about; spec/rules.md has all of them. */
import { expect } from "chai";
import type { ProtocolError } from "../../src/errors.ts";
import { PROTOCOL_HEADER } from "../../src/wire/generated/constants.ts";
import type { ConnectionStart } from "../../src/wire/generated/methods.ts";
import { encodeText } from "../../src/wire/text.ts";
import { Conversation, methodFrame, START } from "./support.ts";

const start = START as ConnectionStart;

describe("the rules of the handshake", () => {
  it("the client speaks first: the protocol header, and nothing else before it is answered", () => {
    const talk = new Conversation();
    expect([...talk.takeOctets()]).to.deep.equal([...PROTOCOL_HEADER]);
    talk.pass(60_000);
    expect(talk.machine.hasOutput).to.equal(false);
    talk.receive(methodFrame(0, START).subarray(0, 10)); // not yet a frame
    talk.machine.respond(encodeText("too early"));
    expect(talk.machine.hasOutput).to.equal(false);
  });

  for (const [versionMajor, versionMinor] of [
    [0, 8],
    [0, 10],
    [1, 0],
    [8, 0],
    [9, 1],
  ] as const) {
    it(`a server that offers AMQP ${versionMajor}-${versionMinor} is left without another word`, () => {
      const talk = new Conversation();
      talk.takeOctets();
      talk.say(0, { ...start, versionMajor, versionMinor });
      const error = talk.closed as ProtocolError;
      expect(error).to.include({
        ...{ name: "ProtocolError", phase: "handshake" },
        ...{ expected: "0-9", got: `${versionMajor}-${versionMinor}` },
      });
      expect(talk.machine.hasOutput).to.equal(false);
      expect(talk.events.map(({ type }) => type)).to.deep.equal(["closed"]);
    });
  }

  it("a frame of any size up to what AMQP guarantees, and beyond, is taken before frame-max is agreed on", () => {
    for (const size of [4096, 8192, 100_000]) {
      const talk = new Conversation();
      talk.takeOctets();
      const padding = (padded: string) => ({ ...start, serverProperties: { padded } });
      const rest = size - methodFrame(0, padding("")).length;
      const frame = methodFrame(0, padding("x".repeat(rest)));
      expect(frame).to.have.length(size);
      talk.receive(frame);
      expect(talk.machine.state).to.equal("authenticating");
    }
  });
});
