/** Where one TCP connection ends and the next begins, and who opened it, in captures of any order. */
import { expect } from "chai";
import type { Item } from "../../src/dissect/model.ts";
import { PROTOCOL_HEADER } from "../../src/wire/generated/constants.ts";
import { hex } from "../wire/octets.ts";
import { ACK, back, captured, FIN, SYN, type Tcp } from "./packets.ts";
import { eventsOf, methodFrame } from "./support.ts";

const HEADER = Uint8Array.from(PROTOCOL_HEADER);
const OPEN = methodFrame(1, { name: "channel.open" });
const OPEN_OK = methodFrame(1, { name: "channel.open-ok" });
const HEARTBEAT = hex("08 0000 00000000 ce");
const RST = 4;

/** The client's first octet has the number `at`, the server's the number `at + 400`. */
interface Beginning {
  readonly syn: Tcp;
  readonly synAck: Tcp;
  readonly header: Tcp;
  readonly open: Tcp;
  readonly openOk: Tcp;
}

function beginning(at: number): Beginning {
  const theirs = at + 400;
  return {
    syn: { sequence: at - 1, flags: SYN },
    synAck: back({ sequence: theirs - 1, flags: SYN | ACK, acknowledgement: at }),
    header: { sequence: at, acknowledgement: theirs, payload: HEADER },
    open: { sequence: at + 8, acknowledgement: theirs, payload: OPEN },
    openOk: back({
      sequence: theirs,
      acknowledgement: at + 8 + OPEN.length,
      payload: OPEN_OK,
    }),
  };
}

/** A connection from its beginning on, without its end. */
function talk(at: number): Tcp[] {
  const { syn, synAck, header, open, openOk } = beginning(at);
  return [syn, synAck, header, open, openOk];
}

/** The numbers behind the last octet of each side. */
function behind(at: number): readonly [client: number, server: number] {
  return [at + 8 + OPEN.length, at + 400 + OPEN_OK.length];
}

function byFin(at: number): Tcp[] {
  const [client, server] = behind(at);
  return [
    { sequence: client, flags: FIN | ACK, acknowledgement: server },
    back({ sequence: server, flags: FIN | ACK, acknowledgement: client + 1 }),
    { sequence: client + 1, acknowledgement: server + 1 },
  ];
}

function byReset(at: number): Tcp[] {
  const [client, server] = behind(at);
  return [back({ sequence: server, flags: RST | ACK, acknowledgement: client })];
}

/** More packets than a connection is followed for that was reset: of other connections. */
const MEANWHILE: readonly Tcp[] = Array.from({ length: 40 }, (_, i) => ({
  from: 50_000 + i,
  to: 9,
  sequence: 1,
}));

/** Of each connection: its client, and what was said in it. */
function conversationsOf(items: readonly Item[]): string[] {
  const said = new Map<number, string>();
  for (const item of items) {
    if (item.kind === "connection" && !said.has(item.id)) said.set(item.id, `${item.client}:`);
  }
  for (const { connection, method, type } of eventsOf(items)) {
    said.set(connection, `${said.get(connection)} ${method ?? type}`);
  }
  return [...said.values()];
}

const WHOLE = "127.0.0.1:40000: protocol-header channel.open channel.open-ok";

/** Everywhere, and where the numbers wrap around: inside the client's and inside the server's. */
const PLACES = [100, 2 ** 32 - 4, 2 ** 32 - 405, 2 ** 31 - 10];

describe("behind the end of a TCP connection", () => {
  const ends: [name: string, end: (at: number) => readonly Tcp[]][] = [
    ["two FINs", byFin],
    ["a reset", (at) => [...byReset(at), ...MEANWHILE]],
    ["a reset that has just come", byReset],
  ];
  const late: [name: string, segments: (at: number) => readonly Tcp[]][] = [
    ["the last octets again", (at) => [beginning(at).open, beginning(at).openOk]],
    ["all of it again", (at) => [...talk(at), ...byFin(at)]],
    ["its SYN again", (at) => [beginning(at).syn]],
    ["the answer to its SYN again", (at) => [beginning(at).synAck]],
    [
      "a part of the last octets with others",
      (at) => [{ sequence: at + 4, payload: OPEN.slice(0, 9) }],
    ],
    ["a FIN again", (at) => byFin(at)],
    ["a FIN with the last octets", (at) => [{ ...beginning(at).open, flags: FIN | ACK }]],
    ["a bare acknowledgement", (at) => [{ sequence: behind(at)[0] + 1 }]],
    ["a probe whether it lives", (at) => [{ sequence: behind(at)[0] - 1 }]],
    [
      "a probe with an octet",
      (at) => [
        { sequence: behind(at)[0] - 1, acknowledgement: behind(at)[1], payload: hex("00") },
        back({ sequence: behind(at)[1] - 1, acknowledgement: behind(at)[0] }),
      ],
    ],
    ["a reset", (at) => [{ sequence: behind(at)[0], flags: RST }]],
  ];
  for (const [how, end] of ends) {
    for (const [what, segments] of late) {
      it(`by ${how}, ${what} is no other connection`, () => {
        for (const at of PLACES) {
          const { items, others } = captured([...talk(at), ...end(at), ...segments(at)]);
          expect(conversationsOf(items)).to.deep.equal([WHOLE]);
          expect(others).to.equal(0);
        }
      });
    }

    it(`by ${how}, a SYN with another number begins another connection`, () => {
      for (const [one, two] of [
        [100, 5_000],
        [100, 101],
        [5_000, 100],
        [2 ** 32 - 4, 7],
        [100, 2 ** 31 + 200],
      ] as const) {
        const { items } = captured([...talk(one), ...end(one), ...talk(two), ...byFin(two)]);
        expect(conversationsOf(items)).to.deep.equal([WHOLE, WHOLE]);
      }
    });

    it(`by ${how}, octets far from its own are another connection, without a SYN too`, () => {
      for (const [one, two] of [
        [100, 50_000_000],
        [50_000_000, 100],
        [2 ** 32 - 4, 50_000_000],
        [100, 2 ** 31 + 200],
      ] as const) {
        const { header, open, openOk } = beginning(two);
        const { items } = captured([...talk(one), ...end(one), header, open, openOk]);
        expect(conversationsOf(items)).to.deep.equal([WHOLE, WHOLE]);
      }
    });

    it(`by ${how}, what is of the old one is in no new one of the same ports`, () => {
      for (const [one, two] of [
        [100, 50_000_000],
        [2 ** 32 - 4, 50_000_000],
        [100, 2 ** 31 + 200],
      ] as const) {
        for (const [, segments] of late) {
          const [syn, synAck, header, ...rest] = talk(two) as [Tcp, Tcp, Tcp, ...Tcp[]];
          const again = segments(one).filter(({ flags = 0 }) => (flags & SYN) === 0);
          const { items } = captured([
            ...talk(one),
            ...end(one),
            ...[syn, ...again, synAck, header, ...again, ...MEANWHILE],
            ...[...rest, ...byFin(two)],
          ]);
          expect(conversationsOf(items)).to.deep.equal([WHOLE, WHOLE]);
        }
      }
    });
  }

  it("by two FINs, octets right behind them are another connection", () => {
    const { items } = captured([
      ...talk(100),
      ...byFin(100),
      { sequence: 1_000, payload: HEARTBEAT },
      { sequence: 1_008, payload: OPEN },
    ]);
    expect(conversationsOf(items)).to.deep.equal([
      WHOLE,
      "127.0.0.1:40000: heartbeat channel.open",
    ]);
  });

  it("a TCP connection of something else is not counted again", () => {
    const text = (words: string): Uint8Array => new TextEncoder().encode(words);
    const request: Tcp = { sequence: 100, payload: text("GET / HTTP/1.1\r\n") };
    const http: Tcp[] = [
      { sequence: 99, flags: SYN },
      back({ sequence: 499, flags: SYN | ACK, acknowledgement: 100 }),
      request,
      back({ sequence: 500, payload: text("HTTP/1.1 200 OK\r\n") }),
      { sequence: 116, flags: FIN | ACK },
      back({ sequence: 517, flags: FIN | ACK }),
    ];
    expect(captured([...http, request, ...http])).to.deep.include({ items: [], others: 1 });
  });

  it("nothing is remembered of more connections than a capture may have at once", () => {
    const one = (port: number): Tcp[] =>
      [...talk(100), ...byFin(100)].map((each) => ported(each, port));
    const ports = Array.from({ length: 5_000 }, (_, i) => 50_000 + i);
    const again = ported(beginning(100).open, 50_000 + 4_999);
    const { items } = captured([...ports.flatMap(one), again]);
    const ids = new Set(eventsOf(items).map(({ connection }) => connection));
    expect(ids.size).to.equal(5_000);
  }).timeout(20_000);
});

function ported(segment: Tcp, port: number): Tcp {
  return segment.from === 5672 ? { ...segment, to: port } : { ...segment, from: port };
}

describe("a TCP connection whose beginning is captured in another order", () => {
  // 0: SYN, 1: its answer, 2: the header, 3: channel.open, 4: channel.open-ok.
  const orders = permutations([0, 1, 2, 3, 4]);

  it("is one connection with the right client, in any order", () => {
    expect(orders).to.have.length(120);
    for (const at of PLACES) {
      for (const order of orders) {
        const segments = talk(at);
        const { items, others } = captured([...order.map((i) => segments[i] as Tcp), ...byFin(at)]);
        expect(others).to.equal(0);
        expect(sides(items), `${order} at ${at}`).to.deep.equal(SIDES);
      }
    }
  });

  it("is one connection with the right client, at ports that tell nothing", () => {
    for (const order of orders) {
      const segments = talk(100).map((each) =>
        each.from === 5672 ? { ...each, from: 50_000, to: 7 } : { ...each, from: 7, to: 50_000 },
      );
      const { items } = captured(order.map((i) => segments[i] as Tcp));
      expect(items.find(({ kind }) => kind === "connection")).to.include({
        client: "127.0.0.1:7",
        server: "127.0.0.1:50000",
        state: "handshake",
      });
      expect(sides(items), `${order}`).to.deep.equal(SIDES);
    }
  });

  it("is one, whichever of its first packets is not there", () => {
    for (const order of orders) {
      for (const lost of [0, 1]) {
        const segments = talk(100);
        const { items } = captured(order.filter((i) => i !== lost).map((i) => segments[i] as Tcp));
        expect(sides(items), `${order} without ${lost}`).to.deep.equal(SIDES);
      }
    }
  });

  it("is one, and its SYN comes twice", () => {
    const [syn, synAck, ...rest] = talk(100) as [Tcp, Tcp, ...Tcp[]];
    const { items } = captured([syn, syn, synAck, ...rest, syn, synAck]);
    expect(conversationsOf(items)).to.deep.equal([WHOLE]);
  });

  it("is one, long after its first octets", () => {
    const { syn, synAck, header, open, openOk } = beginning(100);
    const beats = Array.from({ length: 60 }, (_, i) => ({
      sequence: 100 + 8 + OPEN.length + i * HEARTBEAT.length,
      payload: HEARTBEAT,
    }));
    const { items } = captured([header, open, openOk, ...beats, syn, synAck]);
    expect(conversationsOf(items)).to.deep.equal([`${WHOLE}${" heartbeat".repeat(60)}`]);
  });

  it("keeps the time of each packet", () => {
    const { syn, synAck, header, open, openOk } = beginning(100);
    const { items } = captured([header, open, openOk, synAck, syn], {}, (i) => 1_000 + i);
    expect(eventsOf(items).map(({ time }) => time)).to.deep.equal([1_000, 1_001, 1_002]);
  });

  it("whose SYN is not there does not wait for it longer than a second", () => {
    const { header, open, openOk } = beginning(100);
    const beat: Tcp = { sequence: 108 + OPEN.length, payload: HEARTBEAT };
    const { before } = captured([header, open, openOk, beat], {}, (i) => i * 400);
    expect(conversationsOf(before)).to.deep.equal([`${WHOLE} heartbeat`]);
  });

  it("that ends without an end is followed by another of the same ports", () => {
    const { items } = captured([...talk(100), ...talk(9_000)]);
    expect(conversationsOf(items)).to.deep.equal([WHOLE, WHOLE]);
    const far = 2 ** 31 + 5_000;
    const { header, open, openOk } = beginning(far);
    const midstream = captured([...talk(100), header, open, openOk]);
    expect(conversationsOf(midstream.items)).to.deep.equal([WHOLE, WHOLE]);
  });

  it("is not ended by an answer to a connection before it", () => {
    // RFC 5961: the server has not forgotten the last connection, and asks.
    const [syn, ...rest] = talk(100) as [Tcp, ...Tcp[]];
    const { items } = captured([
      syn,
      back({ sequence: 3_000_000_000, acknowledgement: 2_000_000_000 }),
      { sequence: 2_000_000_000, flags: RST },
      syn,
      ...MEANWHILE,
      ...rest,
    ]);
    expect(conversationsOf(items)).to.deep.equal([WHOLE]);
    expect(eventsOf(items).filter(({ type }) => type === "gap")).to.deep.equal([]);
  });

  it("has nothing of what a reset says", () => {
    const [reset] = byReset(100) as [Tcp];
    const { items } = captured([...talk(100), { ...reset, payload: hex("6e6f") }]);
    expect(conversationsOf(items)).to.deep.equal([WHOLE]);
  });
});

/** Each side's events, and its octets' beginning: the order between the sides may differ. */
const SIDES = {
  client: ["protocol-header", "channel.open"],
  server: ["channel.open-ok"],
  clients: ["127.0.0.1"],
};

function sides(items: readonly Item[]): unknown {
  const from = (side: string): unknown[] =>
    eventsOf(items)
      .filter((event) => event.from === side)
      .map(({ method, type }) => method ?? type);
  const connections = new Map<number, string | undefined>();
  for (const item of items) if (item.kind === "connection") connections.set(item.id, item.client);
  const clients = [...connections.values()].map((client) => client?.split(":")[0]);
  return { client: from("client"), server: from("server"), clients };
}

function permutations(of: readonly number[]): number[][] {
  if (of.length === 0) return [[]];
  return of.flatMap((first) =>
    permutations(of.filter((each) => each !== first)).map((rest) => [first, ...rest]),
  );
}

describe("a TCP connection of which one direction was captured", () => {
  const { syn, synAck, header, open, openOk } = beginning(100);
  const [client, server] = behind(100);

  it("says that nothing of the server is there, and how much of it the client has had", () => {
    const had = { sequence: client, acknowledgement: server };
    const { items } = captured([syn, { ...header, flags: ACK }, open, had]);
    expect(conversationsOf(items)).to.deep.equal([
      "127.0.0.1:40000: protocol-header channel.open gap",
    ]);
    expect(gapsAndNotices(items)).to.deep.equal([
      `gap: server ${OPEN_OK.length}`,
      `connection 1: nothing that the server sent was captured, only what the client sent, which acknowledged ${OPEN_OK.length} octets of it (one may be the end of the stream)`,
    ]);
  });

  it("says that nothing of the client is there", () => {
    const { items } = captured([synAck, openOk]);
    expect(conversationsOf(items)).to.deep.equal(["127.0.0.1:40000: channel.open-ok gap"]);
    const missing = 8 + OPEN.length;
    expect(gapsAndNotices(items)).to.deep.equal([
      `gap: client ${missing}`,
      `connection 1: nothing that the client sent was captured, only what the server sent, which acknowledged ${missing} octets of it (one may be the end of the stream)`,
    ]);
  });

  it("says nothing where both directions were captured", () => {
    expect(gapsAndNotices(captured([...talk(100), ...byFin(100)]).items)).to.deep.equal([]);
  });
});

function gapsAndNotices(items: readonly Item[]): string[] {
  return items.flatMap((item) => {
    if (item.kind === "event" && item.type === "gap") return [`gap: ${item.from} ${item.missing}`];
    if (item.kind === "notice") return [`connection ${item.connection}: ${item.message}`];
    return [];
  });
}
