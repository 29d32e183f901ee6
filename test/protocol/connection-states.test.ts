import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import {
  CONNECT_PHASES,
  CONNECTION_MOVES,
  CONNECTION_TRANSITIONS,
  type ConnectionMove,
  type ConnectionState,
  moveConnection,
  nextConnectionState,
} from "../../src/protocol/connection-states.ts";
import { raised } from "../wire/octets.ts";
import { SERVER_METHODS } from "./support.ts";

const STATES = Object.keys(CONNECTION_TRANSITIONS) as ConnectionState[];

describe("nextConnectionState", () => {
  for (const state of STATES) {
    it(`knows every method of a server while ${state}`, () => {
      for (const method of SERVER_METHODS) {
        const next = CONNECTION_TRANSITIONS[state][method];
        if (next !== undefined) {
          expect(nextConnectionState(state, method), method).to.equal(next);
          continue;
        }
        const error = raised(ProtocolError, () => nextConnectionState(state, method));
        expect(error.replyCode).to.equal(503);
        expect(error.got).to.equal(method);
        expect(error.expected).to.equal(Object.keys(CONNECTION_TRANSITIONS[state]).join(" or "));
      }
    });
  }

  it("lets a server close in every state but closed", () => {
    for (const state of STATES) {
      expect("connection.close" in CONNECTION_TRANSITIONS[state]).to.equal(state !== "closed");
    }
  });

  it("has no method but those of class connection on channel 0", () => {
    for (const state of STATES) {
      for (const method of Object.keys(CONNECTION_TRANSITIONS[state])) {
        expect(method).to.match(/^connection\./);
      }
    }
  });
});

describe("moveConnection", () => {
  it("follows the table, and stays where it has no entry", () => {
    const moves: readonly ConnectionMove[] = ["respond", "close", "end"];
    for (const state of STATES) {
      for (const move of moves) {
        const next = CONNECTION_MOVES[state][move] ?? state;
        expect(moveConnection(state, move), `${state}, ${move}`).to.equal(next);
      }
    }
  });

  it("ends in every state", () => {
    for (const state of STATES) expect(moveConnection(state, "end")).to.equal("closed");
  });
});

describe("CONNECT_PHASES", () => {
  it("has a phase for each state of the handshake and no other", () => {
    expect(Object.keys(CONNECT_PHASES)).to.deep.equal([
      "greeting",
      "authenticating",
      "authenticated",
      "opening",
    ]);
  });
});
