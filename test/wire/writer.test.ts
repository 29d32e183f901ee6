import { expect } from "chai";
import { UsageError } from "../../src/errors.ts";
import { describe as describeValue, Writer } from "../../src/wire/writer.ts";
import { hex, raised, toHex, written } from "./octets.ts";

describe("wire/writer", () => {
  describe("integers", () => {
    type Write<T> = (writer: Writer, value: T) => void;

    function domain<T extends number | bigint>(
      what: string,
      write: Write<T>,
      cases: readonly (readonly [value: T, octets: string])[],
      refused: readonly T[],
    ): void {
      for (const [value, octets] of cases) {
        it(`${what} ${value} is ${octets}`, () => {
          expect(written((writer) => write(writer, value))).to.equal(octets);
        });
      }
      for (const value of refused) {
        it(`${what} ${value} is refused, and nothing is written`, () => {
          const writer = new Writer();
          const error = raised(UsageError, () => write(writer, value));
          expect(error.message).to.contain(String(value));
          expect(writer.length).to.equal(0);
        });
      }
    }

    const noInteger = [1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    domain<number>(
      "octet",
      (w, v) => w.writeOctet(v),
      [
        [0, "00"],
        [255, "ff"],
      ],
      [-1, 256, ...noInteger],
    );
    domain<number>(
      "short",
      (w, v) => w.writeShort(v),
      [
        [0, "00 00"],
        [258, "01 02"],
        [65535, "ff ff"],
      ],
      [-1, 65536, ...noInteger],
    );
    domain<number>(
      "long",
      (w, v) => w.writeLong(v),
      [
        [0, "00 00 00 00"],
        [16909060, "01 02 03 04"],
        [4294967295, "ff ff ff ff"],
      ],
      [-1, 4294967296, ...noInteger],
    );
    domain<number>(
      "longlong",
      (w, v) => w.writeLonglong(v),
      [
        [0, "00 00 00 00 00 00 00 00"],
        [4294967295, "00 00 00 00 ff ff ff ff"],
        [4294967296, "00 00 00 01 00 00 00 00"],
        [9007199254740991, "00 1f ff ff ff ff ff ff"],
      ],
      [-1, 9007199254740992, ...noInteger],
    );
    domain<number>(
      "int8",
      (w, v) => w.writeInt8(v),
      [
        [-128, "80"],
        [-1, "ff"],
        [127, "7f"],
      ],
      [-129, 128, ...noInteger],
    );
    domain<number>(
      "int16",
      (w, v) => w.writeInt16(v),
      [
        [-32768, "80 00"],
        [-2, "ff fe"],
        [32767, "7f ff"],
      ],
      [-32769, 32768, ...noInteger],
    );
    domain<number>(
      "int32",
      (w, v) => w.writeInt32(v),
      [
        [-2147483648, "80 00 00 00"],
        [-2, "ff ff ff fe"],
        [2147483647, "7f ff ff ff"],
      ],
      [-2147483649, 2147483648, ...noInteger],
    );
    domain<bigint>(
      "int64",
      (w, v) => w.writeInt64(v),
      [
        [-(2n ** 63n), "80 00 00 00 00 00 00 00"],
        [-2n, "ff ff ff ff ff ff ff fe"],
        [2n ** 63n - 1n, "7f ff ff ff ff ff ff ff"],
      ],
      [-(2n ** 63n) - 1n, 2n ** 63n],
    );
    domain<bigint>(
      "uint64",
      (w, v) => w.writeUint64(v),
      [
        [0n, "00 00 00 00 00 00 00 00"],
        [2n ** 64n - 1n, "ff ff ff ff ff ff ff ff"],
      ],
      [-1n, 2n ** 64n],
    );

    it("are numbers; the error names what came and what is allowed", () => {
      const write = (value: unknown) => () =>
        new Writer().writeShort(value as number, "the channel");
      expect(raised(UsageError, write("1")).message).to.equal(
        "the channel is a value of type string; it must be an integer from 0 to 65535",
      );
      expect(raised(UsageError, write(null)).message).to.contain("the channel is null");
      expect(raised(UsageError, write([1])).message).to.contain("the channel is an array");
      expect(raised(UsageError, write(1n)).message).to.contain("a value of type bigint");
      expect(raised(UsageError, write(-1)).message).to.contain("the channel is -1;");
      expect(raised(UsageError, write(undefined)).message).to.contain("undefined");
    });
  });

  it("floats", () => {
    expect(written((w) => w.writeFloat(-1.5))).to.equal("bf c0 00 00");
    expect(written((w) => w.writeDouble(1.5))).to.equal("3f f8 00 00 00 00 00 00");
  });

  describe("short strings", () => {
    it("are a length and UTF-8", () => {
      expect(written((w) => w.writeShortstr(""))).to.equal("00");
      expect(written((w) => w.writeShortstr("abc"))).to.equal("03 61 62 63");
      expect(written((w) => w.writeShortstr("€🐇"))).to.equal("07 e2 82 ac f0 9f 90 87");
      expect(written((w) => w.writeShortstr("a\0\ufeff"))).to.equal("05 61 00 ef bb bf");
      expect(written((w) => w.writeShortstr("\x7f\x80"))).to.equal("03 7f c2 80");
    });

    const fitting = ["a".repeat(255), "é".repeat(127), `${"€".repeat(84)}aé`, "€".repeat(85)];
    const tooLong = ["a".repeat(256), "é".repeat(128), `${"€".repeat(85)}a`, "🐇".repeat(64)];
    for (const text of fitting) {
      const length = Buffer.byteLength(text);
      it(`take ${length} octets: ${text.slice(0, 1)}… (${text.length} units)`, () => {
        const octets = written((w) => w.writeShortstr(text));
        expect(octets).to.equal(toHex(Buffer.concat([Buffer.from([length]), Buffer.from(text)])));
      });
    }
    for (const text of tooLong) {
      it(`refuse ${Buffer.byteLength(text)} octets: ${text.slice(0, 2)}…`, () => {
        const error = raised(UsageError, () => new Writer().writeShortstr(text, "routingKey"));
        expect(error.message).to.equal(
          "routingKey is 256 octets long in UTF-8; at most 255 are allowed",
        );
      });
    }

    it("refuse what is no string", () => {
      for (const value of [1, null, undefined, ["a"], hex("61")] as unknown[]) {
        const error = raised(UsageError, () =>
          new Writer().writeShortstr(value as string, "queue"),
        );
        expect(error.message).to.match(/^queue must be a string, not /);
      }
    });
  });

  describe("text", () => {
    it("with half a surrogate pair is refused, short or long, wherever the half is", () => {
      for (const filling of ["", "a", "é", "a".repeat(63), "a".repeat(100)]) {
        for (const text of [`${filling}\ud800`, `\udfff${filling}`, `\ud83d${filling}\ud83d`]) {
          const writer = new Writer();
          writer.writeOctet(7);
          const error = raised(UsageError, () => writer.writeText(text, "type"));
          expect(error.message).to.match(/^type has half a surrogate pair/);
          expect(toHex(writer.written)).to.equal("07");
        }
      }
    });

    it("has no length before it, and tells how many octets it took", () => {
      for (const [text, octets] of [
        ["", ""],
        ["aé", "61 c3 a9"],
        ["a".repeat(64), toHex(Buffer.alloc(64, 0x61))],
        ["é".repeat(64), toHex(Buffer.from("é".repeat(64)))],
      ] as const) {
        const writer = new Writer(1);
        expect(writer.writeText(text, "body")).to.equal(Buffer.byteLength(text));
        expect(toHex(writer.written)).to.equal(octets);
      }
    });
  });

  describe("long strings", () => {
    it("are a 32-bit length and octets, or text as UTF-8", () => {
      expect(written((w) => w.writeLongstr(""))).to.equal("00 00 00 00");
      expect(written((w) => w.writeLongstr("é"))).to.equal("00 00 00 02 c3 a9");
      expect(written((w) => w.writeLongstr(hex("ff 00")))).to.equal("00 00 00 02 ff 00");
      expect(written((w) => w.writeLongstr(Buffer.from([1])))).to.equal("00 00 00 01 01");
    });

    it("may be long", () => {
      expect(written((w) => w.writeLongstr("a".repeat(300)))).to.equal(
        `00 00 01 2c${" 61".repeat(300)}`,
      );
    });

    it("refuse anything else", () => {
      for (const value of [null, 5, new ArrayBuffer(2), [1]] as unknown[]) {
        raised(UsageError, () => new Writer().writeLongstr(value as string));
      }
    });
  });

  describe("timestamps", () => {
    it("are whole seconds, rounded down", () => {
      const at = (ms: number): string => written((w) => w.writeTimestamp(new Date(ms)));
      expect(at(0)).to.equal("00 00 00 00 00 00 00 00");
      expect(at(999)).to.equal("00 00 00 00 00 00 00 00");
      expect(at(1_600_000_000_999)).to.equal("00 00 00 00 5f 5e 10 00");
      expect(at(8.64e15)).to.equal("00 00 07 db a8 21 80 00");
    });

    it("refuse what is invalid or before 1970", () => {
      for (const ms of [-1, -1000, Number.NaN]) {
        const writer = new Writer();
        const error = raised(UsageError, () => writer.writeTimestamp(new Date(ms), "timestamp"));
        expect(error.message).to.match(/^timestamp is an invalid Date/);
        expect(writer.length).to.equal(0);
      }
    });
  });

  describe("the buffer", () => {
    it("grows from nothing, and keeps what is in it", () => {
      const writer = new Writer(0);
      writer.writeDouble(1.5);
      for (let i = 0; i < 40; i++) writer.writeOctet(i);
      writer.writeDouble(-1.5);
      writer.writeBytes(hex("aa bb"));
      const counted = toHex(Uint8Array.from({ length: 40 }, (_, i) => i));
      expect(toHex(writer.written)).to.equal(
        `3f f8 00 00 00 00 00 00 ${counted} bf f8 00 00 00 00 00 00 aa bb`,
      );
      expect(writer.length).to.equal(58);
    });

    it("copies the octets that it is given", () => {
      const octets = hex("01 02");
      const writer = new Writer();
      writer.writeBytes(octets);
      octets.fill(0xee);
      expect(toHex(writer.written)).to.equal("01 02");
    });

    it("forgets by rollback and goes on from there", () => {
      const writer = new Writer(2);
      writer.writeLong(1);
      writer.writeShortstr("gone");
      writer.rollback(4);
      writer.writeShort(2);
      expect(toHex(writer.written)).to.equal("00 00 00 01 00 02");
    });

    it("leaves room for what is known later", () => {
      const writer = new Writer(0);
      writer.writeShort(0);
      const at = writer.reserveLong();
      writer.writeOctet(9);
      writer.patchLong(at, 0xfffefdfc);
      writer.patchShort(0, 0x8001);
      expect(toHex(writer.written)).to.equal("80 01 ff fe fd fc 09");
      writer.repeat(1, 2);
      writer.writeLonglong(0);
      writer.patchLonglong(9, 0x1_02fefdfc);
      expect(toHex(writer.written)).to.equal("80 01 ff fe fd fc 09 01 ff 00 00 00 01 02 fe fd fc");
    });

    for (const capacity of [0, 16]) {
      it(`is handed over, and a new one of ${capacity} octets begun`, () => {
        const writer = new Writer();
        writer.writeInt64(1n);
        const first = writer.detach(capacity);
        expect(writer.length).to.equal(0);
        writer.writeInt64(-1n);
        expect(toHex(first)).to.equal("00 00 00 00 00 00 00 01");
        expect(toHex(writer.written)).to.equal("ff ff ff ff ff ff ff ff");
      });
    }
  });

  it("names types without showing values", () => {
    const secret = "hunter2";
    const values = [null, undefined, secret, [secret], { secret }, 5n, Symbol(secret), () => {}];
    expect(values.map(describeValue)).to.deep.equal([
      "null",
      "a value of type undefined",
      "a value of type string",
      "an array",
      "an object of class Object",
      "a value of type bigint",
      "a value of type symbol",
      "a value of type function",
    ]);
  });
});
