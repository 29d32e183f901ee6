import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import { FrameDecoder, type RawFrame } from "../../src/wire/frame-decoder.ts";
import { concat, hex, raised, toHex } from "./octets.ts";

const HEARTBEAT = "08 00 00 00 00 00 00 ce";
const BODY = "03 01 02 00 00 00 03 61 62 63 ce";

function shown(frame: RawFrame | undefined): string | undefined {
  if (frame === undefined) return undefined;
  const { type, channel, bytes, start, end } = frame;
  return `${type} ${channel} [${toHex(bytes.subarray(start, end))}]`;
}

function decode(decoder: FrameDecoder, octets: string): (string | undefined)[] {
  decoder.push(hex(octets));
  const frames: (string | undefined)[] = [];
  for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
    frames.push(shown(frame));
  }
  return frames;
}

describe("wire/frame-decoder", () => {
  it("has nothing before the first piece, and nothing in an empty one", () => {
    const decoder = new FrameDecoder(4096);
    expect(decoder.next()).to.equal(undefined);
    expect(decode(decoder, "")).to.deep.equal([]);
    expect(decoder.unread).to.have.length(0);
  });

  it("finds all frames of a piece, without a copy", () => {
    const decoder = new FrameDecoder(4096);
    const piece = hex(`${HEARTBEAT} ${BODY}`);
    decoder.push(piece);
    expect(shown(decoder.next())).to.equal("8 0 []");
    const body = decoder.next();
    expect(shown(body)).to.equal("3 258 [61 62 63]");
    expect(body?.bytes).to.equal(piece);
    expect(decoder.next()).to.equal(undefined);
    expect(decoder.buffered).to.equal(0);
  });

  it("finds a frame cut anywhere, and the one behind it", () => {
    const octets = hex(BODY);
    for (let cut = 1; cut < octets.length; cut++) {
      const decoder = new FrameDecoder(11);
      expect(decode(decoder, toHex(octets.subarray(0, cut)))).to.deep.equal([]);
      expect(decoder.buffered).to.equal(cut);
      expect(decode(decoder, "")).to.deep.equal([]);
      const rest = `${toHex(octets.subarray(cut))} ${HEARTBEAT}`;
      expect(decode(decoder, rest), `cut at ${cut}`).to.deep.equal(["3 258 [61 62 63]", "8 0 []"]);
      expect(decoder.buffered).to.equal(0);
    }
  });

  it("keeps nothing of a piece that is used again", () => {
    const decoder = new FrameDecoder(4096);
    const chunk = hex(BODY).subarray(0, 9);
    decoder.push(chunk);
    expect(decoder.next()).to.equal(undefined);
    chunk.fill(0xee);
    expect(decode(decoder, "63 ce")).to.deep.equal(["3 258 [61 62 63]"]);
  });

  it("tells what is unread, for whoever takes over", () => {
    const decoder = new FrameDecoder(4096);
    decoder.push(hex(`${HEARTBEAT} 16 03 01`));
    decoder.next();
    expect(toHex(decoder.unread)).to.equal("16 03 01");
  });

  describe("a frame over the limit", () => {
    it("is refused by its header alone", () => {
      const decoder = new FrameDecoder(4096);
      decoder.push(hex("01 00 01 00 00 0f f9"));
      expect(raised(ProtocolError, () => decoder.next())).to.include({
        message: "a frame is larger than the frame-max that was negotiated",
        replyCode: 501,
        expected: "at most 4096 octets",
        got: "4097",
      });
      expect(decoder.buffered).to.equal(0);
    });

    it("is refused as soon as the header is there, before any of its payload is kept", () => {
      const decoder = new FrameDecoder(4096);
      for (const octet of ["01", "00", "01", "ff", "ff", "ff"]) {
        expect(decode(decoder, octet)).to.deep.equal([]);
      }
      const error = raised(ProtocolError, () => decode(decoder, "ff 61 62 63"));
      expect(error.got).to.equal("4294967303");
      expect(decoder.buffered).to.equal(7);
    });

    it("is one octet more than one that is taken", () => {
      const frame = concat(hex("03 00 01 00 00 0f f8"), new Uint8Array(4088), hex("ce"));
      const decoder = new FrameDecoder(4096);
      decoder.push(frame);
      expect(decoder.next()).to.include({ start: 7, end: 4095 });
    });

    it("depends on the limit of the moment", () => {
      const decoder = new FrameDecoder(10);
      raised(ProtocolError, () => decode(decoder, BODY));
      const raisedLimit = new FrameDecoder(10);
      raisedLimit.maxFrameSize = 11;
      expect(decode(raisedLimit, BODY)).to.have.length(1);
      const lowered = new FrameDecoder(11);
      expect(decode(lowered, BODY.slice(0, -6))).to.deep.equal([]);
      lowered.maxFrameSize = 10;
      raised(ProtocolError, () => decode(lowered, "63 ce"));
    });

    it("that is only declared takes no memory", () => {
      const decoder = new FrameDecoder(2 ** 32);
      const before = process.memoryUsage().arrayBuffers;
      expect(decode(decoder, "03 00 01 f0 00 00 00 61")).to.deep.equal([]);
      expect(decoder.buffered).to.equal(8);
      expect(process.memoryUsage().arrayBuffers - before).to.be.below(1_000_000);
    });
  });

  it("refuses what is no frame type at its first octet", () => {
    for (const octet of ["00", "04", "05", "06", "07", "09", "15", "41", "48", "ff"]) {
      const decoder = new FrameDecoder(4096);
      expect(raised(ProtocolError, () => decode(decoder, octet))).to.include({
        replyCode: 501,
        expected: "1, 2, 3, 8",
        got: String(Number.parseInt(octet, 16)),
      });
      expect(decoder.buffered).to.equal(0);
      const second = new FrameDecoder(4096);
      raised(ProtocolError, () => decode(second, `${HEARTBEAT} ${octet}`));
    }
  });

  it("refuses a frame that does not end with 0xCE, whole or cut", () => {
    const wrong = BODY.replace(/ce$/, "cf");
    const expected = { replyCode: 501, expected: "206", got: "207", offset: 3 };
    const whole = new FrameDecoder(4096);
    expect(raised(ProtocolError, () => decode(whole, wrong))).to.include(expected);
    const cut = new FrameDecoder(4096);
    decode(cut, wrong.slice(0, 12));
    expect(raised(ProtocolError, () => decode(cut, wrong.slice(12)))).to.include(expected);
  });

  it("tells what it has of the frame that is under way", () => {
    const decoder = new FrameDecoder(4096);
    expect(toHex(decoder.unfinished)).to.equal("");
    decode(decoder, `${HEARTBEAT} ${BODY.slice(0, 11)}`);
    expect(toHex(decoder.unfinished)).to.equal(BODY.slice(0, 11));
    decode(decoder, BODY.slice(12));
    expect(toHex(decoder.unfinished)).to.equal("");
  });
});
