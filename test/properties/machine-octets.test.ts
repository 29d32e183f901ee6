import { expect } from "chai";
import fc from "fast-check";
import {
  ChannelClosedError,
  ConnectionClosedError,
  ConnectionLostError,
  ProtocolError,
} from "../../src/errors.ts";
import type { ServerMethod } from "../../src/wire/generated/methods.ts";
import { encodeText } from "../../src/wire/text.ts";
import {
  Conversation,
  call,
  confirmOf,
  contentFrames,
  DECLARE,
  DECLARE_OK,
  describeFrame,
  heartbeatFrame,
  methodFrame,
  noExchange,
  publication,
  readClientFrames,
  returnOf,
  START,
  serverClose,
  type TestCall,
  type TestPublication,
  TUNE,
} from "../protocol/support.ts";
import { basicProperties, chop, encodeFrame, frame, serverMethod } from "../support/arbitraries.ts";
import { concat } from "../wire/octets.ts";

const FRAME_MAX = 4096;
const PROPOSAL = { frameMax: FRAME_MAX, channelMax: 5, heartbeatSeconds: 0 };

/** What the server sends, in places where it may be right. */
function serverOctets(): fc.Arbitrary<Uint8Array> {
  const channel = fc.integer({ min: 0, max: 3 });
  const likely: readonly ServerMethod[] = [
    { name: "channel.open-ok" },
    { name: "channel.close-ok" },
    { name: "confirm.select-ok" },
    { name: "channel.flow", active: false },
    { name: "channel.flow", active: true },
    DECLARE_OK,
    noExchange("x"),
    serverClose("channel.close", 406, "no"),
    ...[0, 1, 2, 3, 4, 5].map((tag) => confirmOf("ack", tag, tag % 2 === 0)),
    ...[1, 2, 3].map((tag) => confirmOf("nack", tag)),
  ];
  const onChannel0: readonly ServerMethod[] = [
    { name: "connection.blocked", reason: "low" },
    { name: "connection.unblocked" },
    { name: "connection.update-secret-ok" },
    { name: "connection.close-ok" },
    serverClose("connection.close", 320, "bye"),
    serverClose("connection.close", 540, "no", "basic.publish"),
  ];
  const onAChannel = fc.integer({ min: 1, max: 2 });
  return fc.oneof(
    {
      weight: 10,
      arbitrary: fc
        .tuple(onAChannel, fc.constantFrom(...likely))
        .map(([number, method]) => methodFrame(number, method)),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(...onChannel0).map((method) => methodFrame(0, method)),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(onAChannel, fc.constantFrom("m", "large".repeat(10)), basicProperties())
        .map(([number, body, properties]) => returnOf(number, { body, ...properties })),
    },
    { weight: 1, arbitrary: fc.constant(heartbeatFrame()) },
    {
      weight: 1,
      arbitrary: fc.tuple(channel, serverMethod()).map(([number, method]) => {
        return methodFrame(number, method);
      }),
    },
    { weight: 1, arbitrary: frame().map(encodeFrame) },
    {
      weight: 1,
      arbitrary: fc.tuple(channel, frame()).map(([number, any]) => {
        return encodeFrame({ ...any, channel: number });
      }),
    },
    {
      weight: 1,
      arbitrary: onAChannel.map((number) => {
        const reason = { replyCode: 312, replyText: "", exchange: "", routingKey: "q" };
        return contentFrames(number, { name: "basic.return", ...reason }, "x".repeat(2000));
      }),
    },
    { weight: 1, arbitrary: fc.uint8Array() },
  );
}

interface Edit {
  readonly at: number;
  readonly removed: number;
  readonly added: Uint8Array;
}

/** Octets changed, put in or taken out. */
function mutate(octets: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const result = [...octets];
  for (const { at, removed, added } of edits) {
    result.splice(at % (result.length + 1), removed, ...added);
  }
  return Uint8Array.from(result);
}

interface Stream {
  /** The answers of the handshake, and then whatever the server likes. */
  readonly stages: readonly Uint8Array[];
  readonly cuts: readonly number[];
}

function stream(): fc.Arbitrary<Stream> {
  const edit = fc.record({
    at: fc.nat(),
    removed: fc.nat(2),
    added: fc.uint8Array({ maxLength: 2 }),
  });
  const edits = (maxLength: number) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<Edit[]>([]) },
      { weight: 1, arbitrary: fc.array(edit, { maxLength }) },
    );
  const handshake = [
    methodFrame(0, START),
    methodFrame(0, { ...TUNE, frameMax: FRAME_MAX }),
    methodFrame(0, { name: "connection.open-ok" }),
    concat(
      methodFrame(1, { name: "channel.open-ok" }),
      methodFrame(2, { name: "channel.open-ok" }),
    ),
  ];
  const handshakeEdits: fc.Arbitrary<readonly [number, Edit][]> = fc.oneof(
    { weight: 9, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.tuple(fc.nat(3), edit), { maxLength: 2 }) },
  );
  return fc
    .record({
      handshakeEdits,
      rest: fc.array(fc.tuple(serverOctets(), edits(2)), { maxLength: 25, size: "max" }),
      cuts: fc.array(fc.nat(), { maxLength: 5 }),
    })
    .map(({ handshakeEdits: changes, rest, cuts }) => ({
      stages: [
        ...handshake.map((octets, i) =>
          mutate(
            octets,
            changes.flatMap(([stage, each]) => (stage === i ? [each] : [])),
          ),
        ),
        ...rest.map(([octets, some]) => mutate(octets, some)),
      ],
      cuts,
    }));
}

/** The client's side: it does what an application would, whatever comes. */
class Client {
  readonly talk = new Conversation({ proposal: PROPOSAL, maxBodyBytes: 1000 });
  readonly calls: TestCall[] = [];
  readonly published: TestPublication[] = [];
  readonly sent: string[] = [];
  #asked = 0;

  /** Lets what arrived have its effects. */
  react(): void {
    const { talk } = this;
    const { machine } = talk;
    if (machine.state === "authenticating") machine.respond(encodeText("\0user\0secret"));
    if (machine.state === "open") this.#use();
    this.take();
  }

  take(): void {
    const { talk } = this;
    const octets = concat(...talk.machine.takeOutput(talk.now));
    talk.machine.flushed(0);
    const header = octets[0] === 65 ? 8 : 0;
    for (const each of readClientFrames(octets.subarray(header))) {
      if (each.size > FRAME_MAX) throw new Error("a frame is over frame-max");
      this.sent.push(describeFrame(each));
    }
  }

  #use(): void {
    const { machine } = this.talk;
    while (this.#asked++ < 2) {
      const opening = call({ name: "channel.open" });
      const channel = machine.openChannel(opening);
      const limits = { maxUnconfirmed: 3, maxQueued: 3, maxQueuedBytes: 1000 };
      const window = machine.scheduler.openWindow(channel, limits);
      this.calls.push(opening);
      channel.observed = true;
      Object.assign(opening, {
        resolve: (reply: (typeof opening.replies)[0]) => {
          opening.replies.push(reply);
          this.#ready.push(() => {
            for (const method of [{ name: "confirm.select", nowait: false } as const, DECLARE]) {
              const asked = call(method);
              this.calls.push(asked);
              channel.call(asked);
            }
            for (let i = 0; i < 5; i++) {
              const one = publication({
                exchange: i === 4 ? "x" : "",
                mandatory: i % 2 === 0,
                immediate: i === 3,
                body: i === 1 ? "large".repeat(1000) : "m",
              });
              window.submit(one);
              this.published.push(one);
            }
          });
        },
      });
    }
    for (const use of this.#ready.splice(0)) use();
  }

  readonly #ready: (() => void)[] = [];
}

function play({ stages, cuts }: Stream): string {
  const client = new Client();
  const { talk } = client;
  client.take();
  for (const stage of stages) {
    for (const piece of chop(stage, cuts)) talk.receive(piece);
    client.react();
  }
  talk.end();
  client.take();

  const { machine, events } = talk;
  expect(machine.state).to.equal("closed");
  const ends = events.filter(({ type }) => type === "closed");
  expect(ends).to.have.length(1);
  const error = talk.closed;
  if (error instanceof ProtocolError) {
    expect(error.replyCode, error.message).to.be.within(501, 505);
  } else if (error !== "by us") {
    if (!(error instanceof ConnectionLostError))
      expect(error).to.be.instanceOf(ConnectionClosedError);
  }
  for (const { error: reason } of events.flatMap((event) =>
    event.type === "channel" && event.event.type === "closed" ? [event.event] : [],
  )) {
    if (reason instanceof ProtocolError && reason !== error) expect(reason.replyCode).to.equal(406);
    else if (reason !== error) expect(reason).to.be.instanceOf(ChannelClosedError);
  }

  for (const one of client.published) {
    if (one.tellings.length !== 1) throw new Error(`a publish was told: ${one.ending}`);
  }
  for (const asked of client.calls) {
    if (asked.replies.length + asked.errors.length !== 1) throw new Error(asked.ending);
  }
  const last = client.sent.findIndex((each) => /^0 connection\.close(-ok)?$/.test(each));
  if (last >= 0) expect(client.sent.slice(last + 1)).to.deep.equal([]);
  talk.receive(methodFrame(0, START));
  machine.close();
  expect([machine.hasOutput, machine.nextTimeout()]).to.deep.equal([false, undefined]);
  return error instanceof ProtocolError ? String(error.replyCode) : (error as Error).name;
}

describe("properties of the machines, whatever a server sends", () => {
  it("raise documented errors only, and tell each publish exactly once", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(stream(), (each) => {
        seen.add(play(each));
      }),
      { numRuns: 500 },
    );
    expect([...seen]).to.include.members(["501", "503", "504", "505"]);
    expect([...seen]).to.include.members(["ConnectionClosedError", "ConnectionLostError"]);
  }).timeout(20_000);

  it("also where all of it is random", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array(), { maxLength: 5 }), fc.array(fc.nat()), (all, cuts) => {
        play({ stages: all, cuts });
        play({ stages: [methodFrame(0, START), ...all], cuts });
      }),
      { numRuns: 100 },
    );
  });
});
