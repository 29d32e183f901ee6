import { expect } from "chai";
import fc from "fast-check";
import {
  type AmqpError,
  ConnectionClosedError,
  ConnectionLostError,
  ProtocolError,
  TimeoutError,
  UsageError,
} from "../../src/errors.ts";
import {
  CONNECTION_TRANSITIONS,
  type ConnectionState,
} from "../../src/protocol/connection-states.ts";
import { LAST_LOOK_MS } from "../../src/protocol/heartbeat.ts";
import type { ConnectionSettings } from "../../src/protocol/negotiation.ts";
import { PublishDeadline } from "../../src/protocol/publish-deadline.ts";
import type { ClientMethod } from "../../src/wire/generated/methods.ts";
import { encodeText } from "../../src/wire/text.ts";
import { chop } from "../support/arbitraries.ts";
import { concat, hex } from "../wire/octets.ts";
import {
  anyArguments,
  CLIENT_ONLY_METHODS,
  Conversation,
  call,
  confirmOf,
  contentFrames,
  contentPieces,
  DECLARE,
  DECLARE_OK,
  endings,
  heartbeatFrame,
  methodFrame,
  noExchange,
  opened,
  publication,
  rawFrame,
  SERVER_METHODS,
  SETTINGS,
  START,
  serverClose,
  TUNE,
} from "./support.ts";

const OPEN_OK = { name: "connection.open-ok" } as const;
const CLOSE_OK = { name: "connection.close-ok" } as const;
const BLOCKED = { name: "connection.blocked", reason: "low on memory" } as const;
const UNBLOCKED = { name: "connection.unblocked" } as const;
const UPDATE_SECRET: ClientMethod = {
  name: "connection.update-secret",
  newSecret: encodeText("token"),
  reason: "",
};
const SHUTDOWN = serverClose("connection.close", 320, "CONNECTION_FORCED - shutdown");
const RESPONSE = encodeText("\0user\0secret");
const NOBODY = { resolve: () => {}, reject: () => {} };

/** A conversation whose connection is in a state. */
function inState(state: ConnectionState): Conversation {
  const talk = new Conversation();
  if (state === "greeting") talk.takeOctets();
  if (state === "authenticating") talk.start();
  if (state === "authenticated") talk.authenticate();
  if (state === "opening") talk.tune();
  if (state === "open" || state === "closing") talk.open();
  if (state === "closing") talk.machine.close();
  if (state === "closed") talk.machine.destroy();
  talk.takeOctets();
  if (talk.machine.state !== state) throw new Error(`it is ${talk.machine.state}`);
  return talk;
}

function heartbeats(heartbeatSeconds: number): Partial<ConnectionSettings> {
  return { proposal: { ...SETTINGS.proposal, heartbeatSeconds } };
}

/** Checks that the server broke a rule, and that it was told so. */
function violated(talk: Conversation, replyCode: number): void {
  expect(talk.closed).to.be.instanceOf(ProtocolError).with.property("replyCode", replyCode);
  const methods = talk.takeMethods();
  expect(methods).to.have.length(1);
  expect(methods[0]).to.include({ name: "connection.close", replyCode, classId: 0, methodId: 0 });
}

describe("ConnectionMachine", () => {
  describe("handshake", () => {
    it("opens a connection, octet by octet or in any other pieces", () => {
      const cuts = fc.array(fc.nat(), { maxLength: 20 });
      fc.assert(
        fc.property(fc.oneof(cuts, fc.constant(Array.from({ length: 300 }, (_, i) => i))), (at) => {
          const talk = new Conversation();
          const say = (...octets: readonly Uint8Array[]): void => {
            for (const piece of chop(concat(...octets), at)) talk.receive(piece);
          };
          expect(talk.takeOctets()).to.deep.equal(encodeText("AMQP\0\0\x09\x01"));
          say(methodFrame(0, START));
          expect(talk.events).to.deep.equal([{ type: "challenge", challenge: undefined }]);
          expect(talk.machine.serverProperties).to.deep.equal({ product: "a test" });
          expect(talk.machine.mechanisms).to.deep.equal(["PLAIN", "AMQPLAIN"]);
          expect(talk.machine.hasOutput).to.equal(false);

          talk.machine.respond(RESPONSE);
          const { mechanism, clientProperties, locale } = SETTINGS;
          const startOk = { name: "connection.start-ok", clientProperties, mechanism } as const;
          expect(talk.takeMethods()).to.deep.equal([{ ...startOk, response: RESPONSE, locale }]);

          say(methodFrame(0, { ...TUNE, channelMax: 9, frameMax: 0 }));
          expect(talk.takeMethods()).to.deep.equal([
            { name: "connection.tune-ok", channelMax: 9, frameMax: 131_072, heartbeat: 0 },
            { name: "connection.open", virtualHost: "/" },
          ]);
          expect(talk.machine.tuning).to.deep.equal({
            channelMax: 9,
            frameMax: 131_072,
            heartbeatSeconds: 0,
          });
          expect(talk.machine.canPublish).to.equal(false);

          say(methodFrame(0, OPEN_OK));
          expect(talk.events.slice(1)).to.deep.equal([{ type: "open" }]);
          expect([talk.machine.state, talk.machine.canPublish]).to.deep.equal(["open", true]);
          expect(talk.machine.hasOutput).to.equal(false);
        }),
        { numRuns: 20 },
      );
    });

    it("tells what has come of the frame that is under way, until it is closed", () => {
      const talk = new Conversation();
      const start = methodFrame(0, START);
      talk.receive(start.slice(0, 9));
      expect(talk.machine.unfinishedFrame).to.deep.equal(start.slice(0, 9));
      talk.receive(start.slice(9));
      expect(talk.machine.unfinishedFrame).to.have.length(0);
      talk.receive(start.slice(0, 3));
      talk.machine.destroy();
      expect(talk.machine.unfinishedFrame).to.have.length(0);
    });

    it("answers challenges as often as the server asks", () => {
      const talk = new Conversation().authenticate();
      talk.takeOctets();
      const challenge = encodeText("and your aunt?");
      talk.say(0, { name: "connection.secure", challenge });
      expect(talk.events.at(-1)).to.deep.equal({ type: "challenge", challenge });
      const response = encodeText("my aunt is well");
      talk.machine.respond(response);
      expect(talk.takeMethods()).to.deep.equal([{ name: "connection.secure-ok", response }]);
      talk.say(0, { name: "connection.secure", challenge });
      talk.machine.respond(response);
      expect(talk.takeMethods()).to.deep.equal([{ name: "connection.secure-ok", response }]);
      talk.say(0, TUNE, OPEN_OK);
      expect(talk.machine.state).to.equal("open");
    });

    it("takes a response only where it was asked for one", () => {
      for (const state of ["greeting", "authenticated", "open", "closed"] as const) {
        const talk = inState(state);
        talk.machine.respond(RESPONSE);
        expect([talk.machine.state, talk.machine.hasOutput]).to.deep.equal([state, false]);
      }
    });

    it("raises for a response that cannot be encoded, and may be given another", () => {
      const talk = inState("authenticating");
      expect(() => talk.machine.respond(new Uint8Array(200_000))).to.throw(UsageError);
      expect([talk.machine.state, talk.machine.hasOutput]).to.deep.equal(["authenticating", false]);
      talk.machine.respond(RESPONSE);
      expect(talk.taken()).to.deep.equal(["0 connection.start-ok"]);
    });

    it("opens no channel, makes no call, and does not close before it is open", () => {
      for (const state of ["greeting", "authenticating", "authenticated", "opening"] as const) {
        const { machine } = inState(state);
        expect(() => machine.openChannel(NOBODY)).to.throw(UsageError, "not open yet");
        const asked = call(UPDATE_SECRET);
        machine.call(asked);
        expect(asked.ending).to.equal("UsageError");
        machine.close();
        expect([machine.state, machine.hasOutput]).to.deep.equal([state, false]);
      }
    });

    it("holds the peer to the frame-max that was negotiated, in the same piece already", () => {
      const large = methodFrame(0, { ...BLOCKED, reason: "x" });
      const talk = inState("authenticated");
      const body = rawFrame(1, 0, new Uint8Array(4096));
      talk.receive(
        methodFrame(0, { ...TUNE, frameMax: 4096 }),
        methodFrame(0, OPEN_OK),
        large,
        body,
      );
      expect(talk.machine.tuning.frameMax).to.equal(4096);
      expect(talk.events.map(({ type }) => type).slice(-2)).to.deep.equal(["blocked", "closed"]);
      violated(talk, 501);
    });

    it("splits what it sends to the frame-max that was negotiated", () => {
      const talk = new Conversation().open({ frameMax: 4096 });
      const channel = talk.confirmChannel();
      channel.publish(publication({ body: "x".repeat(10_000) }));
      const sizes = talk.take().map(({ size }) => size);
      expect(Math.max(...sizes)).to.equal(4096);
      expect(sizes.slice(2)).to.deep.equal([4096, 4096, 10_000 - 2 * 4088 + 8]);
      expect(() => channel.publish(publication({ headers: { a: "x".repeat(4096) } }))).to.throw(
        UsageError,
      );
    });

    it("ends where the server's tuning is impossible", () => {
      const talk = inState("authenticated");
      talk.say(0, { ...TUNE, frameMax: 100 });
      expect(talk.closed).to.have.property("phase", "tuning");
      violated(talk, 502);
    });

    it("ends where the vhost cannot be encoded", () => {
      const talk = new Conversation({ vhost: "x".repeat(256) }).authenticate();
      talk.takeOctets();
      talk.say(0, TUNE);
      violated(talk, 541);
    });
  });

  describe("a peer that is no AMQP 0-9-1 server", () => {
    const strangers: readonly (readonly [who: string, octets: Uint8Array, says: string])[] = [
      ["a web server", encodeText("HTTP/1.1 400 Bad Request\r\n\r\n"), "web server"],
      ["a TLS server", hex("15 0303 0002 0246"), "TLS"],
      ["an AMQP 1.0 broker", encodeText("AMQP\0\x01\0\0"), '"AMQP" 0 1 0 0'],
      ["RabbitMQ, to garbage", encodeText("AMQP\x03\x01\0\0"), '"AMQP" 3 1 0 0'],
      ["a broker that wants 0-9-1", encodeText("AMQP\0\0\x09\x01"), '"AMQP" 0 0 9 1'],
      ["an SSH server", encodeText("SSH-2.0-OpenSSH_9.2p1\r\n"), "SSH-2.0"],
    ];
    for (const [who, octets, says] of strangers) {
      it(`is refused without an answer: ${who}`, () => {
        const talk = inState("greeting");
        talk.receive(octets);
        const error = talk.closed as ProtocolError;
        expect(error).to.be.instanceOf(ProtocolError).and.include({
          phase: "handshake",
          replyCode: 501,
        });
        expect(`${error.message} ${error.got}`).to.contain(says);
        expect(talk.machine.hasOutput).to.equal(false);
      });

      it(`is refused octet by octet as well: ${who}`, () => {
        const talk = inState("greeting");
        for (const octet of octets) talk.receive(Uint8Array.of(octet));
        expect(talk.closed).to.be.instanceOf(ProtocolError).with.property("phase", "handshake");
        expect(talk.events).to.have.length(1);
        expect(talk.machine.hasOutput).to.equal(false);
      });
    }

    it("or begins with a frame for a channel", () => {
      const talk = inState("greeting");
      talk.say(3, DECLARE_OK);
      expect(talk.closed).to.include({ phase: "handshake", replyCode: 504 });
      expect(talk.machine.hasOutput).to.equal(false);
    });
  });

  describe("every state and every method", () => {
    for (const state of Object.keys(CONNECTION_TRANSITIONS) as ConnectionState[]) {
      it(`is a transition or a protocol error while ${state}`, () => {
        for (const name of [...SERVER_METHODS, ...CLIENT_ONLY_METHODS]) {
          const talk = inState(state);
          if (state === "open" && name === "connection.update-secret-ok") {
            talk.machine.call(call(UPDATE_SECRET));
            talk.takeOctets();
          }
          const next = CONNECTION_TRANSITIONS[state][name as "connection.start"];
          talk.say(0, anyArguments(name));
          const what = `${state}, ${name}`;
          if (state === "closed") {
            expect(talk.machine.state, what).to.equal("closed");
            expect(talk.machine.hasOutput, what).to.equal(false);
          } else if (state === "closing" && name === "connection.update-secret-ok") {
            expect(talk.closed, what).to.have.property("replyCode", 503);
          } else if (next !== undefined) {
            expect(talk.machine.state, what).to.equal(next);
            expect(talk.closed, what).not.to.be.instanceOf(ProtocolError);
          } else {
            expect(talk.closed, what).to.be.instanceOf(ProtocolError);
            expect(talk.closed, what).to.have.property("replyCode", 503);
            const mayAnswer = state !== "greeting" && state !== "closing";
            expect(talk.taken(), what).to.deep.equal(mayAnswer ? ["0 connection.close"] : []);
          }
        }
      });
    }
  });

  describe("endings of the handshake", () => {
    const phases = [
      ["greeting", "handshake"],
      ["authenticating", "authentication"],
      ["authenticated", "authentication"],
      ["opening", "open"],
    ] as const;

    for (const [state, phase] of phases) {
      it(`name the phase while ${state}`, () => {
        const endings: readonly ((talk: Conversation) => void)[] = [
          (talk) => talk.end(),
          (talk) => talk.end(new Error("read ECONNRESET")),
          (talk) => talk.say(0, SHUTDOWN),
          (talk) => talk.machine.destroy(new Error("enough")),
          (talk) => talk.receive(rawFrame(1, 0, hex("ffff ffff"))),
        ];
        for (const end of endings) {
          const talk = inState(state);
          end(talk);
          talk.takeOctets();
          const error = talk.closed as AmqpError;
          expect(error).to.be.instanceOf(Error).with.property("phase", phase);
          expect(talk.machine.state).to.equal("closed");
        }
      });
    }

    it("have no phase once the connection is open", () => {
      const talk = opened();
      talk.end(new Error("read ECONNRESET"));
      const error = talk.closed as AmqpError;
      expect(error).to.be.instanceOf(ConnectionLostError);
      expect(error.phase).to.equal(undefined);
      expect(error.message).to.equal("the connection was lost: read ECONNRESET");
      expect(error.cause).to.be.an("error").with.property("message", "read ECONNRESET");
    });

    it("a login that is refused with a close", () => {
      const talk = inState("authenticated");
      const text = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN";
      talk.say(0, serverClose("connection.close", 403, text));
      expect(talk.closed).to.be.instanceOf(ConnectionClosedError).and.include({
        phase: "authentication",
        replyCode: 403,
        replyText: text,
        method: undefined,
      });
      expect(talk.taken()).to.deep.equal(["0 connection.close-ok"]);
    });

    it("a login that is refused by dropping the socket", () => {
      const talk = inState("authenticated");
      talk.end();
      const error = talk.closed as AmqpError;
      expect(error).to.be.instanceOf(ConnectionLostError);
      expect(error.message).to.match(/phase authentication.*check user name and password/);
      const other = inState("authenticated");
      other.end(new Error("read ECONNRESET"));
      expect((other.closed as AmqpError).message).to.match(/phase authentication: read ECONNRESET/);
    });

    it("a server that hangs up at our greeting", () => {
      const talk = inState("greeting");
      talk.end();
      expect((talk.closed as AmqpError).message).to.match(/in phase handshake; .*TLS.*amqps/);
    });

    it("a vhost that is refused", () => {
      const talk = inState("opening");
      const text = "NOT_ALLOWED - vhost other not found";
      talk.say(0, serverClose("connection.close", 530, text, "connection.open"));
      expect(talk.closed).to.be.instanceOf(ConnectionClosedError).and.include({
        phase: "open",
        replyCode: 530,
        method: "connection.open",
      });
    });

    it("show no secret", () => {
      const talk = inState("authenticated");
      talk.end();
      expect(JSON.stringify([talk.events, `${talk.closed}`])).not.to.contain("secret");
    });
  });

  describe("calls on channel 0", () => {
    it("go out in order", () => {
      const talk = opened();
      const asked = [call(UPDATE_SECRET), call(UPDATE_SECRET)];
      for (const each of asked) talk.machine.call(each);
      expect(talk.taken()).to.deep.equal(["0 connection.update-secret"]);
      talk.say(0, { name: "connection.update-secret-ok" });
      expect(talk.taken()).to.deep.equal(["0 connection.update-secret"]);
      expect(asked.map(({ ending }) => ending)).to.deep.equal([
        "connection.update-secret-ok",
        "open",
      ]);
      talk.end();
      expect(asked[1]?.ending).to.equal("ConnectionLostError");
    });

    it("are not sent behind connection.close, whatever is answered then", () => {
      const talk = opened();
      const asked = [call(UPDATE_SECRET), call(UPDATE_SECRET)];
      for (const each of asked) talk.machine.call(each);
      talk.machine.close();
      talk.take();
      talk.say(0, { name: "connection.update-secret-ok" });
      expect(talk.taken()).to.deep.equal([]);
      expect(asked[1]?.ending).to.equal("ConnectionClosedError");
    });

    it("that nobody made cannot be answered: 503", () => {
      const talk = opened();
      talk.say(0, { name: "connection.update-secret-ok" });
      violated(talk, 503);
    });
  });

  describe("blocked", () => {
    it("tells, and keeps publishes back until it is over", () => {
      const talk = opened();
      const [window] = talk.window();
      talk.say(0, BLOCKED);
      expect(talk.events.at(-1)).to.deep.equal({ type: "blocked", reason: "low on memory" });
      expect(talk.machine.blockedReason).to.equal("low on memory");
      expect(talk.machine.canPublish).to.equal(false);
      const one = publication();
      window.submit(one);
      expect(talk.taken()).to.deep.equal([]);
      talk.say(0, UNBLOCKED);
      expect(talk.events.at(-1)).to.deep.equal({ type: "unblocked" });
      expect(talk.machine.blockedReason).to.equal(undefined);
      expect(talk.taken()).to.deep.equal(["1 basic.publish", "1 header", "1 body"]);
    });

    it("without a reason is blocked all the same", () => {
      const talk = opened();
      talk.say(0, { ...BLOCKED, reason: "" });
      expect(talk.machine.canPublish).to.equal(false);
    });

    it("still takes what arrives", () => {
      const talk = opened();
      const all = talk.publish(talk.confirmChannel(), {});
      talk.say(0, BLOCKED);
      talk.say(1, confirmOf("ack", 1));
      expect(endings(all)).to.deep.equal(["confirmed"]);
    });
  });

  describe("heartbeats", () => {
    it("are sent after half the interval of silence on our side", () => {
      const talk = opened(heartbeats(10));
      const began = talk.now;
      const sent: unknown[] = [];
      talk.onWake = () => sent.push([talk.now - began, ...talk.taken()]);
      talk.pass(4999);
      expect(sent).to.deep.equal([]);
      talk.pass(12_000);
      expect(sent).to.deep.equal([5000, 10_000, 15_000].map((at) => [at, "0 heartbeat"]));
    });

    it("are not needed where anything else is sent", () => {
      const talk = opened(heartbeats(10));
      const channel = talk.channel();
      talk.pass(4000);
      channel.publish(publication());
      talk.takeOctets();
      talk.pass(4999);
      expect(talk.machine.hasOutput).to.equal(false);
      expect(talk.machine.nextTimeout()).to.equal(talk.now + 1);
    });

    it("are sent although a driver asks in vain for output", () => {
      const talk = opened(heartbeats(10));
      talk.pass(4000);
      expect(talk.takeOctets()).to.deep.equal(new Uint8Array(0));
      expect(talk.machine.nextTimeout()).to.equal(talk.now + 1000);
    });

    it("that do not come in two intervals end the connection, after one last look", () => {
      const talk = opened(heartbeats(10));
      const all = talk.publish(talk.confirmChannel(), {});
      talk.onWake = () => talk.takeOctets();
      talk.pass(20_000 + LAST_LOOK_MS - 1);
      expect(talk.machine.state).to.equal("open");
      talk.pass(1);
      expect(talk.closed)
        .to.be.instanceOf(ConnectionLostError)
        .with.property("message")
        .contains("20 seconds");
      expect(endings(all)).to.deep.equal(["unknown"]);
      expect(talk.machine.hasOutput).to.equal(false);
      expect(talk.machine.nextTimeout()).to.equal(undefined);
    });

    it("that come keep it, and so does any other traffic", () => {
      for (const octets of [
        heartbeatFrame(),
        methodFrame(0, BLOCKED),
        heartbeatFrame().subarray(0, 1),
      ]) {
        const talk = opened(heartbeats(10));
        talk.onWake = () => talk.takeOctets();
        talk.pass(20_000 + LAST_LOOK_MS - 1);
        talk.receive(octets);
        talk.pass(19_999);
        expect(talk.machine.state).to.equal("open");
        talk.pass(1 + LAST_LOOK_MS);
        expect(talk.machine.state).to.equal("closed");
      }
    });

    it("go on while the broker has blocked us, both ways", () => {
      const talk = opened(heartbeats(10));
      talk.say(0, BLOCKED);
      const sent: string[] = [];
      talk.onWake = () => sent.push(...talk.taken());
      talk.pass(25_000);
      expect(sent.slice(0, 3)).to.deep.equal(Array(3).fill("0 heartbeat"));
      expect(talk.closed).to.be.instanceOf(ConnectionLostError);
    });

    it("may be off", () => {
      const talk = opened(heartbeats(0));
      expect(talk.machine.nextTimeout()).to.equal(undefined);
      talk.machine.wake(talk.now + 1e9);
      expect(talk.machine.hasOutput).to.equal(false);
    });

    it("are watched beside the deadlines of publishes, whichever is next", () => {
      const talk = opened(heartbeats(10));
      const [window] = talk.window();
      const one = publication();
      window.submit(one);
      talk.machine.deadlines.add(new PublishDeadline(one, window, 100), 100, talk.now);
      talk.takeOctets();
      expect(talk.machine.nextTimeout()).to.equal(talk.now + 100);
      talk.pass(100);
      expect(one.ending).to.equal("unknown");
      expect(talk.machine.nextTimeout()).to.equal(talk.now + 4900);
    });
  });

  describe("loss", () => {
    it("settles everything: written is unknown, the rest is unsent", () => {
      const talk = opened();
      const [window, channel] = talk.window({ maxUnconfirmed: 3 });
      const other = talk.channel();
      const asked = [call(DECLARE), call(DECLARE), call(UPDATE_SECRET)];
      other.call(asked[0] as (typeof asked)[0]);
      other.call(asked[1] as (typeof asked)[0]);
      talk.machine.call(asked[2] as (typeof asked)[0]);
      const all = [1, 2].map(() => publication());
      for (const each of all) window.submit(each);
      talk.takeOctets();
      for (const late of [publication(), publication()]) {
        all.push(late);
        window.submit(late);
      }
      talk.end(new Error("read ECONNRESET"));
      expect(endings(all)).to.deep.equal(["unknown", "unknown", "unsent", "unsent"]);
      expect(asked.map(({ ending }) => ending)).to.deep.equal(Array(3).fill("ConnectionLostError"));
      expect(all[0]?.error.cause).to.equal(talk.closed);
      expect([channel.state, other.state]).to.deep.equal(["closed", "closed"]);
      expect(talk.channelEvents(channel)).to.deep.equal([{ type: "closed", error: talk.closed }]);
      expect(talk.machine.hasOutput).to.equal(false);
    });

    it("tells those once who were told by their channel before", () => {
      const talk = opened();
      const channel = talk.confirmChannel();
      const all = talk.publish(channel, {});
      talk.say(1, confirmOf("ack", 9));
      talk.end();
      expect(endings(all)).to.deep.equal(["unknown"]);
      expect(channel.closeError).to.be.instanceOf(ProtocolError);
      expect(channel.state).to.equal("closed");
      expect(talk.channelEvents(channel)).to.have.length(1);
    });

    it("happens once: what comes later changes nothing", () => {
      const talk = opened();
      const channel = talk.channel();
      talk.end();
      const error = talk.closed as AmqpError;
      talk.say(0, SHUTDOWN);
      talk.end(new Error("again"));
      talk.machine.wake(talk.now);
      talk.machine.flushed(0);
      talk.machine.close();
      talk.machine.destroy();
      talk.takeOctets();
      expect(talk.closed).to.equal(error);
      expect(talk.events.filter(({ type }) => type === "closed")).to.have.length(1);
      expect(() => talk.machine.openChannel(NOBODY)).to.throw(ConnectionLostError);
      expect(() => channel.publish(publication())).to.throw(ConnectionLostError);
      const asked = call(UPDATE_SECRET);
      talk.machine.call(asked);
      expect(asked.errors).to.deep.equal([error]);
      expect(talk.machine.nextTimeout()).to.equal(undefined);
    });

    it("may be our own doing", () => {
      const talk = opened();
      const all = talk.publish(talk.confirmChannel(), {});
      const cause = new Error("enough");
      talk.machine.destroy(cause);
      expect(talk.machine.hasOutput).to.equal(false);
      talk.takeOctets();
      expect(talk.closed).to.be.instanceOf(ConnectionLostError).and.include({ cause });
      expect((talk.closed as AmqpError).message).to.contain("destroyed: enough");
      expect(endings(all)).to.deep.equal(["unknown"]);
      const quiet = opened();
      quiet.machine.destroy();
      quiet.takeOctets();
      expect((quiet.closed as AmqpError).message).to.equal("the connection was destroyed");
    });
  });

  describe("closed by the server", () => {
    it("answers, and tells all: written is unknown, the rest is unsent", () => {
      const talk = opened();
      const channel = talk.confirmChannel();
      const all = talk.publish(channel, {}, {});
      all.push(publication());
      channel.publish(all[2] as (typeof all)[0]);
      talk.say(0, SHUTDOWN);
      expect(talk.closed).to.be.instanceOf(ConnectionClosedError).and.include({
        replyCode: 320,
        replyText: "CONNECTION_FORCED - shutdown",
        method: undefined,
      });
      expect(talk.taken()).to.deep.equal(["0 connection.close-ok"]);
      expect(endings(all)).to.deep.equal(["unknown", "unknown", "unsent"]);
      expect(all[0]?.error.cause).to.equal(talk.closed);
    });

    it("outranks the socket error that follows", () => {
      const talk = opened();
      talk.say(0, SHUTDOWN);
      talk.end(new Error("read ECONNRESET"));
      expect(talk.closed).to.be.instanceOf(ConnectionClosedError);
    });

    it("takes nothing of what follows in the same piece", () => {
      const talk = opened();
      const all = talk.publish(talk.confirmChannel(), {});
      talk.receive(methodFrame(0, SHUTDOWN), methodFrame(1, confirmOf("ack", 1)), hex("ffff"));
      expect(endings(all)).to.deep.equal(["unknown"]);
      expect(talk.closed).to.be.instanceOf(ConnectionClosedError);
    });

    it("says which method it was, where it is known", () => {
      for (const [classId, methodId, method] of [
        [60, 40, "basic.publish"],
        [99, 1, "unknown"],
        [0, 0, undefined],
      ] as const) {
        const talk = opened();
        talk.say(0, { ...SHUTDOWN, classId, methodId });
        expect((talk.closed as ConnectionClosedError).method).to.equal(method);
      }
    });

    it("with 540 refuses the only immediate publish", () => {
      const talk = opened();
      const [one, other] = [talk.confirmChannel(), talk.confirmChannel()];
      const mine = talk.publish(one, {}, { immediate: true }, {});
      const others = talk.publish(other, {}, { mandatory: true });
      const unsent = publication({ immediate: true });
      other.publish(unsent);
      const text = "NOT_IMPLEMENTED - immediate=true";
      talk.say(0, serverClose("connection.close", 540, text, "basic.publish"));
      expect(endings(mine)).to.deep.equal(["unknown", "refused", "unprocessed"]);
      expect(endings([...others, unsent])).to.deep.equal(["unknown", "unknown", "unsent"]);
      expect(mine[1]?.error.message).to.contain("540");
    });

    it("with 540 refuses none where another one may have been it that nobody counts", () => {
      const close = serverClose("connection.close", 540, "no", "basic.publish");
      const uncounted = opened();
      uncounted.channel().publish(publication({ immediate: true }));
      const all = uncounted.publish(uncounted.confirmChannel(), { immediate: true });
      uncounted.say(0, close);
      expect(endings(all)).to.deep.equal(["unknown"]);
      const abandoned = opened();
      const [left, kept] = [abandoned.confirmChannel(), abandoned.confirmChannel()];
      const told = abandoned.publish(left, { immediate: true });
      left.abandon(new TimeoutError("enough"));
      const open = abandoned.publish(kept, { immediate: true });
      abandoned.say(0, close);
      expect(endings([...told, ...open])).to.deep.equal(["unknown", "unknown"]);
    });

    it("with 540 refuses none of several", () => {
      const talk = opened();
      const all = talk.publish(talk.confirmChannel(), { immediate: true }, { immediate: true });
      talk.say(0, serverClose("connection.close", 540, "no", "basic.publish"));
      expect(endings(all)).to.deep.equal(["unknown", "unknown"]);
    });
  });

  describe("closed by us", () => {
    it("says goodbye; close-ok ends it, and nothing was wrong", () => {
      const talk = opened();
      const channel = talk.channel();
      talk.machine.close();
      talk.machine.close();
      expect(talk.takeMethods()).to.deep.equal([
        {
          name: "connection.close",
          replyCode: 200,
          replyText: "closed",
          classId: 0,
          methodId: 0,
        },
      ]);
      expect([talk.machine.state, talk.closed]).to.deep.equal(["closing", undefined]);
      talk.say(0, CLOSE_OK);
      expect(talk.closed).to.equal("by us");
      expect(talk.channelEvents(channel)).to.deep.equal([{ type: "closed", error: undefined }]);
      expect(talk.machine.hasOutput).to.equal(false);
      expect(() => talk.machine.openChannel(NOBODY)).to.throw(ConnectionClosedError);
    });

    it("counts confirms up to close-ok; what is left is unknown, what waits unsent", () => {
      const talk = opened();
      const [window, channel] = talk.window({ maxUnconfirmed: 2 });
      const all = talk.publish(channel, {}, {});
      talk.machine.close();
      talk.takeOctets();
      const late = publication();
      window.submit(late);
      talk.say(1, confirmOf("ack", 1));
      expect(endings(all)).to.deep.equal(["confirmed", "open"]);
      talk.say(0, BLOCKED, UNBLOCKED, CLOSE_OK);
      expect(endings([...all, late])).to.deep.equal(["confirmed", "unknown", "unsent"]);
      expect(all[1]?.error.cause)
        .to.be.instanceOf(ConnectionClosedError)
        .with.property("replyCode", 200);
    });

    it("takes a lost connection for an answer", () => {
      const talk = opened();
      const all = talk.publish(talk.confirmChannel(), {});
      talk.machine.close();
      talk.takeOctets();
      talk.end(new Error("read ECONNRESET"));
      expect(talk.closed).to.equal("by us");
      expect(endings(all)).to.deep.equal(["unknown"]);
    });

    it("while the server closes: both answer", () => {
      const talk = opened();
      talk.machine.close();
      talk.takeOctets();
      talk.say(0, SHUTDOWN);
      expect(talk.machine.state).to.equal("closing");
      expect(talk.taken()).to.deep.equal(["0 connection.close-ok"]);
      talk.say(0, CLOSE_OK);
      expect(talk.closed).to.equal("by us");
      expect(talk.taken()).to.deep.equal([]);
    });

    it("while the server closes, both in one piece: still answers", () => {
      const talk = opened();
      talk.machine.close();
      talk.takeOctets();
      talk.say(0, SHUTDOWN, CLOSE_OK);
      expect(talk.closed).to.equal("by us");
      expect(talk.taken()).to.deep.equal(["0 connection.close-ok"]);
    });

    it("sends nothing behind connection.close", () => {
      const talk = opened();
      const channels = [1, 2, 3].map(() => talk.confirmChannel());
      const [one, two, three] = channels as [(typeof channels)[0], ...typeof channels];
      for (const each of [call(DECLARE), call(DECLARE)]) one.call(each);
      const [window] = talk.window();
      talk.machine.close();
      talk.takeOctets();

      expect(() => one.publish(publication())).to.throw(ConnectionClosedError);
      expect(() => one.send({ name: "basic.ack", deliveryTag: 1, multiple: false })).to.throw(
        ConnectionClosedError,
      );
      expect(() => talk.machine.openChannel(NOBODY)).to.throw(ConnectionClosedError);
      for (const target of [one, talk.machine]) {
        const asked = call(UPDATE_SECRET);
        target.call(asked);
        expect(asked.ending).to.equal("ConnectionClosedError");
      }
      window.submit(publication());
      talk.say(1, DECLARE_OK, { name: "channel.flow", active: false });
      talk.say(1, confirmOf("ack", 9));
      two?.abandon(new UsageError("enough"));
      three?.close(NOBODY);
      expect(talk.taken()).to.deep.equal([]);
      talk.say(4, noExchange("x"));
      expect(talk.taken()).to.deep.equal([]);
      talk.receive(hex("ff"));
      expect(talk.closed).to.be.instanceOf(ProtocolError);
      expect(talk.taken()).to.deep.equal([]);
    });
  });

  describe("violations of the protocol", () => {
    const violations: readonly (readonly [what: string, replyCode: number, ...Uint8Array[]])[] = [
      ["a frame type that does not exist", 501, hex("04")],
      ["a frame over frame-max", 501, hex("01 0000 00020000")],
      ["a frame that ends wrong", 501, hex("08 0000 00000000 cf")],
      ["a heartbeat on a channel", 505, hex("08 0001 00000000 ce")],
      ["a heartbeat with a payload", 501, hex("08 0000 00000001 00 ce")],
      ["a content header on channel 0", 504, rawFrame(2, 0, new Uint8Array(14))],
      ["a body on channel 0", 504, rawFrame(3, 0, new Uint8Array(1))],
      ["a method that does not exist", 503, rawFrame(1, 0, hex("000a 00ff"))],
      ["a method of a client", 503, methodFrame(0, UPDATE_SECRET)],
      ["a method of a channel on channel 0", 503, methodFrame(0, DECLARE_OK)],
      ["a method with octets behind it", 501, rawFrame(1, 0, hex("000a 0033 00"))],
      ["a method that is cut off", 501, rawFrame(1, 0, hex("000a 003c 05"))],
      ["an empty method frame", 501, rawFrame(1, 0, hex(""))],
      ["a second connection.start", 503, methodFrame(0, START)],
      ["close-ok that nobody waits for", 503, methodFrame(0, CLOSE_OK)],
      ["a frame for a channel that is not open", 504, methodFrame(9, DECLARE_OK)],
      ["a reply that answers nothing", 503, methodFrame(1, DECLARE_OK)],
      ["a second channel.open-ok", 503, methodFrame(1, { name: "channel.open-ok" })],
    ];
    for (const [what, replyCode, ...octets] of violations) {
      it(`${replyCode}: ${what}`, () => {
        const talk = opened();
        const all = talk.publish(talk.confirmChannel(), {});
        talk.receive(...octets);
        violated(talk, replyCode);
        expect(endings(all)).to.deep.equal(["unknown"]);
        expect(all[0]?.error.cause).to.equal(talk.closed);
      });
    }

    it("541: a body that is too large for this machine, where there is no limit", () => {
      const talk = opened({ maxBodyBytes: Number.POSITIVE_INFINITY });
      talk.channel();
      const returned = { replyCode: 312, replyText: "", exchange: "", routingKey: "" };
      const [method] = contentPieces(1, { name: "basic.return", ...returned });
      const header = hex("003c 0000 001fffffffffffff 0000");
      talk.receive(method as Uint8Array, rawFrame(2, 1, header));
      violated(talk, 541);
    });

    it("sends a reason that fits in 255 octets", () => {
      const talk = opened();
      const asked = call({ name: "basic.get", queue: "q", noAck: true });
      talk.channel().call(asked);
      talk.takeOctets();
      talk.say(1, DECLARE_OK);
      const [close] = talk.takeMethods();
      expect(close).to.have.property("replyText", (talk.closed as AmqpError).message);
    });

    it("keep what was in the output from going out: it was told unsent", () => {
      const talk = opened();
      const channel = talk.confirmChannel();
      const one = publication({ body: "x".repeat(20_000) });
      channel.publish(one);
      talk.receive(hex("04"));
      violated(talk, 501);
      expect(one.ending).to.equal("unsent");
    });

    it("are refused before anything is kept of them", () => {
      const talk = opened();
      talk.channel();
      const returned = { replyCode: 312, replyText: "", exchange: "", routingKey: "" };
      const message = contentFrames(1, { name: "basic.return", ...returned }, "m");
      talk.receive(message, hex("03 0001 7fffffff"));
      violated(talk, 501);
    });
  });

  describe("output", () => {
    it("is counted until the socket has given it away", () => {
      const talk = opened();
      expect(talk.machine.pendingBytes).to.equal(0);
      const channel = talk.confirmChannel();
      channel.publish(publication());
      const waiting = talk.machine.pendingBytes;
      expect(waiting).to.be.above(30);
      talk.machine.takeOutput(talk.now);
      expect([talk.machine.pendingBytes, talk.machine.hasOutput]).to.deep.equal([waiting, false]);
      talk.machine.flushed(10);
      expect(talk.machine.pendingBytes).to.equal(10);
    });

    it("is one piece for small messages, and refers to large bodies", () => {
      const talk = opened();
      const channel = talk.confirmChannel();
      channel.publish(publication());
      channel.publish(publication());
      expect(talk.machine.takeOutput(talk.now)).to.have.length(1);
      const body = new Uint8Array(50_000);
      channel.publish(publication({ body }));
      const pieces = talk.machine.takeOutput(talk.now);
      expect(pieces.some((piece) => piece.buffer === body.buffer)).to.equal(true);
    });
  });
});
