/** The arbitraries make what they say: all of it, well-formed, and with the odd ones among it. */
import { expect } from "chai";
import fc from "fast-check";
import { arbitraries, encodeContent, encodeMethod } from "../../src/testing.ts";
import { readTable, readTaggedTable, writeTable } from "../../src/wire/field-table.ts";
import { type FieldTable, TaggedTable, type TaggedValue } from "../../src/wire/field-value.ts";
import { FrameDecoder } from "../../src/wire/frame-decoder.ts";
import { readClientMethod, readServerMethod } from "../../src/wire/generated/codec.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { Method } from "../../src/wire/generated/methods.ts";
import { PROPERTY_TYPES } from "../../src/wire/generated/properties.ts";
import { readContentHeader } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { Writer } from "../../src/wire/writer.ts";

const some = arbitraries(fc);
const NAMES = Object.keys(METHODS) as Method["name"][];

/** Many samples, the same ones each time. */
function samples<T>(arbitrary: fc.Arbitrary<T>, numRuns = 3000): T[] {
  return fc.sample(arbitrary, { numRuns, seed: 91 });
}

describe("arbitraries", () => {
  it("make every method, from whoever may send it", () => {
    const namesOf = (methods: fc.Arbitrary<Method>): Set<string> =>
      new Set(samples(methods).map(({ name }) => name));
    const sentBy = (who: "client" | "server"): string[] =>
      NAMES.filter((name) => METHODS[name].from.includes(who));
    expect([...namesOf(some.anyMethod())]).to.have.members(NAMES);
    expect([...namesOf(some.clientMethod())]).to.have.members(sentBy("client"));
    expect([...namesOf(some.serverMethod())]).to.have.members(sentBy("server"));
    expect([...namesOf(some.contentMethod())]).to.have.members(
      NAMES.filter((name) => METHODS[name].content),
    );
  });

  it("make a method with all of its fields and no others", () => {
    for (const name of NAMES) {
      const fields = METHODS[name].fields.filter(({ reserved }) => !reserved).map((it) => it.name);
      for (const made of samples(some.method(name), 20)) {
        expect(made.name).to.equal(name);
        expect(Object.keys(made)).to.have.members(["name", ...fields]);
      }
    }
  });

  it("make methods that read back as they are", () => {
    fc.assert(
      fc.property(some.clientMethod(), some.serverMethod(), (client, server) => {
        expect(readClientMethod(payload(client))).to.deep.equal(client);
        expect(readServerMethod(payload(server))).to.deep.equal(server);
      }),
    );
  });

  it("make every property, with and without the others, as RabbitMQ accepts them", () => {
    const made = samples(some.basicProperties());
    for (const [name] of PROPERTY_TYPES) {
      const having = made.filter((properties) => properties[name] !== undefined).length;
      expect(having, name).to.be.within(1500, 2900);
    }
    for (const { deliveryMode, expiration } of made) {
      expect([1, 2, undefined]).to.include(deliveryMode);
      expect(expiration ?? "0").to.match(/^\d+$/);
    }
  });

  it("make field tables that read back as they are, with every kind of value", () => {
    const kinds = new Set<string>();
    for (const table of samples(some.fieldTable())) {
      const writer = new Writer();
      writeTable(writer, table);
      expect(readTable(new Reader(writer.written))).to.deep.equal(table);
      for (const value of Object.values(table)) kinds.add(kindOf(value));
    }
    expect([...kinds]).to.have.members([
      ...["null", "boolean", "number", "bigint", "string"],
      ...["Date", "Uint8Array", "Array", "Object", "TaggedValue"],
    ]);
    expect(samples(some.fieldValue(), 300).map(kindOf)).to.include.members(["Object", "Array"]);
  });

  it("tell what is read of a table that an application gave", () => {
    const made = samples(some.fieldTableReading());
    for (const { given, read } of made) {
      const writer = new Writer();
      writeTable(writer, given);
      expect(readTable(new Reader(writer.written))).to.deep.equal(read);
    }
    const differ = made.filter(
      ({ given, read }) => Object.keys(given).length > Object.keys(read).length,
    );
    expect(differ).not.to.deep.equal([]);
  });

  it("make tables and values that only a lossless reading keeps", () => {
    const letters = new Set<string>();
    let duplicates = 0;
    for (const table of samples(some.taggedTable())) {
      const writer = new Writer();
      writeTable(writer, table);
      expect(readTaggedTable(new Reader(writer.written))).to.deep.equal(table);
      const names = table.entries.map(([name]) => name);
      const texts = names.filter((name) => typeof name === "string" && name !== "");
      if (new Set(texts).size < texts.length) duplicates++;
      for (const [, { type }] of table.entries) letters.add(type);
    }
    expect([...letters].sort().join("")).to.equal("ABDFILSTVbdfilstux");
    expect(duplicates).to.be.greaterThan(100);
    const values: TaggedValue[] = samples(some.taggedValue(), 200);
    const table = new TaggedTable(values.map((value, i) => [`${i}`, value]));
    const writer = new Writer();
    writeTable(writer, table);
    expect(readTaggedTable(new Reader(writer.written))).to.deep.equal(table);
  });

  it("make octets of tables, each with its length", () => {
    for (const octets of samples(some.fieldTableBytes())) {
      const reader = new Reader(octets);
      readTable(reader);
      expect(reader.remaining).to.equal(0);
    }
  });

  it("make short strings of at most 255 octets, and octets that are no text", () => {
    const lengths = samples(some.shortstr()).map((made) => Buffer.byteLength(made));
    expect(Math.max(...lengths)).to.be.within(200, 255);
    expect(Math.min(...lengths)).to.equal(0);
    for (const octets of samples(some.malformedText(5), 200)) {
      expect(octets.length).to.be.within(1, 5);
      expect(() => new TextDecoder("utf-8", { fatal: true }).decode(octets)).to.throw();
    }
    for (const text of samples(some.text(), 500))
      expect(Buffer.from(text).toString()).to.equal(text);
    for (const time of samples(some.timestamp(), 500)) {
      expect(time.getTime() % 1000).to.equal(0);
      expect(time.getTime()).to.be.at.least(0);
    }
  });

  it("make contents that are a method, a header and a body", () => {
    const sizes: number[] = [];
    for (const { method, properties, body } of samples(some.content({ maxBodyLength: 400 }), 500)) {
      const stream = encodeContent(7, method.name, method, body, properties, 4096);
      const decoder = new FrameDecoder(0xffff_ffff);
      decoder.push(stream);
      const first = decoder.next();
      expect(first?.channel).to.equal(7);
      const header = decoder.next();
      expect(
        readContentHeader(new Reader(header?.bytes as Uint8Array, header?.start, header?.end)),
      ).to.deep.equal({ bodySize: body.length, properties });
      sizes.push(body.length);
    }
    expect(Math.max(...sizes)).to.be.within(300, 400);
    expect(sizes).to.include(0);
    expect(Math.max(...samples(some.content(), 500).map(({ body }) => body.length))).to.be.within(
      800,
      1000,
    );
  });

  it("make frames of each type, on any channel", () => {
    const frames = samples(some.frame());
    expect([...new Set(frames.map(({ type }) => type))]).to.have.members([1, 2, 3, 8]);
    expect(Math.max(...frames.map(({ channel }) => channel))).to.be.greaterThan(60_000);
  });

  it("cut streams everywhere, and lose nothing", () => {
    const cuts = new Set<number>();
    for (const { frames, octets, pieces } of samples(some.choppedStream())) {
      expect(Buffer.concat(pieces).equals(octets)).to.equal(true);
      expect(octets.length).to.equal(
        frames.reduce((sum, { payload }) => sum + payload.length + 8, 0),
      );
      // How far into the first frame the first piece ends.
      if ((pieces[0]?.length ?? 0) < 8) cuts.add(pieces[0]?.length as number);
    }
    expect([...cuts].sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    const bytes = fc.uint8Array();
    for (const pieces of samples(some.chopped(bytes.map(() => Uint8Array.of(1, 2, 3))), 100)) {
      expect([...Buffer.concat(pieces)]).to.deep.equal([1, 2, 3]);
    }
  });

  it("shrink to something small", () => {
    const details = fc.check(
      fc.property(some.fieldTable(), (table) => !Object.values(table).includes(true)),
      { seed: 91, numRuns: 20_000 },
    );
    const [table] = details.counterexample as [FieldTable];
    expect(Object.values(table)).to.deep.equal([true]);
  });
});

function payload({ name, ...fields }: Method): Reader {
  const octets = encodeMethod(1, name, fields as never);
  return new Reader(Uint8Array.from(octets.subarray(7, -1)));
}

function kindOf(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return Object.getPrototypeOf(value).constructor.name; // a table may have a member of that name
}
