/** The end of a connection and of a channel, also where both sides close at once. */
import { expect } from "chai";
import type { Side } from "../../src/dissect/model.ts";
import { PROTOCOL_HEADER } from "../../src/wire/generated/constants.ts";
import type { Method } from "../../src/wire/generated/methods.ts";
import { run } from "../cli/test-io.ts";
import { ACK, back, captured, SYN, type Tcp } from "./packets.ts";
import { dissect, eventsOf, linksOf, methodFrame, publishFrames, type Said } from "./support.ts";

const reason = { replyCode: 200, replyText: "bye", classId: 0, methodId: 0 } as const;
const CLOSE = methodFrame(0, { name: "connection.close", ...reason });
const CLOSE_OK = methodFrame(0, { name: "connection.close-ok" });
const HEADER = Uint8Array.from(PROTOCOL_HEADER);

const AT_ONCE: readonly Said[] = [
  ["client", HEADER, 1],
  ["client", CLOSE, 2],
  ["server", CLOSE, 3],
  ["client", CLOSE_OK, 4],
  ["server", CLOSE_OK, 5],
];

const CLOSES = [
  ["client", "connection.close"],
  ["server", "connection.close"],
  ["client", "connection.close-ok"],
  ["server", "connection.close-ok"],
];

/** A recording of conversations, and what is read from it. */
async function readBack(...lines: readonly object[]): Promise<Record<string, unknown>[]> {
  const input = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const { stdout } = await run(["decode", "--json"], { input });
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function opened(id: number): object {
  return { kind: "connection", id, client: "a:1", server: "b:2", state: "handshake", time: 0 };
}

function closed(id: number, time: number): object {
  return { kind: "connection", id, state: "closed", time };
}

function event(connection: number, [from, octets, time]: Said): object {
  return { kind: "event", connection, from, time, bytes: Buffer.from(octets).toString("hex") };
}

const sidesOf = (items: readonly { from?: unknown; method?: unknown }[]): unknown[] =>
  items.filter(({ method }) => method !== undefined).map(({ from, method }) => [from, method]);

const onlyEvents = (items: readonly Record<string, unknown>[]): Record<string, unknown>[] =>
  items.filter(({ kind }) => kind === "event");

describe("a connection that both sides close at once", () => {
  it("has both closes and both close-oks, each the reply of the other side's close", () => {
    const items = dissect(AT_ONCE);
    expect(sidesOf(eventsOf(items))).to.deep.equal(CLOSES);
    expect(linksOf(items).map(({ first, second }) => [first, second])).to.deep.equal([
      [3, 4],
      [2, 5],
    ]);
  });

  it("has them in a recording too, which says closed after the first close-ok", async () => {
    const items = await readBack(
      opened(1),
      ...AT_ONCE.slice(0, 4).map((said) => event(1, said)),
      closed(1, 4),
      event(1, AT_ONCE[4] as Said),
    );
    expect(sidesOf(onlyEvents(items))).to.deep.equal(CLOSES);
    expect(items.filter(({ kind }) => kind === "connection")).to.have.length(3);
    expect(items.at(-1)).to.include({ kind: "link", link: "reply", latencyMs: 3 });
  });

  it("reads back from its own JSON as it was", async () => {
    const recording = [opened(1), ...AT_ONCE.map((said) => event(1, said))];
    const input = recording.map((line) => `${JSON.stringify(line)}\n`).join("");
    const first = (await run(["decode", "--json"], { input })).stdout;
    expect((await run(["decode", "--json"], { input: first })).stdout).to.equal(first);
  });

  it("has them in a capture, with whatever comes behind a close-ok", () => {
    const late = publishFrames(1, { body: "late" });
    const segments = segmentsOf([...AT_ONCE, ["server", late, 6], ["client", late, 7]]);
    const events = eventsOf(captured(segments).items);
    expect(sidesOf(events).slice(0, 4)).to.deep.equal(CLOSES);
    expect(events.slice(5).map(({ from, method }) => [from, method])).to.deep.equal([
      ...Array(3).fill(["server", "basic.publish"]),
      ...Array(3).fill(["client", "basic.publish"]),
    ]);
    expect(new Set(events.map(({ connection }) => connection)).size).to.equal(1);
  });

  it("has in a capture what was under way when the other side reset it", () => {
    const [, , , , last] = AT_ONCE;
    const before = segmentsOf(AT_ONCE.slice(0, 4));
    const next = 100 + HEADER.length + CLOSE.length + CLOSE_OK.length;
    const reset: Tcp = { sequence: next, flags: 4 | ACK };
    const { items } = captured([
      ...before,
      reset,
      back({ sequence: 500 + CLOSE.length, payload: (last as Said)[1] }),
    ]);
    expect(sidesOf(eventsOf(items))).to.deep.equal(CLOSES);
    expect(items.filter(({ kind }) => kind === "connection").map((item) => item)).to.have.length(3);
  });
});

describe("a connection that was reset", () => {
  it("is over when so many packets more have come", () => {
    const other = { from: 40_001, to: 5672 };
    const beat = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0xce);
    const { items } = captured([
      ...segmentsOf([["client", HEADER, 1]]),
      { sequence: 108, flags: 4 | ACK },
      { ...other, sequence: 99, flags: SYN },
      { ...other, sequence: 100, payload: HEADER },
      ...Array.from({ length: 40 }, (_, i) => ({ ...other, sequence: 108 + i * 8, payload: beat })),
    ]);
    const end = items.findIndex((item) => item.kind === "connection" && item.state === "closed");
    expect(items[end]).to.include({ id: 1 });
    const later = eventsOf(items.slice(end));
    expect(later).to.have.length.within(1, 39);
    expect(later.every(({ connection }) => connection === 2)).to.equal(true);
  });
});

describe("the recording of a connection", () => {
  it("that ended without a close is closed where the file says so", async () => {
    const items = await readBack(
      opened(1),
      event(1, ["client", HEADER.subarray(0, 4), 1]),
      closed(1, 2),
      opened(2),
      event(2, ["client", HEADER, 3]),
    );
    const kinds = items.map(({ kind, id, connection, state, type }) => [
      kind,
      kind === "event" ? connection : id,
      kind === "event" ? type : state,
    ]);
    expect(kinds).to.deep.equal([
      ["connection", 1, "handshake"],
      ["event", 1, "undecodable"],
      ["connection", 1, "closed"],
      ["connection", 2, "handshake"],
      ["event", 2, "protocol-header"],
      ["connection", 2, "closed"],
    ]);
    expect(items[1]).to.include({ time: 2 });
  });

  it("is another one where its number begins again, as in two recordings in one file", async () => {
    const one = [opened(1), event(1, ["client", HEADER, 1])];
    for (const recording of [
      [...one, ...one],
      [...one, closed(1, 2), ...one],
    ]) {
      const items = await readBack(...recording);
      expect(onlyEvents(items).map(({ connection, type }) => [connection, type])).to.deep.equal([
        [1, "protocol-header"],
        [2, "protocol-header"],
      ]);
    }
  });

  it("is not kept for ever after its end, and a later frame of it is shown all the same", async () => {
    const many = Array.from({ length: 3000 }, (_, i) => [
      opened(i),
      event(i, ["client", CLOSE, 1]),
      event(i, ["server", CLOSE_OK, 2]),
      closed(i, 2),
    ]).flat();
    const late: Said = ["client", CLOSE_OK, 9];
    const items = await readBack(...many, event(2999, late), event(0, late));
    const events = onlyEvents(items);
    expect(events).to.have.length(6002);
    for (const it of events.slice(-2)) {
      expect(it).to.include({ method: "connection.close-ok", from: "client" });
    }
    // The last is still known; of the first nothing is held any more.
    expect(events.slice(-2).map(({ connection }) => connection)).to.deep.equal([3000, 3001]);
  });
});

describe("a channel that both sides close at once", () => {
  it("has each close-ok linked with the close of the other side", () => {
    const close: Method = { name: "channel.close", ...reason };
    const sent = (side: Side, method: Method): Said => [side, methodFrame(3, method)];
    const items = dissect(
      [
        sent("client", close),
        sent("server", close),
        sent("client", { name: "channel.close-ok" }),
        sent("server", { name: "channel.close-ok" }),
        sent("client", { name: "channel.open" }),
        sent("server", { name: "channel.open-ok" }),
      ],
      { midstream: true },
    );
    expect(linksOf(items).map(({ first, second }) => [first, second])).to.deep.equal([
      [2, 3],
      [1, 4],
      [5, 6],
    ]);
  });
});

/** The same as TCP segments, one for each piece. */
function segmentsOf(said: readonly Said[]): Tcp[] {
  const next = { client: 100, server: 500 };
  return [
    { sequence: 99, flags: SYN },
    back({ sequence: 499, flags: SYN | ACK, acknowledgement: 100 }),
    ...said.map(([from, payload]): Tcp => {
      const sequence = next[from];
      next[from] += payload.length;
      const segment: Tcp = { sequence, payload };
      return from === "client" ? segment : back(segment);
    }),
  ];
}
