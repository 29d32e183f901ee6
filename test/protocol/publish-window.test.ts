import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { AbortError, ChannelClosedError, TimeoutError, UsageError } from "../../src/errors.ts";
import type { ChannelMachine } from "../../src/protocol/channel.ts";
import type { PublishWindow, RoomWaiter } from "../../src/protocol/publish-window.ts";
import {
  type Conversation,
  call,
  confirmOf,
  DECLARE,
  DECLARE_OK,
  endings,
  noExchange,
  opened,
  publication,
  type TestPublication,
} from "./support.ts";

const BLOCKED = { name: "connection.blocked", reason: "low on memory" } as const;
const UNBLOCKED = { name: "connection.unblocked" } as const;

function windowed(limits: Parameters<Conversation["window"]>[0] = {}): {
  talk: Conversation;
  window: PublishWindow;
  channel: ChannelMachine;
  /** Submits messages with these bodies. */
  submit(...bodies: readonly string[]): TestPublication[];
} {
  const talk = opened();
  const [window, channel] = talk.window(limits);
  const submit = (...bodies: readonly string[]): TestPublication[] =>
    bodies.map((body) => {
      const one = publication({ body });
      window.submit(one);
      return one;
    });
  return { talk, window, channel, submit };
}

/** The bodies that the client sent since the last look. */
function bodies(talk: Conversation): string[] {
  return talk
    .take()
    .flatMap((frame) => ("body" in frame ? [new TextDecoder().decode(frame.body)] : []));
}

interface TestWaiter extends RoomWaiter {
  readonly told: string[];
}

function waiter(): TestWaiter {
  const told: string[] = [];
  return { told, resolve: () => told.push("room"), reject: ({ name }) => told.push(name) };
}

describe("PublishWindow", () => {
  it("publishes at once while there is room", () => {
    const { talk, window, submit } = windowed();
    const all = submit("a", "b");
    expect(all.map(({ deliveryTag }) => deliveryTag)).to.deep.equal([1, 2]);
    expect(bodies(talk)).to.deep.equal(["a", "b"]);
    expect([window.queued, window.hasRoom]).to.deep.equal([0, true]);
  });

  it("keeps the order of those that wait, and goes on as confirms come", () => {
    const { talk, window, submit } = windowed({ maxUnconfirmed: 2 });
    const all = submit("a", "b", "c", "d", "e");
    expect(bodies(talk)).to.deep.equal(["a", "b"]);
    expect([window.queued, window.hasRoom]).to.deep.equal([3, false]);
    talk.say(1, confirmOf("ack", 2));
    expect(bodies(talk)).to.deep.equal(["c"]);
    talk.say(1, confirmOf("nack", 3, true));
    expect(bodies(talk)).to.deep.equal(["d", "e"]);
    expect(window.queued).to.equal(0);
    talk.say(1, confirmOf("ack", 5, true));
    expect(endings(all)).to.deep.equal(["nacked", "confirmed", "nacked", "confirmed", "confirmed"]);
    expect(all.map(({ deliveryTag }) => deliveryTag)).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it("lets none overtake those that wait", () => {
    const { talk, submit } = windowed();
    talk.say(0, BLOCKED);
    submit("a");
    talk.say(0, UNBLOCKED);
    submit("b");
    talk.say(0, BLOCKED);
    submit("c");
    expect(bodies(talk)).to.deep.equal(["a", "b"]);
  });

  it("waits while the peer has paused the channel, and no other channel", () => {
    const { talk, submit } = windowed();
    const [other] = talk.window();
    talk.say(1, { name: "channel.flow", active: false });
    submit("a");
    other.submit(publication({ body: "b" }));
    expect(bodies(talk)).to.deep.equal(["b"]);
    talk.say(1, { name: "channel.flow", active: true });
    expect(bodies(talk)).to.deep.equal(["a"]);
  });

  it("takes maxQueued messages and tells the next one `unsent`", () => {
    const { talk, window, submit } = windowed({ maxUnconfirmed: 1, maxQueued: 2 });
    const all = submit("a", "b", "c", "d", "e");
    expect(endings(all)).to.deep.equal(["open", "open", "open", "unsent", "unsent"]);
    expect(all[3]?.error.message).to.contain("maxQueued");
    expect(all[3]?.error.cause).to.be.instanceOf(UsageError);
    expect(all[3]?.error.deliveryTag).to.equal(0);
    talk.takeOctets();
    talk.say(1, confirmOf("ack", 1));
    expect(endings(submit("f"))).to.deep.equal(["open"]);
    expect(window.queued).to.equal(2);
  });

  it("takes maxQueuedBytes octets of bodies, counted as UTF-8", () => {
    const { talk, submit } = windowed({ maxUnconfirmed: 1, maxQueuedBytes: 5 });
    const all = submit("large as it likes", "éé", "é", "x", "");
    expect(endings(all)).to.deep.equal(["open", "open", "unsent", "open", "open"]);
    expect(all[2]?.error.message).to.contain("maxQueuedBytes");
    talk.takeOctets();
    talk.say(1, confirmOf("ack", 1));
    expect(endings(submit("1234", "5"))).to.deep.equal(["open", "unsent"]);
  });

  it("may take none at all", () => {
    const { submit } = windowed({ maxUnconfirmed: 1, maxQueued: 0 });
    expect(endings(submit("a", "b"))).to.deep.equal(["open", "unsent"]);
  });

  it("raises for what cannot be encoded, whether it would wait or not", () => {
    const { talk, window, submit } = windowed({ maxUnconfirmed: 1 });
    const bad = (): TestPublication => publication({ routingKey: "x".repeat(256) });
    expect(() => window.submit(bad())).to.throw(UsageError);
    submit("a");
    const waiting = bad();
    expect(() => window.submit(waiting)).to.throw(UsageError);
    expect([window.queued, waiting.ending]).to.deep.equal([0, "open"]);
    submit("b");
    expect(bodies(talk)).to.deep.equal(["a"]);
    talk.say(1, confirmOf("ack", 1));
    expect(bodies(talk)).to.deep.equal(["b"]);
  });

  it("tells only the one that its owner has made impossible while it waited", () => {
    const { talk, submit } = windowed({ maxUnconfirmed: 1 });
    const all = submit("a", "b", "c");
    (all[1] as TestPublication).properties = { type: "x".repeat(256) };
    talk.takeOctets();
    talk.say(1, confirmOf("ack", 1));
    expect(endings(all)).to.deep.equal(["confirmed", "UsageError", "open"]);
    expect(bodies(talk)).to.deep.equal(["c"]);
    expect(all[2]?.deliveryTag).to.equal(2);
  });

  it("measures a publication whose message was let go as an empty one", () => {
    const { talk, window, submit } = windowed({ maxUnconfirmed: 1 });
    submit("a");
    const one = publication();
    one.releaseMessage();
    window.submit(one);
    talk.takeOctets();
    talk.say(1, confirmOf("ack", 1));
    expect(talk.taken()).to.deep.equal(["1 basic.publish", "1 header"]);
  });

  describe("release", () => {
    it("withdraws what waits: unsent, no tag, and its place is free", () => {
      const { talk, window, submit } = windowed({
        maxUnconfirmed: 1,
        maxQueued: 2,
        maxQueuedBytes: 5,
      });
      const all = submit("a", "bbb", "cc");
      const why = new TimeoutError("late");
      window.release(all[1] as TestPublication, why);
      window.release(all[1] as TestPublication, why);
      expect(endings(all)).to.deep.equal(["open", "unsent", "open"]);
      expect(all[1]?.error).to.include({ cause: why, deliveryTag: 0 });
      expect([all[1]?.body, window.queued]).to.deep.equal([undefined, 1]);
      const [late] = submit("ddd");
      talk.takeOctets();
      talk.say(1, confirmOf("ack", 1));
      expect(bodies(talk)).to.deep.equal(["cc"]);
      talk.say(1, confirmOf("ack", 2));
      expect(bodies(talk)).to.deep.equal(["ddd"]);
      expect(late?.deliveryTag).to.equal(3);
    });

    it("tells what was sent `unknown`; its tag stays open and its place taken", () => {
      const { talk, window, channel, submit } = windowed({ maxUnconfirmed: 1 });
      const all = submit("a", "b");
      talk.takeOctets();
      const why = new AbortError("enough");
      window.release(all[0] as TestPublication, why);
      expect(endings(all)).to.deep.equal(["unknown", "open"]);
      expect(all[0]?.error).to.include({ cause: why, deliveryTag: 1 });
      expect(channel.ledger.open).to.equal(1);
      expect(bodies(talk)).to.deep.equal([]);
      talk.say(1, confirmOf("ack", 1));
      expect(bodies(talk)).to.deep.equal(["b"]);
      expect(endings(all)).to.deep.equal(["unknown", "open"]);
    });

    it("lets go of all that was withdrawn, also while the broker takes nothing", async () => {
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      const { talk, window, submit } = windowed({ maxQueued: 2 });
      talk.say(0, BLOCKED);
      const [front] = submit("front");
      const withdrawn = Array.from({ length: 5000 }, () => {
        const [one] = submit("x") as [TestPublication];
        window.release(one, new AbortError("enough"));
        return new WeakRef(one);
      });
      await new Promise((resolve) => setImmediate(resolve));
      collect();
      const held = withdrawn.filter((each) => each.deref() !== undefined).length;
      expect(held).to.be.below(2500);
      talk.say(0, UNBLOCKED);
      expect(bodies(talk)).to.deep.equal(["front"]);
      expect([front?.deliveryTag, window.queued]).to.deep.equal([1, 0]);
    });
  });

  it("holds no body that it has measured and let go", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const { window } = windowed({ maxUnconfirmed: 1, maxQueuedBytes: 1e6 });
    window.submit(publication());
    const bodies = Array.from({ length: 20 }, () => {
      const body = new Uint8Array(20_000);
      const one = publication({ body });
      window.submit(one);
      window.release(one, new AbortError("enough"));
      return new WeakRef(body);
    });
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(bodies.filter((each) => each.deref() !== undefined).length).to.be.below(3);
  });

  describe("whenRoom", () => {
    it("tells at once where there is room", () => {
      const { window } = windowed();
      const one = waiter();
      window.whenRoom(one);
      expect(one.told).to.deep.equal(["room"]);
    });

    it("tells when nothing waits and the window has room", () => {
      const { talk, window, submit } = windowed({ maxUnconfirmed: 1 });
      submit("a", "b");
      const [one, forgotten] = [waiter(), waiter()];
      window.whenRoom(one);
      window.whenRoom(forgotten);
      window.forgetWaiter(forgotten);
      talk.takeOctets();
      talk.say(1, confirmOf("ack", 1));
      talk.takeOctets();
      expect(one.told).to.deep.equal([]);
      talk.say(1, confirmOf("ack", 2));
      expect([one.told, forgotten.told]).to.deep.equal([["room"], []]);
      talk.say(0, BLOCKED, UNBLOCKED);
      expect(one.told).to.deep.equal(["room"]);
    });

    it("tells nobody between two bursts of those that wait", () => {
      const { talk, window, submit } = windowed({ maxQueued: 100, maxUnconfirmed: 1000 });
      talk.say(0, BLOCKED);
      submit(...Array(100).fill("x"));
      const queued: number[] = [];
      window.whenRoom({ resolve: () => queued.push(window.queued), reject: () => {} });
      talk.say(0, UNBLOCKED);
      expect(queued).to.deep.equal([0]);
    });

    it("tells when the connection takes publishes again", () => {
      const { talk, window } = windowed();
      talk.say(0, BLOCKED);
      const one = waiter();
      window.whenRoom(one);
      expect(one.told).to.deep.equal([]);
      talk.say(0, UNBLOCKED);
      expect(one.told).to.deep.equal(["room"]);
    });

    it("rejects when the channel is closed, or was", () => {
      const { talk, window, submit } = windowed({ maxUnconfirmed: 1 });
      submit("a");
      const [one, late] = [waiter(), waiter()];
      window.whenRoom(one);
      talk.say(1, noExchange("x"));
      window.whenRoom(late);
      expect([one.told, late.told]).to.deep.equal([["ChannelClosedError"], ["ChannelClosedError"]]);
    });
  });

  describe("when the channel closes", () => {
    it("tells what waits, and what comes later, `unsent`", () => {
      const { talk, window, submit } = windowed({ maxUnconfirmed: 2 });
      const all = submit("a", "b", "c", "d");
      window.release(all[2] as TestPublication, new TimeoutError("late"));
      talk.takeOctets();
      talk.say(1, noExchange("x"));
      all.push(...submit("e"));
      expect(endings(all)).to.deep.equal(["unknown", "unknown", "unsent", "unsent", "unsent"]);
      expect(all[3]?.error.cause).to.be.instanceOf(ChannelClosedError);
      expect(window.queued).to.equal(0);
      expect(talk.taken()).to.deep.equal(["1 channel.close-ok"]);
    });

    it("sends nothing more once we asked for it, also while a call delays channel.close", () => {
      const { talk, channel, submit } = windowed({ maxUnconfirmed: 1 });
      const all = submit("a", "b");
      channel.call(call(DECLARE));
      channel.close(call({ name: "channel.open" }));
      talk.takeOctets();
      talk.say(1, confirmOf("ack", 1));
      expect(bodies(talk)).to.deep.equal([]);
      expect(endings(all)).to.deep.equal(["confirmed", "open"]);
      talk.say(1, DECLARE_OK, { name: "channel.close-ok" });
      expect(endings([...all, ...submit("c")])).to.deep.equal(["confirmed", "unsent", "unsent"]);
    });

    it("tells all when the connection is lost: in the window unsent, in the socket unknown", () => {
      const { talk, submit } = windowed({ maxUnconfirmed: 2 });
      const written = submit("a");
      talk.takeOctets();
      const all = [...written, ...submit("b", "c")];
      talk.end();
      expect(endings(all)).to.deep.equal(["unknown", "unsent", "unsent"]);
    });
  });
});
