import { expect } from "chai";
import fc from "fast-check";
import { Dissector } from "../../src/dissect/dissector.ts";
import { MAX_FRAME_SIZE } from "../../src/dissect/framer.ts";
import { itemToJson } from "../../src/dissect/json.ts";
import type { EventItem, Field, Item, Side } from "../../src/dissect/model.ts";
import { readTaggedTable } from "../../src/wire/field-table.ts";
import { TaggedTable, type TaggedValue } from "../../src/wire/field-value.ts";
import { FRAME_TYPE, PROTOCOL_HEADER } from "../../src/wire/generated/constants.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type { Method } from "../../src/wire/generated/methods.ts";
import { Reader } from "../../src/wire/reader.ts";
import { anyMethod, basicProperties, fieldTableBytes } from "../support/arbitraries.ts";
import { concat, hex, toHex } from "../wire/octets.ts";
import {
  bodyFrame,
  dissect,
  eventsOf,
  frame,
  headerFrame,
  leavesOf,
  messagesOf,
  methodFrame,
  publishFrames,
} from "./support.ts";

const HEADER = Uint8Array.from(PROTOCOL_HEADER);
const HEARTBEAT = hex("08 0000 00000000 ce");

/** What is covered by the fields at the top; bits share their octet. */
function covered({ bytes, fields }: EventItem): boolean {
  let at = 0;
  for (const { offset, length, bit } of fields) {
    if (bit !== undefined && bit > 0) {
      if (offset !== at - 1) return false;
    } else if (offset !== at) return false;
    else at += length;
  }
  return at === bytes.length;
}

function field(event: EventItem | undefined, name: string): Field {
  const found = leavesOf(event?.fields ?? []).find((each) => each.name === name);
  if (found === undefined) throw new Error(`no field ${name}`);
  return found;
}

function only<T>(items: readonly T[]): T {
  expect(items).to.have.length(1);
  return items[0] as T;
}

/** Any stream: frames of all kinds, whole and damaged, and what is none. */
function stream(): fc.Arbitrary<Uint8Array> {
  const whole = fc.oneof(
    anyMethod().map((method) => methodFrame(method.name.startsWith("connection") ? 0 : 1, method)),
    basicProperties().map((properties) => headerFrame(1, 5, properties)),
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((body) => bodyFrame(1, body)),
    fc.constant(HEARTBEAT),
    fc.constant(HEADER),
    fc.constant(publishFrames(1, { body: "hello", mandatory: true })),
  );
  const damaged = fc
    .tuple(whole, fc.nat(), fc.integer({ min: 0, max: 255 }))
    .map(([bytes, at, octet]) => bytes.with(at % bytes.length, octet));
  const pieces = fc.oneof(
    { weight: 4, arbitrary: whole },
    { weight: 2, arbitrary: damaged },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
  );
  return fc.array(pieces, { maxLength: 12 }).map((parts) => concat(...parts));
}

function json(items: readonly Item[]): string[] {
  return items.map(itemToJson);
}

describe("the dissector", () => {
  it("gives the same for any chopping", () => {
    fc.assert(
      fc.property(
        stream(),
        fc.array(fc.integer({ min: 1, max: 60 })),
        fc.boolean(),
        (octets, cuts, midstream) => {
          const pieces: [Side, Uint8Array][] = [];
          let at = 0;
          for (const cut of cuts) {
            pieces.push(["client", octets.subarray(at, at + cut)]);
            at += cut;
          }
          pieces.push(["client", octets.subarray(at)]);
          const whole = dissect([["client", octets]], { midstream });
          expect(json(dissect(pieces, { midstream }))).to.deep.equal(json(whole));
          const octetByOctet = Array.from(octets, (octet): [Side, Uint8Array] => [
            "client",
            Uint8Array.of(octet),
          ]);
          expect(json(dissect(octetByOctet, { midstream }))).to.deep.equal(json(whole));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("leaves no octet out, and has fields over each of them, whatever comes", () => {
    const anything = fc.oneof(stream(), fc.uint8Array({ maxLength: 300 }));
    const options = fc.record({ midstream: fc.boolean(), mixed: fc.boolean() });
    fc.assert(
      fc.property(anything, options, (octets, choice) => {
        const items = dissect([["client", octets]], { ...choice, showSecrets: true });
        const events = eventsOf(items);
        expect(toHex(concat(...events.map(({ bytes }) => bytes)))).to.equal(toHex(octets));
        let offset = 0;
        for (const event of events) {
          expect(event.offset).to.equal(offset);
          expect(covered(event), itemToJson(event)).to.equal(true);
          const { error, bytes } = event;
          if (error !== undefined) expect(error.offset).to.be.within(0, bytes.length);
          offset += bytes.length;
        }
      }),
      { numRuns: 500 },
    );
  });

  it("finds each method with its fields where the codec writes them, without an error", () => {
    fc.assert(
      fc.property(anyMethod(), (method) => {
        const channel = method.name.startsWith("connection.") ? 0 : 7;
        const octets = methodFrame(channel, method);
        const [from] = METHODS[method.name].from;
        const event = eventsOf(dissect([[from as Side, octets]], { showSecrets: true }))[0];
        expect(event).to.include({ type: "method", channel, method: method.name, from });
        expect(event?.error).to.equal(undefined);
        for (const found of event?.fields ?? []) expectOctets(octets, found);
        const visible = event?.fields.filter((each) => each.part === "argument" && !each.reserved);
        expect(visible?.map(({ name }) => name)).to.deep.equal(
          Object.keys(method).length === 1 ? [] : argumentNames(method.name),
        );
        for (const { name, value, type, offset, length } of visible ?? []) {
          const given = (method as unknown as Record<string, unknown>)[name];
          if (type === "bit" || type === "shortstr") expect(value, name).to.equal(given);
          else if (type === "longstr") {
            expect(toHex(octets.subarray(offset + 4, offset + length))).to.equal(
              toHex(given as Uint8Array),
            );
          } else if (type !== "table") expect(value, name).to.equal(given);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("finds each property of a content header", () => {
    fc.assert(
      fc.property(basicProperties(), (properties) => {
        const octets = headerFrame(3, 12, properties);
        const event = eventsOf(dissect([["client", octets]], { midstream: true }))[0];
        expect(event).to.include({ type: "header", channel: 3, error: undefined });
        expect(field(event, "bodySize").value).to.equal(12);
        for (const found of event?.fields ?? []) expectOctets(octets, found);
        const names = event?.fields
          .filter(({ part }) => part === "property")
          .map(({ name }) => name);
        const given = Object.keys(properties).filter(
          (name) => (properties as Record<string, unknown>)[name] !== undefined,
        );
        expect(new Set(names)).to.deep.equal(new Set(given));
      }),
      { numRuns: 300 },
    );
  });

  it("reads tables as the codec's lossless reading does, each entry at its place", () => {
    fc.assert(
      fc.property(fieldTableBytes(), (table) => {
        const payload = concat(hex("000a000a 00 09"), table, hex("00000000 00000000"));
        const event = eventsOf(dissect([["server", frame(1, 0, payload)]]))[0];
        const properties = field(event, "serverProperties");
        expect(event?.error).to.equal(undefined);
        for (const found of leavesOf([properties])) expectOctets(event?.bytes as Uint8Array, found);
        expect(shape(properties.children ?? [])).to.deep.equal(
          tableShape(readTaggedTable(new Reader(table))),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("marks a mistake in a table at its octet, and reads what is behind the table", () => {
    //                         version, table of 8: "a" with the type "?"           mechanisms
    const payload = hex("000a000a 00 09 00000008 01 61 53 00000000 01 00000003 616263 00000001 64");
    const [event] = eventsOf(dissect([["server", frame(1, 0, payload)]]));
    expect(event?.error?.offset).to.equal(7 + 4 + 2 + 4 + 7 + 1);
    expect(field(event, "mechanisms").value).to.equal("abc");
    expect(field(event, "locales").value).to.equal("d");
    expect(field(event, "undecoded")).to.include({ offset: 24, length: 1 });
  });

  const mistakes: [title: string, octets: string, from: Side, offset: number, says: RegExp][] = [
    ["an unknown method", "01 0001 00000004 003c 0063 ce", "client", 9, /no method 60\.99/],
    ["an unknown class", "01 0001 00000004 0063 0001 ce", "client", 7, /no method 99\.1/],
    [
      "a method of the other side",
      "01 0001 00000005 0014 000b 00000000 ce".replace("05", "08"),
      "client",
      7,
      /not for a client/,
    ],
    ["channel 0", "01 0000 00000008 0014 000b 00000000 ce", "server", 1, /not on channel 0/],
    [
      "a field that breaks off",
      "01 0001 00000007 0014 000b 000000 ce",
      "server",
      11,
      /ends inside a long integer|ends inside a long string/,
    ],
    ["octets behind the last field", "01 0001 00000006 0014 0029 ffff ce", "server", 11, /goes on/],
    ["a heartbeat on a channel", "08 0001 00000000 ce", "client", 1, /channel 0/],
    ["a heartbeat with a payload", "08 0000 00000001 00 ce", "client", 7, /no payload/],
    [
      "a header with unknown flags",
      "02 0001 0000000e 003c 0000 0000000000000000 0001 ce",
      "client",
      19,
      /do not exist/,
    ],
    [
      "a header of another class",
      "02 0001 0000000e 0032 0000 0000000000000000 0000 ce",
      "client",
      7,
      /only class 60/,
    ],
    ["another version", "41 4d 51 50 01 01 00 0a", "client", 4, /AMQP 1\.1\.0\.10/],
  ];
  for (const [title, octets, from, offset, says] of mistakes) {
    it(`marks ${title}, and goes on`, () => {
      const events = eventsOf(dissect([[from, concat(hex(octets), HEARTBEAT)]]));
      expect(events).to.have.length(2);
      expect(events[0]?.error?.message).to.match(says);
      expect(events[0]?.error?.offset).to.equal(offset);
      expect(events[1]).to.include({ type: "heartbeat", error: undefined });
    });
  }

  it("takes a wrong end for the frame's own mistake where another frame follows", () => {
    const wrong = hex("01 0001 00000005 0014 000a 00 cf");
    const [first, second] = eventsOf(dissect([["client", concat(wrong, HEARTBEAT)]]));
    expect(first).to.include({ method: "channel.open" });
    expect(first?.error).to.deep.equal({
      offset: 12,
      message: "the frame ends with 0xcf instead of 0xce",
    });
    expect(second).to.include({ type: "heartbeat", offset: 13 });
  });

  it("finds the next frame behind a size that is wrong", () => {
    const open = hex("01 0001 00000007 0014 000a 00 ce"); // the size is 5
    const [first, second] = eventsOf(dissect([["client", concat(open, publishFrames(1))]]));
    expect(first).to.include({ type: "undecodable", offset: 0 });
    expect(first?.bytes).to.have.length(13);
    expect(first?.error?.offset).to.equal(3);
    expect(second).to.include({ method: "basic.publish", offset: 13, error: undefined });
  });

  it("finds the frames behind a size that goes beyond the end", () => {
    const open = hex("01 0001 00100000 0014 000a 00 ce");
    const events = eventsOf(dissect([["client", concat(open, HEARTBEAT, HEARTBEAT)]]));
    expect(events.map(({ type }) => type)).to.deep.equal(["undecodable", "heartbeat", "heartbeat"]);
  });

  it("says what a frame had that is cut off", () => {
    const publish = publishFrames(1, { routingKey: "key" });
    const event = only(eventsOf(dissect([["client", publish.subarray(0, 18)]])));
    expect(event).to.include({ type: "method", method: "basic.publish" });
    expect(event.error?.offset).to.equal(18);
    expect(event.error?.message).to.match(/the input ends inside a frame: 18 of \d+ octets/);
    expect(field(event, "exchange").value).to.equal("");
  });

  it("goes on behind a gap in a body, where the frame's size says it ends", () => {
    const body = bodyFrame(1, new Uint8Array(100).fill(1));
    const dissector = new Dissector();
    const { id } = dissector.open();
    const items = [
      ...dissector.push(id, "client", body.subarray(0, 40), 1),
      ...dissector.gap(id, "client", 50, 2),
      ...dissector.push(id, "client", concat(body.subarray(90), HEARTBEAT), 3),
    ];
    const events = eventsOf(items);
    expect(events.map(({ type, offset }) => [type, offset])).to.deep.equal([
      ["body", 0],
      ["gap", 40],
      ["undecodable", 90],
      ["heartbeat", 108],
    ]);
    expect(events[0]?.error?.message).to.match(/missing/);
    expect(events[1]).to.include({ missing: 50 });
    expect(events[3]?.error).to.equal(undefined);
  });

  it("begins in the middle of a frame where it is told so", () => {
    const octets = concat(hex("61 62 63 ce"), publishFrames(2, { body: "x" }));
    const items = dissect([["client", octets]], { midstream: true });
    const events = eventsOf(items);
    expect(events.map(({ type }) => type)).to.deep.equal([
      "undecodable",
      "method",
      "header",
      "body",
    ]);
    expect(only(messagesOf(items))).to.include({ size: 1, complete: true });
  });

  it("tells TLS, and what cannot be a stream at all", () => {
    const hello = concat(hex("16 0301 0200 01"), new Uint8Array(10_000));
    const items = dissect([["client", hello]]);
    expect(new Set(eventsOf(items).map(({ type }) => type))).to.deep.equal(new Set(["encrypted"]));
    expect(items.findLast((item) => item.kind === "connection")).to.include({ state: "encrypted" });
    const [http] = eventsOf(
      dissect([["client", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")]]),
    );
    expect(http).to.include({ type: "undecodable" });
    expect(http?.error).to.deep.equal({ offset: 0, message: "0x47 begins no frame" });
  });

  it("takes time in proportion to what comes, however hard it is to make sense of", () => {
    // Each of these octets begins something that might be a frame, and none is.
    const hard = [
      hex("03 0001 0001ff00"),
      hex("01 0001 0000ff00 000a000a"),
      hex("02 0001 0001f000 003c0000 0000000000000000 0000"),
      hex("414d5150000009"),
    ];
    for (const pattern of hard) {
      const octets = new Uint8Array(2_000_000).map((_, i) => pattern[i % pattern.length] as number);
      const start = performance.now();
      const events = eventsOf(dissect([["client", octets]], { midstream: true }));
      expect(events.reduce((sum, { bytes }) => sum + bytes.length, 0)).to.equal(octets.length);
      expect(performance.now() - start).to.be.below(20_000);
    }
  }).timeout(100_000);

  it("does not wait for a frame that is not believable", () => {
    const size = new DataView(new ArrayBuffer(4));
    size.setUint32(0, MAX_FRAME_SIZE);
    const head = concat(hex("03 0001"), new Uint8Array(size.buffer));
    const dissector = new Dissector();
    const { id } = dissector.open();
    const items = dissector.push(id, "client", concat(head, hex("00 00"), HEARTBEAT));
    expect(eventsOf(items).map(({ type }) => type)).to.deep.equal(["undecodable", "heartbeat"]);
  });

  it("gives what people paste to the side that may send it", () => {
    const octets = concat(
      HEADER,
      methodFrame(1, { name: "confirm.select", nowait: false }),
      methodFrame(1, { name: "confirm.select-ok" }),
      publishFrames(1),
      methodFrame(1, { name: "basic.ack", deliveryTag: 1, multiple: false }),
      methodFrame(1, {
        name: "channel.close",
        replyCode: 404,
        replyText: "",
        classId: 0,
        methodId: 0,
      }),
      methodFrame(1, { name: "channel.close-ok" }),
    );
    const events = eventsOf(dissect([["client", octets]], { mixed: true }));
    const sides = events.map(({ from }) => from[0]).join("");
    expect(sides).to.equal("ccsccssc");
    expect(events.filter(({ error }) => error !== undefined)).to.deep.equal([]);
  });

  it("explains what it finds where that was asked for", () => {
    const octets = publishFrames(1, { routingKey: "key" });
    const [plain] = eventsOf(dissect([["client", octets]]));
    expect(field(plain, "routingKey").doc).to.equal(undefined);
    const [event, header] = eventsOf(dissect([["client", octets]], { explain: true }));
    expect(event?.fields.filter(({ doc }) => doc === undefined)).to.deep.equal([]);
    expect(header?.fields.filter(({ doc }) => doc === undefined)).to.deep.equal([]);
    expect(field(event, "routingKey").doc).to.match(/\w/);
  });
});

function expectOctets(octets: Uint8Array, found: Field): void {
  const { offset, valueOffset, length, value, type } = found;
  expect(valueOffset).to.be.within(offset, offset + length);
  if (typeof value === "string" && type !== "octets") {
    expect(toHex(octets.subarray(valueOffset, offset + length))).to.equal(
      toHex(new TextEncoder().encode(value)),
    );
  }
  if (
    (typeof value === "number" || typeof value === "bigint") &&
    /^(octet|short|long|longlong|timestamp)$/.test(type)
  ) {
    expect(
      BigInt(`0x${toHex(octets.subarray(offset, offset + length)).replaceAll(" ", "")}`),
    ).to.equal(BigInt(value));
  }
}

function argumentNames(name: Method["name"]): string[] {
  return METHODS[name].fields.filter(({ reserved }) => !reserved).map((each) => each.name);
}

/** Names, letters and values of a table, comparable with those of the codec's reading. */
function shape(children: readonly Field[]): unknown[] {
  return children.map(({ name, type, value, children: inner }) => [
    name,
    type,
    inner !== undefined ? shape(inner) : type === "D" || isFloat(type) ? "…" : plain(value),
  ]);
}

function tableShape(table: TaggedTable): unknown[] {
  return table.entries.map(([name, value]) => {
    const shown = typeof name === "string" ? name : `0x${toHex(name).replaceAll(" ", "")}`;
    return [shown, ...valueShape(value)];
  });
}

function valueShape({ type, value }: TaggedValue): [string, unknown] {
  if (value instanceof TaggedTable) return [type, tableShape(value)];
  if (Array.isArray(value)) {
    return [type, value.map((item, index) => [`${index}`, ...valueShape(item as TaggedValue)])];
  }
  return [type, type === "D" || isFloat(type) ? "…" : plain(value)];
}

function isFloat(type: string): boolean {
  return type === "f" || type === "d";
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? toHex(value) : value;
}

describe("frames of unknown type", () => {
  it("are no frames", () => {
    const known = new Set<number>(Object.values(FRAME_TYPE));
    for (let type = 0; type < 256; type++) {
      const [event] = eventsOf(dissect([["client", frame(type, 0, hex(""))]]));
      if (!known.has(type)) expect(event, `${type}`).to.include({ type: "undecodable" });
    }
  });

  it("says that the header comes once", () => {
    const header = Uint8Array.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);
    const events = eventsOf(dissect([["client", concat(header, header)]]));
    expect(events.map(({ error }) => error?.message)).to.deep.equal([
      undefined,
      "the AMQP header comes once, before all else",
    ]);
  });

  for (const [octets, says] of [
    [[1, 1, 0, 9], "(AMQP 0-9)"],
    [[0, 1, 0, 0], "(AMQP 1.0)"],
    [[2, 1, 0, 0], "(AMQP 1.0 with TLS)"],
    [[3, 1, 0, 0], "(AMQP 1.0 with SASL)"],
  ] as const) {
    it(`names the header of another protocol: ${octets.join(" ")}`, () => {
      const header = Uint8Array.from([0x41, 0x4d, 0x51, 0x50, ...octets]);
      expect(eventsOf(dissect([["client", header]]))[0]?.error?.message).to.include(says);
    });
  }

  it("marks the first octet too many of a body, and says which content is not complete", () => {
    const publish = publishFrames(1, { body: "hello" });
    const long = concat(publish.subarray(0, -13), bodyFrame(1, new Uint8Array(8)));
    expect(eventsOf(dissect([["client", long]]))[2]?.error).to.deep.include({ offset: 12 });
    const cut = concat(publish.subarray(0, -13), publish);
    expect(eventsOf(dissect([["client", cut]]))[2]?.error).to.deep.equal({
      offset: 7,
      message:
        "the content of basic.publish (event 1) is not complete: 0 of the 5 octets of its body came",
    });
  });
});
