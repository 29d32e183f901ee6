/** What a script is told when what happens is not what it says. */
import { type Duplex, duplexPair } from "node:stream";
import { expect } from "chai";
import {
  encodeBody,
  encodeContent,
  encodeFrame,
  encodeHeader,
  encodeHeartbeat,
  encodeMethod,
  ScriptError,
  ScriptedPeer,
} from "../../src/testing.ts";
import { failure } from "../support/environment.ts";

describe("ScriptedPeer fails", () => {
  let peer: ScriptedPeer<"server">;
  let other: Duplex;
  beforeEach(() => {
    const [ours, theirs] = duplexPair();
    peer = ScriptedPeer.over(ours, "server", { timeoutMs: 1000 });
    other = theirs;
    other.resume();
  });
  afterEach(() => {
    other.destroy();
    peer.stream.destroy();
  });

  /** Writes all of it at once. */
  function come(...octets: Uint8Array[]): void {
    other.write(Buffer.concat(octets));
  }

  const publish = encodeMethod(1, "basic.publish", { routingKey: "k" });

  it("when nothing comes in time, with what was waited for and the whole conversation", async () => {
    peer.send("connection.tune", { frameMax: 4096 });
    come(encodeMethod(0, "connection.tune-ok", { frameMax: 4096 }), publish.subarray(0, 9));
    await peer.expect("connection.tune-ok");
    peer.sendOctets("01 0000");
    const waiting = peer.expect("connection.open", { virtualHost: "/" }, { timeoutMs: 20 });
    const error = await failure(waiting, ScriptError);
    expect(error.name).to.equal("ScriptError");
    expect(error.waitedFor).to.equal('connection.open { virtualHost: "/" }');
    expect(error.came).to.equal(undefined);
    expect(error.message.replace(/^ +(\+\d+ ms)? */gm, "").split("\n")).to.deep.equal([
      'waited for connection.open { virtualHost: "/" }, and nothing came in 20 ms',
      "The conversation (<- came, -> was sent):",
      "-> channel 0: connection.tune { channelMax: 0, frameMax: 4096, heartbeat: 0 }",
      "<- channel 0: connection.tune-ok { channelMax: 0, frameMax: 4096, heartbeat: 0 }",
      "-> no whole frame: 01 00 00",
      "<- no whole frame yet: 01 00 01 00 00 00 0a 00 3c",
    ]);
    expect(error.transcript).to.equal(peer.transcript);
  });

  it("at once when something else comes, and points to the line of the script", async () => {
    come(encodeMethod(1, "channel.close", { replyCode: 404, replyText: "no" }));
    const error = await failure(peer.expect("channel.open"), ScriptError);
    expect(error.came).to.match(/^channel 1: channel.close \{ replyCode: 404, replyText: "no"/);
    expect(error.message).to.include(`waited for channel.open, and this came:\n  ${error.came}`);
    expect(error.stack).to.match(/^ScriptError: waited for channel.open/);
    const [first] = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
    expect(first).to.include("scripted-peer-guard.test.ts");
  });

  const mismatches: [what: string, frames: Uint8Array, () => Promise<unknown>, why: RegExp][] = [
    [
      "a field is another",
      publish,
      () => peer.expect("basic.publish", { routingKey: "other" }),
      /this came \(routingKey was to be "other" and is "k"\):/,
    ],
    [
      "a field's predicate says no",
      publish,
      () => peer.expect("basic.publish", { mandatory: (mandatory) => mandatory }),
      /the predicate for mandatory said no to false/,
    ],
    [
      "the predicate for all fields says no",
      publish,
      () => peer.expect("basic.publish", () => false),
      /the predicate said no/,
    ],
    [
      "the channel is another",
      publish,
      () => peer.channel(2).expect("basic.publish"),
      /it was to come on channel 2/,
    ],
    [
      "the body is another",
      encodeContent(1, "basic.publish", {}, "abc"),
      () => peer.expectContent("basic.publish", {}, { body: "abd" }),
      /wrong: the body was to be "abd" and is "abc"/,
    ],
    [
      "the predicate for the body says no",
      encodeContent(1, "basic.publish", {}, "abc"),
      () => peer.expectContent("basic.publish", {}, { body: (body) => body.length > 3 }),
      /the predicate for the body said no to "abc"/,
    ],
    [
      "a property is another",
      encodeContent(1, "basic.publish", {}, "", { priority: 3 }),
      () => peer.expectContent("basic.publish", {}, { properties: { priority: 4 } }),
      /in the properties, priority was to be 4 and is 3/,
    ],
    [
      "a header in a table is another",
      encodeContent(1, "basic.publish", {}, "", { headers: { a: [1, { b: 2 }] } }),
      () =>
        peer.expectContent("basic.publish", {}, { properties: { headers: { a: [1, { b: 3 }] } } }),
      /headers was to be \{ a: \[1,\{ b: 3 \}\] \} and is \{ a: \[1,\{ b: 2 \}\] \}/,
    ],
    [
      "the body is longer than its header says",
      Buffer.concat([publish, encodeHeader(1, 2), encodeBody(1, "abc")]),
      () => peer.expectContent("basic.publish"),
      /1 octet longer than its header says/,
    ],
    [
      "a content has two headers",
      Buffer.concat([publish, encodeHeader(1, 2), encodeHeader(1, 2)]),
      () => peer.expectContent("basic.publish"),
      /a second header/,
    ],
    [
      "a body comes before its header",
      Buffer.concat([publish, encodeBody(1, "abc")]),
      () => peer.expectContent("basic.publish"),
      /a body frame before the header/,
    ],
    [
      "a method comes inside a content",
      Buffer.concat([publish, encodeMethod(1, "tx.select")]),
      () => peer.expectContent("basic.publish"),
      /the rest of its content was due/,
    ],
    [
      "a header comes where a method was due",
      encodeHeader(1, 2),
      () => peer.expect("basic.publish"),
      /expectContent\(\) takes a method .* with its content/,
    ],
    [
      "a body frame is another",
      encodeBody(1, "abc"),
      () => peer.expectBody("abd"),
      /waited for a body frame "abd".*is "abc"/s,
    ],
    [
      "a header is another",
      encodeHeader(1, 5),
      () => peer.expectHeader({}, { bodySize: 4 }),
      /bodySize was to be 4 and is 5/,
    ],
    [
      "a heartbeat comes on another channel, and then something else",
      Buffer.concat([encodeHeartbeat(3), publish]),
      () => peer.expectHeartbeat({ channel: 0 }),
      /channel 1: basic.publish/,
    ],
    [
      "the version is another",
      Buffer.from("AMQP\x01\x01\x00\x09", "latin1"),
      () => peer.expectProtocolHeader(),
      /another version\):\n {2}protocol header AMQP 01 01 00 09/,
    ],
    [
      "octets are others",
      publish,
      () => peer.expectOctets(Buffer.concat([publish.subarray(0, -1), Buffer.from([0])])),
      /this came \(01 00 01 .*ce came\)/,
    ],
    [
      "there are more octets than were due",
      Buffer.concat([publish, publish]),
      () => peer.expectOctets(Buffer.concat([publish, Buffer.from([1])])),
      /01 00 01 .* ce came after the first 18 octets/,
    ],
    [
      "a method cannot be read",
      encodeFrame({ type: 1, channel: 1, payload: Uint8Array.of(0, 60) }),
      () => peer.expect("basic.publish"),
      /channel 1: malformed, 2 octets are due and 0 are left \(at octet 2 of the payload\): 01 00 01/,
    ],
    [
      "a frame has the wrong end",
      Buffer.from("0800000000000000", "hex"),
      () => peer.expectHeartbeat(),
      /octets \(a frame does not end with 0xce .*, but 0x00\): 08 00/,
    ],
    [
      "it is not AMQP at all",
      Buffer.from("GET / HTTP/1.1\r\n"),
      () => peer.expectProtocolHeader(),
      /octets \(there is no frame of type 71\): 47 45 54/,
    ],
  ];
  for (const [what, frames, expectation, why] of mismatches) {
    it(`when ${what}`, async () => {
      come(frames);
      const error = await failure(expectation(), ScriptError);
      expect(error.message).to.match(why);
    });
  }

  it("when the end comes instead, and does not wait for what can never come", async () => {
    other.end();
    const error = await failure(peer.expect("channel.open"), ScriptError);
    expect(error.came).to.equal("the end of the stream");
    await failure(peer.expect("channel.open"), ScriptError);
    expect((await peer.expectEnd()).how).to.equal("end");
    const reset = await failure(peer.expectEnd("reset"), ScriptError);
    expect(reset.message).to.include("another kind of end");
  });

  it("all expectations that wait together when what comes is for none of them", async () => {
    const waiting = [peer.channel(1).expect("tx.select"), peer.channel(2).expect("tx.select")];
    const failures = Promise.all(waiting.map((promise) => failure(promise, ScriptError)));
    come(encodeMethod(3, "tx.select"));
    const reasons = /\(it was to come on channel 1; it was to come on channel 2\)/;
    for (const { message } of await failures) expect(message).to.match(reasons);
  });

  it("with the others that wait, when nothing comes", async () => {
    const other = failure(peer.expect("tx.select", {}, { channel: 2 }), ScriptError);
    const error = await failure(peer.expectHeartbeat({ timeoutMs: 20 }), ScriptError);
    expect(error.message).to.match(/20 ms; waited for as well: tx.select on channel 2\n/);
    await peer.close();
    await other;
  });

  it("at the end of an `await using` block too", async () => {
    const listener = await ScriptedPeer.listen();
    const client = await ScriptedPeer.connect(listener.url);
    client.sendProtocolHeader();
    const server = await listener.accept();
    while (server.unexpected.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await client[Symbol.asyncDispose]();
    await failure(server[Symbol.asyncDispose](), ScriptError);
    await failure(listener[Symbol.asyncDispose](), ScriptError);
  });

  it("and goes on with what comes after what was not expected", async () => {
    come(publish, encodeMethod(1, "tx.select"));
    await failure(peer.channel(1).expect("tx.select"), ScriptError);
    await peer.channel(1).expect("tx.select");
    await peer.close();
  });

  it("at close(), when something came that nobody expected", async () => {
    come(encodeMethod(1, "tx.select"), encodeHeartbeat(), encodeMethod(1, "tx.commit"));
    await peer.channel(1).expect("tx.select");
    expect(peer.unexpected.map(({ kind }) => kind)).to.deep.equal(["method"]);
    const error = await failure(peer.close(), ScriptError);
    expect(error.message).to.match(
      /^1 thing came that nobody expected:\n {2}channel 1: tx.commit\n/,
    );
    expect(error.message).to.match(/<- channel 1: tx.select$/m);
    expect(await failure(peer.close(), ScriptError), "the same again").to.equal(error);
  });

  it("at the listener's close(), for clients that nobody asked for too", async () => {
    const listener = await ScriptedPeer.listen();
    const client = await ScriptedPeer.connect(listener.url);
    client.sendProtocolHeader();
    const peer = await listener.accept();
    await peer.expectProtocolHeader();
    client.send("connection.start-ok");
    await peer.receive();
    client.send("connection.open-ok");
    client.hangUp();
    while (peer.unexpected.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const error = await failure(listener.close(), ScriptError);
    expect(error.came).to.equal("channel 0: connection.open-ok");
    await client.close();
  });

  it("when it is closed while something is waited for, and afterwards", async () => {
    const waiting = failure(peer.expect("channel.open"), ScriptError);
    await peer.close();
    expect((await waiting).message).to.match(/^waited for channel.open, and the peer was closed\n/);
    const late = await failure(peer.expect("channel.open"), ScriptError);
    expect(late.message).to.match(/^waited for channel.open, and the peer was closed\n/);
  });

  it("when the listener is closed while a client is waited for, at once, and afterwards", async () => {
    const listener = await ScriptedPeer.listen({ timeoutMs: 60_000 });
    const waits = [
      failure(listener.accept(), ScriptError),
      failure(listener.handshake(), ScriptError),
    ];
    await listener.close();
    for (const error of [
      ...(await Promise.all(waits)),
      await failure(listener.accept(), ScriptError),
    ]) {
      expect(error.message).to.include("a client to connect, and the listener was closed");
    }
  });

  it("without a password in its words", async () => {
    come(encodeMethod(0, "connection.start-ok", { response: "\0guest\0secret" }));
    come(encodeMethod(0, "connection.update-secret", { newSecret: "secret", reason: "r" }));
    peer.send("connection.secure-ok", { response: "secret" });
    for (let i = 0; i < 2; i++) {
      const { message } = await failure(peer.expect("channel.open"), ScriptError);
      expect(message)
        .to.match(/<\d+ octets>/)
        .and.not.include("secret\\")
        .and.not.match(/: "secret/);
    }
  });

  it("with a transcript that tells the last of very many things, not all", async () => {
    const body = encodeBody(1, "x".repeat(50_000));
    for (let i = 0; i < 1000; i++) peer.sendOctets(body);
    const lines = peer.transcript.split("\n");
    expect(lines.length).to.be.within(200, 500);
    expect(lines[0]).to.match(/\((\d+) lines before\)/);
    expect(lines.at(-1)).to.match(/body frame of 50000 octets "x+…"$/);
  });
});
