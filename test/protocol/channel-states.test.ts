import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import {
  CHANNEL_MOVES,
  CHANNEL_TRANSITIONS,
  type ChannelLifecycle,
  type ChannelMove,
  type ChannelState,
  moveChannel,
  nextChannelState,
} from "../../src/protocol/channel-states.ts";
import { raised } from "../wire/octets.ts";

const STATES = Object.keys(CHANNEL_TRANSITIONS) as ChannelState[];
const METHODS: readonly ChannelLifecycle[] = [
  "channel.open-ok",
  "channel.close",
  "channel.close-ok",
];

describe("nextChannelState", () => {
  for (const state of STATES) {
    for (const method of METHODS) {
      const next = CHANNEL_TRANSITIONS[state][method];
      it(`${state}, ${method}: ${next ?? "503"}`, () => {
        if (next !== undefined) {
          expect(nextChannelState(state, method)).to.equal(next);
          return;
        }
        const error = raised(ProtocolError, () => nextChannelState(state, method));
        expect(error.replyCode).to.equal(503);
        expect(error.got).to.equal(method);
        const allowed = Object.keys(CHANNEL_TRANSITIONS[state]);
        expect(error.expected).to.equal(allowed.join(" or ") || "nothing");
      });
    }
  }

  it("leads from opening to every other state but those that we choose, and out again", () => {
    const reached = new Set<ChannelState>(["opening", "closing", "failing"]);
    for (const state of reached) {
      for (const next of Object.values(CHANNEL_TRANSITIONS[state])) reached.add(next);
    }
    expect([...reached].sort()).to.deep.equal([...STATES].sort());
    expect(CHANNEL_TRANSITIONS.closed).to.deep.equal({});
  });
});

describe("moveChannel", () => {
  it("follows the table, and stays where it has no entry", () => {
    const moves: readonly ChannelMove[] = ["close", "giveUp", "lose"];
    for (const state of STATES) {
      for (const move of moves) {
        const next = CHANNEL_MOVES[state][move] ?? state;
        expect(moveChannel(state, move), `${state}, ${move}`).to.equal(next);
      }
    }
  });

  it("is closed in every state once the connection is gone", () => {
    for (const state of STATES) expect(moveChannel(state, "lose")).to.equal("closed");
  });
});
