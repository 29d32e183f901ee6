import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import { Reader } from "../../src/wire/reader.ts";
import { hex, raised, toHex } from "./octets.ts";

describe("wire/reader", () => {
  describe("reads integers", () => {
    const cases: [what: string, octets: string, read: (r: Reader) => unknown, value: unknown][] = [
      ["an octet", "ff", (r) => r.readOctet(), 255],
      ["a short", "ff fe", (r) => r.readShort(), 65534],
      ["a long", "ff fe fd fc", (r) => r.readLong(), 0xfffefdfc],
      ["a longlong", "00 00 00 01 00 00 00 02", (r) => r.readLonglong(), 4294967298],
      ["the last longlong", "00 1f ff ff ff ff ff ff", (r) => r.readLonglong(), 2 ** 53 - 1],
      ["8 bits signed", "80", (r) => r.readInt8(), -128],
      ["8 bits signed", "7f", (r) => r.readInt8(), 127],
      ["16 bits signed", "80 00", (r) => r.readInt16(), -32768],
      ["16 bits signed", "7f ff", (r) => r.readInt16(), 32767],
      ["32 bits signed", "80 00 00 00", (r) => r.readInt32(), -(2 ** 31)],
      ["32 bits signed", "7f ff ff ff", (r) => r.readInt32(), 2 ** 31 - 1],
      ["64 bits signed", "80 00 00 00 00 00 00 00", (r) => r.readInt64(), -(2n ** 63n)],
      ["64 bits signed", "7f ff ff ff ff ff ff ff", (r) => r.readInt64(), 2n ** 63n - 1n],
      ["64 bits unsigned", "ff ff ff ff ff ff ff ff", (r) => r.readUint64(), 2n ** 64n - 1n],
      ["a float", "bf c0 00 00", (r) => r.readFloat(), -1.5],
      ["a double", "3f f8 00 00 00 00 00 00", (r) => r.readDouble(), 1.5],
    ];
    for (const [what, octets, read, value] of cases) {
      it(`${what}: ${octets}`, () => {
        const reader = new Reader(hex(octets));
        expect(read(reader)).to.equal(value);
        expect(reader.remaining).to.equal(0);
        expect(reader.position).to.equal(octets.split(" ").length);
      });

      it(`${what}: not from one octet less`, () => {
        const error = raised(ProtocolError, () => read(new Reader(hex(octets).subarray(1))));
        const length = octets.split(" ").length;
        expect(error.replyCode).to.equal(501);
        expect(error.expected).to.equal(`${length} octets`);
        expect(error.got).to.equal(String(length - 1));
        expect(error.offset).to.equal(0);
      });
    }

    it("refuses a 64-bit counter that a number cannot hold", () => {
      const reader = new Reader(hex("aa 00 20 00 00 00 00 00 01"), 1);
      const error = raised(ProtocolError, () => reader.readLonglong());
      expect(error.replyCode).to.equal(502);
      expect(error.got).to.equal("9007199254740993");
      expect(error.expected).to.contain("9007199254740991");
      expect(error.offset).to.equal(0);
    });
  });

  describe("reads strings", () => {
    it("short and empty, ASCII and UTF-8", () => {
      const reader = new Reader(hex("00 03 61 62 63 03 e2 82 ac 04 f0 9f 90 87"));
      expect(reader.readShortstr()).to.equal("");
      expect(reader.readShortstr()).to.equal("abc");
      expect(reader.readShortstr()).to.equal("€");
      expect(reader.readShortstr()).to.equal("🐇");
      expect(reader.remaining).to.equal(0);
    });

    it("short ones of 255 octets", () => {
      const ascii = new Reader(Uint8Array.of(255, ...Array<number>(255).fill(0x61), 0x62));
      expect(ascii.readShortstr()).to.equal("a".repeat(255));
      expect(ascii.remaining).to.equal(1);
      const euros = new Reader(hex(`ff ${"e282ac".repeat(85)}`));
      expect(euros.readShortstr()).to.equal("€".repeat(85));
    });

    it("with U+FFFD for what was cut inside a character", () => {
      expect(new Reader(hex("03 61 e2 82")).readShortstr()).to.equal("a\ufffd");
    });

    it("keeps a byte order mark and a zero", () => {
      expect(new Reader(hex("05 ef bb bf 00 61")).readShortstr()).to.equal("\ufeff\0a");
    });

    it("short ones as octets, and long ones", () => {
      const reader = new Reader(hex("02 ff fe 00 00 00 01 fd"));
      expect(toHex(reader.readShortstrBytes())).to.equal("ff fe");
      expect(toHex(reader.readLongstr())).to.equal("fd");
    });

    it("not beyond the end, and says where", () => {
      const short = new Reader(hex("ee 05 61 62"), 1);
      expect(raised(ProtocolError, () => short.readShortstr())).to.include({
        message: "the payload ends inside a short string",
        replyCode: 501,
        expected: "5 octets",
        got: "2",
        offset: 1,
      });
      const long = new Reader(hex("ff ff ff ff 61"));
      expect(raised(ProtocolError, () => long.readLongstr())).to.include({
        expected: "4294967295 octets",
        got: "1",
        offset: 4,
      });
    });
  });

  describe("reads timestamps", () => {
    const cases: [octets: string, milliseconds: number][] = [
      ["00 00 00 00 00 00 00 00", 0],
      ["00 00 00 00 5f 5e 10 00", 1_600_000_000_000],
      ["00 00 07 db a8 21 80 00", 8.64e15],
    ];
    for (const [octets, milliseconds] of cases) {
      it(octets, () => {
        expect(new Reader(hex(octets)).readTimestamp().getTime()).to.equal(milliseconds);
      });
    }

    it("as an invalid Date where a Date cannot reach", () => {
      for (const octets of ["00 00 07 db a8 21 80 01", "ff ff ff ff ff ff ff ff"]) {
        expect(new Reader(hex(octets)).readTimestamp().getTime()).to.be.NaN;
      }
    });
  });

  describe("gives copies", () => {
    // Node's sockets deliver Buffers, and a Buffer's slice() is no copy.
    for (const [kind, make] of [
      ["a Uint8Array", (): Uint8Array => hex("00 02 0a 0b 00 00 00 02 0c 0d 0e 0f")],
      ["a Buffer", (): Uint8Array => Buffer.from(hex("00 02 0a 0b 00 00 00 02 0c 0d 0e 0f"))],
    ] as const) {
      it(`of ${kind}, which may be used again`, () => {
        const chunk = make();
        const reader = new Reader(chunk, 1);
        const values = [
          reader.readShortstrBytes(),
          reader.readLongstr(),
          reader.readBytes(2, "two octets"),
        ];
        chunk.fill(0xee);
        expect(values.map(toHex)).to.deep.equal(["0a 0b", "0c 0d", "0e 0f"]);
        for (const value of values) {
          expect(Object.getPrototypeOf(value)).to.equal(Uint8Array.prototype);
          expect(value.buffer.byteLength).to.equal(2);
        }
      });
    }
  });

  describe("keeps to its bounds", () => {
    it("reads from start to end, wherever the octets lie in their buffer", () => {
      const bytes = hex("ee ee 3f f8 00 00 00 00 00 00 ee").subarray(1);
      const reader = new Reader(bytes, 1, 9);
      expect(reader.remaining).to.equal(8);
      expect(reader.position).to.equal(0);
      expect(reader.readDouble()).to.equal(1.5);
      reader.expectEnd("the payload");
      raised(ProtocolError, () => reader.readOctet());
    });

    it("does not move when it refuses", () => {
      const reader = new Reader(hex("01 02"));
      raised(ProtocolError, () => reader.readLong());
      expect(reader.position).to.equal(0);
      expect(reader.readShort()).to.equal(0x0102);
    });

    it("makes a reader over a part, which is skipped", () => {
      const reader = new Reader(hex("ee 01 02 03 04"), 1);
      reader.readOctet();
      const part = reader.readSlice(2, "a part");
      expect(reader.readOctet()).to.equal(4);
      expect(part.readShort()).to.equal(0x0203);
      expect(part.remaining).to.equal(0);
      raised(ProtocolError, () => part.readOctet());
    });

    it("counts the offset of an error from the start of the payload, also in a part", () => {
      const reader = new Reader(hex("ee 01 02 03 04"), 1);
      reader.readOctet();
      const part = reader.readSlice(3, "a part");
      part.readOctet();
      expect(part.position).to.equal(2);
      const error = raised(ProtocolError, () => part.readLong());
      expect(error).to.include({ offset: 2, expected: "4 octets", got: "2" });
    });

    it("refuses a part that is not there", () => {
      const error = raised(ProtocolError, () => new Reader(hex("01")).readSlice(2, "a part"));
      expect(error.message).to.equal("the payload ends inside a part");
    });

    it("asks for the end", () => {
      const reader = new Reader(hex("01 02 03"));
      reader.readOctet();
      expect(raised(ProtocolError, () => reader.expectEnd("basic.ack"))).to.include({
        message: "basic.ack goes on after its last field",
        replyCode: 501,
        got: "2 octets more",
        offset: 1,
      });
      reader.readShort();
      reader.expectEnd("basic.ack");
    });
  });
});
