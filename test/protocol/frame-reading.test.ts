import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import {
  asProtocolError,
  checkHeartbeat,
  closeReason,
  readMethod,
} from "../../src/protocol/frame-reading.ts";
import type { RawFrame } from "../../src/wire/frame-decoder.ts";
import { concat, hex, raised } from "../wire/octets.ts";
import { DECLARE, methodFrame, START } from "./support.ts";

/** A frame as the decoder gives it: somewhere in a larger piece. */
function frame(type: number, channel: number, payload: Uint8Array): RawFrame {
  const bytes = concat(hex("ffff"), payload, hex("ce"));
  return { type, channel, bytes, start: 2, end: 2 + payload.length };
}

function payloadOf(octets: Uint8Array): Uint8Array {
  return octets.subarray(7, -1);
}

describe("readMethod", () => {
  it("reads a method of a server", () => {
    expect(readMethod(frame(1, 0, payloadOf(methodFrame(0, START))))).to.deep.equal(START);
  });

  it("refuses octets behind the last argument", () => {
    const payload = concat(payloadOf(methodFrame(0, { name: "connection.close-ok" })), hex("00"));
    expect(raised(ProtocolError, () => readMethod(frame(1, 0, payload))).replyCode).to.equal(501);
  });

  it("refuses what only a client may send", () => {
    const payload = payloadOf(methodFrame(1, DECLARE));
    const error = raised(ProtocolError, () => readMethod(frame(1, 1, payload)));
    expect(error.replyCode).to.equal(503);
    expect(error.got).to.equal("queue.declare");
  });
});

describe("checkHeartbeat", () => {
  it("wants an empty frame on channel 0", () => {
    expect(() => checkHeartbeat(frame(8, 0, hex("")))).not.to.throw();
  });

  it("refuses one with a payload with 501, one on a channel with 505", () => {
    const error = raised(ProtocolError, () => checkHeartbeat(frame(8, 0, hex("00"))));
    expect(error.replyCode).to.equal(501);
    expect(error.got).to.equal("1 octets on channel 0");
    const other = raised(ProtocolError, () => checkHeartbeat(frame(8, 3, hex(""))));
    expect(other.replyCode).to.equal(505);
  });
});

describe("closeReason", () => {
  it("names the method that caused it, where there is one", () => {
    for (const [classId, methodId, method] of [
      [60, 40, "basic.publish"],
      [60, 99, "unknown"],
      [0, 0, undefined],
    ] as const) {
      const reason = { replyCode: 404, replyText: "NOT_FOUND" };
      const close = { name: "channel.close", ...reason, classId, methodId } as const;
      expect(closeReason(close)).to.deep.equal({ ...reason, method });
    }
  });
});

describe("asProtocolError", () => {
  it("leaves a protocol error alone", () => {
    const error = new ProtocolError("no", { replyCode: 505 });
    expect(asProtocolError(error)).to.equal(error);
  });

  it("makes 541 of everything else, and keeps it as the cause", () => {
    const cause = new RangeError("Array buffer allocation failed");
    const error = asProtocolError(cause);
    expect(error.replyCode).to.equal(541);
    expect(error.cause).to.equal(cause);
    expect(error.message).to.contain("allocation failed");
  });
});
