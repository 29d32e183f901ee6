import { expect } from "chai";
import { Output } from "../../src/wire/output.ts";
import { concat, hex, toHex } from "./octets.ts";

describe("wire/output", () => {
  it("is empty at first, and after it was taken", () => {
    const output = new Output();
    expect(output.length).to.equal(0);
    expect(concat(...output.take())).to.have.length(0);
    output.writer.writeLong(1);
    output.refer(hex("aa"));
    expect(output.length).to.equal(5);
    output.take();
    expect(output.length).to.equal(0);
    expect(concat(...output.take())).to.have.length(0);
  });

  it("gives what was encoded in one piece", () => {
    const output = new Output();
    output.writer.writeShort(0x0102);
    output.writer.writeShort(0x0304);
    expect(output.take().map(toHex)).to.deep.equal(["01 02 03 04"]);
  });

  it("gives references in their order between what was encoded, as they are", () => {
    const output = new Output();
    const bodies = [hex("aa"), hex("bb bb"), hex("cc")] as const;
    output.refer(bodies[0]);
    output.writer.writeShort(0x0102);
    output.refer(bodies[1]);
    output.refer(bodies[2]);
    output.writer.writeOctet(3);
    expect(output.length).to.equal(7);
    const pieces = output.take();
    expect(toHex(concat(...pieces))).to.equal("aa 01 02 bb bb cc 03");
    for (const body of bodies) expect(pieces).to.include(body);
  });

  it("forgets everything, and starts again", () => {
    const output = new Output();
    output.writer.writeLong(1);
    output.refer(hex("aa bb"));
    output.clear();
    expect(output.length).to.equal(0);
    output.writer.writeOctet(2);
    output.refer(hex("cc"));
    expect(output.length).to.equal(2);
    expect(toHex(concat(...output.take()))).to.equal("02 cc");
  });

  it("leaves what was taken alone", () => {
    const output = new Output();
    for (let i = 0; i < 5; i++) output.writer.writeOctet(1);
    const first = output.take();
    for (let i = 0; i < 5; i++) output.writer.writeOctet(2);
    expect(toHex(concat(...first))).to.equal("01 01 01 01 01");
    expect(toHex(concat(...output.take()))).to.equal("02 02 02 02 02");
  });

  it("goes back to where it was, references included", () => {
    const output = new Output();
    output.writer.writeOctet(1);
    output.refer(hex("aa"));
    const { references } = output;
    const { length } = output.writer;
    output.writer.writeOctet(2);
    output.refer(hex("bb bb"));
    output.rollback(length, references);
    expect(output.length).to.equal(2);
    expect(toHex(concat(...output.take()))).to.equal("01 aa");
  });

  it("gives a buffer back that had to grow for what it forgets", () => {
    const capacityAfter = (length: number): number => {
      const output = new Output();
      output.writer.writeBytes(new Uint8Array(length));
      output.refer(hex("aa"));
      output.clear();
      expect(output.length).to.equal(0);
      output.writer.writeOctet(1);
      return (output.take()[0] as Uint8Array).buffer.byteLength;
    };
    expect([5000, 1_310_721].map(capacityAfter)).to.deep.equal([5000, 4096]);
  });

  it("makes the next buffer an eighth larger than the last was full, from 4 KiB to 1.25 MiB", () => {
    const capacityAfter = (length: number): number => {
      const output = new Output();
      output.writer.writeBytes(new Uint8Array(length));
      output.take();
      output.writer.writeOctet(1);
      return (output.take()[0] as Uint8Array).buffer.byteLength;
    };
    expect([0, 3000, 4096, 80_000, 1_200_000, 2_000_000].map(capacityAfter)).to.deep.equal([
      4096, 4096, 4608, 90_000, 1_310_720, 1_310_720,
    ]);
  });
});
