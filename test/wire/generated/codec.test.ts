/**
 * The layouts that matter most, by hand from the specification; test/properties/wire-methods
 * has every method.
 */
import { expect } from "chai";
import { ProtocolError, UsageError } from "../../../src/errors.ts";
import {
  readClientMethod,
  readServerMethod,
  writeMethod,
} from "../../../src/wire/generated/codec.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";
import { Reader } from "../../../src/wire/reader.ts";
import { hex, raised, toHex, written } from "../octets.ts";

const LAYOUTS: [sender: "client" | "server" | "both", method: Method, octets: string][] = [
  [
    "server",
    {
      name: "connection.start",
      versionMajor: 0,
      versionMinor: 9,
      serverProperties: { a: "b" },
      mechanisms: hex("50 4c 41 49 4e"),
      locales: hex("65 6e"),
    },
    "000a 000a 00 09 00000008 01 61 53 00000001 62 00000005 504c41494e 00000002 656e",
  ],
  [
    "client",
    {
      name: "connection.start-ok",
      clientProperties: {},
      mechanism: "PLAIN",
      response: hex("00 75 00 70"),
      locale: "en",
    },
    "000a 000b 00000000 05 504c41494e 00000004 00750070 02 656e",
  ],
  [
    "server",
    { name: "connection.tune", channelMax: 2047, frameMax: 131072, heartbeat: 60 },
    "000a 001e 07ff 00020000 003c",
  ],
  [
    "client",
    { name: "connection.tune-ok", channelMax: 0, frameMax: 0xffffffff, heartbeat: 65535 },
    "000a 001f 0000 ffffffff ffff",
  ],
  // Behind the virtual host: a short string and a bit, both reserved.
  ["client", { name: "connection.open", virtualHost: "/" }, "000a 0028 01 2f 00 00"],
  ["server", { name: "connection.open-ok" }, "000a 0029 00"],
  [
    "both",
    {
      name: "connection.close",
      replyCode: 320,
      replyText: "bye",
      classId: 60,
      methodId: 40,
    },
    "000a 0032 0140 03 627965 003c 0028",
  ],
  ["both", { name: "connection.close-ok" }, "000a 0033"],
  ["server", { name: "connection.blocked", reason: "low" }, "000a 003c 03 6c6f77"],
  [
    "client",
    { name: "connection.update-secret", newSecret: hex("73"), reason: "r" },
    "000a 0046 00000001 73 01 72",
  ],
  ["client", { name: "channel.open" }, "0014 000a 00"],
  // Reserved as a long string, where every other one is short.
  ["server", { name: "channel.open-ok" }, "0014 000b 00000000"],
  ["both", { name: "channel.flow", active: true }, "0014 0014 01"],
  // Bits go into one octet, the first one lowest.
  [
    "client",
    {
      name: "exchange.declare",
      exchange: "x",
      type: "topic",
      passive: false,
      durable: true,
      autoDelete: false,
      internal: true,
      nowait: true,
      arguments: {},
    },
    "0028 000a 0000 01 78 05 746f706963 1a 00000000",
  ],
  // The one method whose reply has an id that does not follow its own.
  ["server", { name: "exchange.unbind-ok" }, "0028 0033"],
  [
    "client",
    {
      name: "queue.declare",
      queue: "q",
      passive: true,
      durable: false,
      exclusive: true,
      autoDelete: false,
      nowait: true,
      arguments: { "x-n": 1 },
    },
    "0032 000a 0000 01 71 15 00000009 03 782d6e 49 00000001",
  ],
  [
    "server",
    { name: "queue.declare-ok", queue: "q", messageCount: 258, consumerCount: 3 },
    "0032 000b 01 71 00000102 00000003",
  ],
  [
    "client",
    {
      name: "queue.bind",
      queue: "q",
      exchange: "x",
      routingKey: "k",
      nowait: false,
      arguments: {},
    },
    "0032 0014 0000 01 71 01 78 01 6b 00 00000000",
  ],
  // No bit for nowait here, unlike queue.bind.
  [
    "client",
    { name: "queue.unbind", queue: "q", exchange: "x", routingKey: "k", arguments: {} },
    "0032 0032 0000 01 71 01 78 01 6b 00000000",
  ],
  [
    "client",
    {
      name: "basic.publish",
      exchange: "",
      routingKey: "hello",
      mandatory: true,
      immediate: true,
    },
    "003c 0028 0000 00 05 68656c6c6f 03",
  ],
  [
    "server",
    {
      name: "basic.return",
      replyCode: 312,
      replyText: "NO_ROUTE",
      exchange: "",
      routingKey: "k",
    },
    "003c 0032 0138 08 4e4f5f524f555445 00 01 6b",
  ],
  [
    "server",
    {
      name: "basic.get-ok",
      deliveryTag: 1,
      redelivered: true,
      exchange: "",
      routingKey: "k",
      messageCount: 2,
    },
    "003c 0047 0000000000000001 01 00 01 6b 00000002",
  ],
  ["server", { name: "basic.get-empty" }, "003c 0048 00"],
  [
    "both",
    { name: "basic.ack", deliveryTag: 2 ** 53 - 1, multiple: false },
    "003c 0050 001fffffffffffff 00",
  ],
  [
    "both",
    { name: "basic.nack", deliveryTag: 1, multiple: true, requeue: true },
    "003c 0078 0000000000000001 03",
  ],
  ["client", { name: "confirm.select", nowait: true }, "0055 000a 01"],
  ["server", { name: "confirm.select-ok" }, "0055 000b"],
  ["client", { name: "tx.rollback" }, "005a 001e"],
];

describe("wire/generated/codec", () => {
  for (const [sender, method, octets] of LAYOUTS) {
    it(`${method.name} is ${octets}, both ways`, () => {
      expect(written((writer) => writeMethod(writer, method))).to.equal(toHex(hex(octets)));
      for (const [side, read] of [
        ["client", readClientMethod],
        ["server", readServerMethod],
      ] as const) {
        const reader = new Reader(hex(octets));
        if (sender === side || sender === "both") {
          expect(read(reader)).to.deep.equal(method);
          expect(reader.remaining).to.equal(0);
        } else {
          expect(raised(ProtocolError, () => read(reader)).replyCode).to.equal(503);
        }
      }
    });
  }

  it("ignores what lies in reserved fields and in bits that mean nothing", () => {
    const open = new Reader(hex("000a 0028 01 2f 03 616263 ff"));
    expect(readClientMethod(open)).to.deep.equal({ name: "connection.open", virtualHost: "/" });
    expect(open.remaining).to.equal(0);
    const select = readClientMethod(new Reader(hex("0055 000a fe")));
    expect(select).to.deep.equal({ name: "confirm.select", nowait: false });
    const publish = readClientMethod(new Reader(hex("003c 0028 ffff 00 01 6b fd")));
    expect(publish).to.include({ mandatory: true, immediate: false });
  });

  it("reads a reply text that was cut inside a character", () => {
    const close = readServerMethod(new Reader(hex("0014 0028 0194 04 6162 c3 e2 0000 0000")));
    expect(close).to.include({ replyCode: 404, replyText: "ab\ufffd\ufffd" });
  });

  it("refuses a delivery tag beyond 2^53", () => {
    for (const tag of ["0020000000000000", "ffffffffffffffff"]) {
      const reader = new Reader(hex(`003c 0050 ${tag} 00`));
      expect(raised(ProtocolError, () => readServerMethod(reader)).replyCode).to.equal(502);
    }
  });

  it("names the argument that does not fit", () => {
    const tag: Method = { name: "basic.ack", deliveryTag: 2 ** 53, multiple: true };
    const error = raised(UsageError, () => written((writer) => writeMethod(writer, tag)));
    expect(error.message).to.match(/^deliveryTag is 9007199254740992;/);
  });
});
