import { expect } from "chai";
import { UsageError } from "../../src/errors.ts";
import {
  beginFrame,
  endFrame,
  FRAME_HEADER_SIZE,
  FRAME_OVERHEAD,
  writeHeartbeatFrame,
  writeMethodFrame,
  writeProtocolHeader,
} from "../../src/wire/frame.ts";
import type { Method } from "../../src/wire/generated/methods.ts";
import { Writer } from "../../src/wire/writer.ts";
import { raised, toHex, written } from "./octets.ts";

const ACK: Method = { name: "basic.ack", deliveryTag: 7, multiple: true };
const ACK_FRAME = "01 01 02 00 00 00 0d 00 3c 00 50 00 00 00 00 00 00 00 07 01 ce";

describe("wire/frame", () => {
  it("a method frame", () => {
    expect(written((w) => writeMethodFrame(w, 0x102, ACK, 4096))).to.equal(ACK_FRAME);
  });

  it("a heartbeat, on channel 0", () => {
    expect(written(writeHeartbeatFrame)).to.equal("08 00 00 00 00 00 00 ce");
  });

  it("the protocol header", () => {
    expect(written(writeProtocolHeader)).to.equal("41 4d 51 50 00 00 09 01");
  });

  it("any payload between begin and end, behind what was written before", () => {
    const octets = written((writer) => {
      writer.writeOctet(0xee);
      const start = beginFrame(writer, 3, 0xffff);
      expect(start).to.equal(1);
      writer.writeShort(0x0102);
      endFrame(writer, start, 10, "body");
    });
    expect(octets).to.equal("ee 03 ff ff 00 00 00 02 01 02 ce");
  });

  it("has eight octets around its payload", () => {
    expect([FRAME_HEADER_SIZE, FRAME_OVERHEAD]).to.deep.equal([7, 8]);
  });

  it("fits in frame-max exactly, and is refused with one octet more", () => {
    expect(written((w) => writeMethodFrame(w, 0x102, ACK, 21))).to.equal(ACK_FRAME);
    const error = raised(UsageError, () => writeMethodFrame(new Writer(), 0x102, ACK, 20));
    expect(error.message).to.equal(
      "basic.ack takes a frame of 21 octets; the negotiated frame-max is 20, " +
        "and only bodies can be split",
    );
  });

  describe("that cannot be written leaves nothing behind:", () => {
    const cases: [why: string, channel: number, method: Method, frameMax: number][] = [
      ["too large", 1, ACK, 20],
      ["a channel over 65,535", 65536, ACK, 4096],
      ["a channel that is no integer", 0.5, ACK, 4096],
      ["an argument that does not fit", 1, { ...ACK, deliveryTag: -1 }, 4096],
      [
        "an argument deep in a table",
        1,
        {
          name: "queue.unbind",
          queue: "a",
          exchange: "b",
          routingKey: "c",
          arguments: { a: [{ b: Number.NaN }] },
        },
        4096,
      ],
    ];
    for (const [why, channel, method, frameMax] of cases) {
      it(why, () => {
        const writer = new Writer(16);
        writer.writeShort(0x0102);
        raised(UsageError, () => writeMethodFrame(writer, channel, method, frameMax));
        expect(toHex(writer.written)).to.equal("01 02");
      });
    }
  });
});
