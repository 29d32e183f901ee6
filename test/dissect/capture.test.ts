import { expect } from "chai";
import fc from "fast-check";
import { CaptureDissector } from "../../src/dissect/capture/conversations.ts";
import { PcapReader } from "../../src/dissect/capture/pcap.ts";
import { PcapngReader } from "../../src/dissect/capture/pcapng.ts";
import { readSegment } from "../../src/dissect/capture/segment.ts";
import { type Delivery, TcpStream } from "../../src/dissect/capture/tcp-stream.ts";
import { Dissector } from "../../src/dissect/dissector.ts";
import { PROTOCOL_HEADER } from "../../src/wire/generated/constants.ts";
import { concat, hex, toHex } from "../wire/octets.ts";
import {
  ACK,
  back,
  captured,
  FIN,
  ip4,
  ip6,
  packet,
  SYN,
  type Tcp,
  tcp,
  u16,
  u32,
} from "./packets.ts";
import { bodyFrame, eventsOf, messagesOf, methodFrame, publishFrames } from "./support.ts";

const OPEN = methodFrame(1, { name: "channel.open" });
const OPEN_OK = methodFrame(1, { name: "channel.open-ok" });
const HEADER = Uint8Array.from(PROTOCOL_HEADER);

describe("capture files", () => {
  const kept = [hex("01 02 03"), hex(""), hex("04 05 06 07 08")];

  for (const little of [true, false]) {
    for (const [magic, perSecond] of [
      [0xa1b2c3d4, 1e6],
      [0xa1b23c4d, 1e9],
    ] as const) {
      it(`pcap, ${little ? "little" : "big"} endian, ${perSecond} ticks a second`, () => {
        const file = concat(
          u32(magic, little),
          u16(2, little),
          u16(4, little),
          u32(0),
          u32(0),
          u32(65535, little),
          u32(1, little),
          ...kept.map((bytes, i) =>
            concat(
              u32(1000 + i, little),
              u32(perSecond / 4, little),
              u32(bytes.length, little),
              u32(99, little),
              bytes,
            ),
          ),
        );
        expectPackets(
          file,
          () => new PcapReader(),
          (i) => (1000 + i) * 1000 + 250,
        );
      });
    }

    it(`pcapng, ${little ? "little" : "big"} endian, with blocks of other kinds`, () => {
      const block = (type: number, body: Uint8Array): Uint8Array => {
        const padded = concat(body, new Uint8Array((4 - (body.length % 4)) % 4));
        const length = u32(padded.length + 12, little);
        return concat(u32(type, little), length, padded, length);
      };
      const nanoseconds = concat(u16(9, little), u16(1, little), hex("09 000000"), u32(0));
      const ticks = (i: number): bigint => BigInt(1000 + i) * 1_000_000_000n + 250_000_000n;
      const file = concat(
        block(0x0a0d0d0a, concat(u32(0x1a2b3c4d, little), hex("0001 0000 ffffffff ffffffff"))),
        block(1, concat(u16(1, little), u16(0), u32(0), nanoseconds)),
        block(5, new Uint8Array(8000)),
        ...kept.map((bytes, i) =>
          block(
            6,
            concat(
              u32(0),
              u32(Number(ticks(i) >> 32n), little),
              u32(Number(ticks(i) & 0xffffffffn), little),
              u32(bytes.length, little),
              u32(99, little),
              bytes,
            ),
          ),
        ),
      );
      expectPackets(
        file,
        () => new PcapngReader(),
        (i) => (1000 + i) * 1000 + 250,
      );
    });
  }

  function expectPackets(
    file: Uint8Array,
    reader: () => PcapReader | PcapngReader,
    time: (i: number) => number,
  ): void {
    for (const size of [1, 7, file.length]) {
      const reading = reader();
      const packets = [];
      for (let at = 0; at < file.length; at += size)
        packets.push(...reading.push(file.subarray(at, at + size)));
      expect(reading.error ?? reading.end()).to.equal(undefined);
      expect(packets.map(({ bytes }) => toHex(bytes))).to.deep.equal(kept.map(toHex));
      expect(packets.map((each) => each.time)).to.deep.equal(kept.map((_, i) => time(i)));
      expect(packets[2]).to.include({ number: 3, linkType: 1, originalLength: 99 });
    }
    const cut = reader();
    cut.push(file.subarray(0, -1));
    expect(cut.end()).to.match(/ends inside/);
  }

  it("that are damaged are told, whatever is in them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        for (const head of [
          hex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 65000000"),
          hex("0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffffffffffff 1c000000"),
        ]) {
          for (const reader of [new PcapReader(), new PcapngReader()]) {
            const dissector = new CaptureDissector(new Dissector());
            for (const each of reader.push(concat(head, octets))) dissector.push(each);
            dissector.end();
            reader.end();
          }
        }
      }),
    );
  });
});

describe("TCP segments", () => {
  const segment = tcp({ sequence: 7, payload: hex("0102") });
  const layers: [name: string, linkType: number, octets: Uint8Array][] = [
    [
      "Ethernet, with padding",
      1,
      concat(new Uint8Array(12), hex("0800"), ip4(segment), new Uint8Array(6)),
    ],
    [
      "Ethernet with two VLAN tags",
      1,
      concat(new Uint8Array(12), hex("88a8 0001 8100 0002 0800"), ip4(segment)),
    ],
    ["Ethernet, IPv6", 1, concat(new Uint8Array(12), hex("86dd"), ip6(segment))],
    ["Linux cooked", 113, concat(new Uint8Array(14), hex("0800"), ip4(segment))],
    ["Linux cooked, version 2", 276, concat(hex("0800"), new Uint8Array(18), ip4(segment))],
    [
      "Linux cooked, version 2, with a VLAN tag",
      276,
      concat(hex("8100"), new Uint8Array(18), hex("0005 0800"), ip4(segment)),
    ],
    ["BSD loopback, little endian", 0, concat(hex("02000000"), ip4(segment))],
    ["OpenBSD loopback", 108, concat(hex("00000018"), ip6(segment))],
    ["raw IP", 101, ip4(segment)],
    ["IPv6 with an extension header", 229, ip6(segment, hex("06 00 000000000000"))],
  ];
  for (const [name, linkType, octets] of layers) {
    it(`in ${name}`, () => {
      const found = readSegment(packet(linkType, octets));
      if (typeof found === "string") throw new Error(found);
      expect(toHex(found.payload)).to.equal("01 02");
      expect(found).to.include({
        sequence: 7,
        length: 2,
        sourcePort: 40_000,
        destinationPort: 5672,
      });
      expect(found.source).to.be.oneOf(["127.0.0.1:40000", "[::1]:40000"]);
    });
  }

  it("cut anywhere are never more than what is there", () => {
    for (const [, linkType, octets] of layers) {
      for (let length = 0; length < octets.length; length++) {
        const found = readSegment(packet(linkType, octets.subarray(0, length), octets.length));
        if (typeof found !== "string") expect(found.payload.length).to.be.at.most(2);
      }
    }
  });

  it("and everything else is told apart", () => {
    const fragment = ip4(segment);
    fragment[6] = 0x20;
    const udp = ip4(segment);
    udp[9] = 17;
    expect(readSegment(packet(101, fragment))).to.equal("fragment");
    expect(readSegment(packet(101, udp))).to.equal("other");
    expect(readSegment(packet(147, udp))).to.equal("unknown-link-type");
    expect(
      readSegment(packet(1, concat(new Uint8Array(12), hex("0806"), new Uint8Array(28)))),
    ).to.equal("other");
  });
});

describe("a TCP stream", () => {
  it("is the octets that were sent, for any cutting, order, repetition and overlap, over 2^32", () => {
    const segments = fc.array(
      fc.record({ at: fc.nat({ max: 199 }), length: fc.integer({ min: 1, max: 40 }) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(segments, fc.nat({ max: 0xffffffff }), (some, start) => {
        const octets = Uint8Array.from({ length: 200 }, (_, i) => i);
        const stream = new TcpStream((start - 1) >>> 0);
        const given: Delivery[] = [];
        const push = (at: number, length: number): void => {
          const payload = octets.subarray(at, at + length);
          given.push(...stream.push((start + at) >>> 0, payload, payload.length, false));
        };
        for (const { at, length } of some) push(at, length);
        for (let at = 0; at < 200; at += 33) push(at, 33);
        expect(toHex(concat(...(given as Uint8Array[])))).to.equal(toHex(octets));
      }),
    );
  });

  it("tells a hole when the other side has had what is not there, and goes on behind it", () => {
    const stream = new TcpStream(99);
    expect(stream.push(150, hex("aa"), 1, false)).to.deep.equal([]);
    const given: Delivery[] = [];
    for (let i = 0; i < 40; i++) given.push(...stream.acknowledge(151));
    expect(given[0]).to.equal(50);
    expect(given.slice(1).map((each) => toHex(each as Uint8Array))).to.deep.equal(["aa"]);
  });

  it("tells what was not kept of a segment", () => {
    const stream = new TcpStream(99);
    expect(stream.push(100, hex("0102"), 10, true)).to.deep.equal([hex("0102"), 8]);
    expect(stream.finished).to.equal(true);
  });
});

describe("a capture", () => {
  const syn: Tcp = { sequence: 99, flags: SYN };
  const synAck = back({ sequence: 499, flags: SYN | ACK, acknowledgement: 100 });

  it("gives both directions of a connection, and its end", () => {
    const { items, others } = captured([
      syn,
      synAck,
      { sequence: 100, payload: HEADER },
      { sequence: 108, payload: OPEN },
      back({ sequence: 500, payload: OPEN_OK }),
      { sequence: 121, flags: FIN | ACK },
      back({ sequence: 500 + OPEN_OK.length, flags: FIN | ACK }),
    ]);
    expect(others).to.equal(0);
    expect(items[0]).to.include({
      client: "127.0.0.1:40000",
      server: "127.0.0.1:5672",
      state: "handshake",
    });
    expect(eventsOf(items).map(({ from, method }) => [from, method])).to.deep.equal([
      ["client", undefined],
      ["client", "channel.open"],
      ["server", "channel.open-ok"],
    ]);
    expect(items.at(-1)).to.include({ kind: "connection", state: "closed" });
  });

  it("that begins in the middle tells the sides apart by what they send", () => {
    const rest = bodyFrame(1, new Uint8Array(50)).subarray(20);
    const { items } = captured([
      { from: 7, to: 9, sequence: 1, payload: concat(rest, OPEN_OK) },
      { from: 9, to: 7, sequence: 1, payload: concat(OPEN, publishFrames(1, { body: "x" })) },
    ]);
    expect(items[0]).to.include({ client: "127.0.0.1:9", server: "127.0.0.1:7", state: "unknown" });
    expect(messagesOf(items)).to.have.length(1);
    expect(eventsOf(items).map(({ type }) => type)[0]).to.equal("undecodable");
  });

  it("leaves out what is not AMQP, unless its port was asked for", () => {
    const http: Tcp[] = [
      syn,
      synAck,
      { sequence: 100, payload: new TextEncoder().encode("GET / HTTP/1.1") },
      back({ sequence: 500, payload: new TextEncoder().encode("HTTP/1.1 200 OK") }),
    ];
    expect(captured(http)).to.deep.include({ items: [], others: 1 });
    const asked = captured(http, { port: 5672 });
    expect(eventsOf(asked.items).map(({ type }) => type)).to.deep.equal([
      "undecodable",
      "undecodable",
    ]);
    expect(captured(http, { port: 1 })).to.deep.include({ items: [], others: 0 });
  });

  it("with a packet that is not there goes on behind it", () => {
    const body = bodyFrame(1, new Uint8Array(100));
    const { items } = captured([
      syn,
      synAck,
      { sequence: 100, payload: concat(HEADER, body.subarray(0, 30)) },
      { sequence: 100 + 8 + 60, payload: concat(body.subarray(60), OPEN) },
    ]);
    const events = eventsOf(items);
    expect(events.map(({ type }) => type)).to.deep.equal([
      "protocol-header",
      "body",
      "gap",
      "undecodable",
      "method",
    ]);
    expect(events[2]).to.include({ missing: 30 });
  });

  it("of two connections over the same ports has two", () => {
    const one: Tcp[] = [syn, { sequence: 100, payload: concat(HEADER, OPEN) }];
    const { items } = captured([
      ...one,
      { sequence: 7_000, flags: SYN },
      { sequence: 7_001, payload: HEADER },
    ]);
    expect(eventsOf(items).map(({ connection }) => connection)).to.deep.equal([1, 1, 2]);
  });

  it("tells TLS at the ports of AMQP", () => {
    const hello: Tcp = { sequence: 100, to: 5671, payload: hex("16 0301 0003 010203") };
    const { items } = captured([{ ...syn, to: 5671 }, hello]);
    expect(items.findLast((item) => item.kind === "connection")).to.include({ state: "encrypted" });
  });
});
