import { expect } from "chai";
import { TimeoutError } from "../../src/errors.ts";
import { OUTPUT_HIGH_WATER } from "../../src/protocol/connection.ts";
import type { PublishWindow } from "../../src/protocol/publish-window.ts";
import {
  type Conversation,
  confirmOf,
  endings,
  noExchange,
  opened,
  publication,
  type TestPublication,
} from "./support.ts";

const BLOCKED = { name: "connection.blocked", reason: "low on disk" } as const;
const UNBLOCKED = { name: "connection.unblocked" } as const;
const LARGE = new Uint8Array(OUTPUT_HIGH_WATER / 2);
const HUGE_QUEUE = { maxQueuedBytes: 1e9, maxQueued: 1e6, maxUnconfirmed: 1e6 };

/** The channels whose publishes were sent since the last look. */
function turns(talk: Conversation): number[] {
  return talk
    .take()
    .flatMap((frame) =>
      "method" in frame && frame.method.name === "basic.publish" ? [frame.channel] : [],
    );
}

function submit(window: PublishWindow, count: number, body: Uint8Array | string = "m") {
  return Array.from({ length: count }, () => {
    const one = publication({ body });
    window.submit(one);
    return one;
  });
}

describe("PublishScheduler", () => {
  describe("room", () => {
    it("ends at the output's high water, and comes back as the socket drains", () => {
      const talk = opened();
      const [window] = talk.window(HUGE_QUEUE);
      const all = submit(window, 5, LARGE);
      expect(talk.machine.pendingBytes).to.be.within(OUTPUT_HIGH_WATER, 1.1 * OUTPUT_HIGH_WATER);
      expect(window.queued).to.equal(3);
      talk.machine.takeOutput(talk.now);
      expect(window.queued).to.equal(3);
      talk.machine.flushed(OUTPUT_HIGH_WATER);
      expect(window.queued).to.equal(3);
      talk.machine.flushed(OUTPUT_HIGH_WATER - 1);
      expect([window.queued, all[2]?.deliveryTag]).to.deep.equal([2, 3]);
      talk.machine.flushed(0);
      expect(window.queued).to.equal(1);
      talk.takeOctets();
      expect(window.queued).to.equal(0);
    });

    it("goes round in bursts, so that nobody starves", () => {
      const talk = opened();
      const windows = [1, 2, 3].map(() => talk.window(HUGE_QUEUE)[0]);
      talk.say(0, BLOCKED);
      for (const [i, window] of windows.entries()) submit(window, [200, 10, 100][i] as number);
      talk.say(0, UNBLOCKED);
      const order = turns(talk);
      const runs: [number, number][] = [];
      for (const channel of order) {
        const run = runs.at(-1);
        if (run?.[0] === channel) run[1]++;
        else runs.push([channel, 1]);
      }
      expect(runs).to.deep.equal([
        [1, 64],
        [2, 10],
        [3, 64],
        [1, 64],
        [3, 36],
        [1, 72],
      ]);
    });

    it("goes on with the next one where room ended", () => {
      const talk = opened();
      const windows = [1, 2].map(() => talk.window(HUGE_QUEUE)[0]);
      talk.say(0, BLOCKED);
      for (const window of windows) submit(window, 4, LARGE);
      talk.say(0, UNBLOCKED);
      const order = [];
      for (let i = 0; i < 4; i++) order.push(...turns(talk));
      expect(order).to.deep.equal([1, 1, 2, 2, 1, 1, 2, 2]);
    });

    it("passes over those whose own window is full", () => {
      const talk = opened();
      const [full] = talk.window({ maxUnconfirmed: 1 });
      const [free] = talk.window();
      submit(full, 2);
      expect(turns(talk)).to.deep.equal([1]);
      talk.say(0, BLOCKED);
      submit(free, 2);
      talk.say(0, UNBLOCKED);
      expect(turns(talk)).to.deep.equal([2, 2]);
      expect(full.queued).to.equal(1);
      talk.say(1, confirmOf("ack", 1));
      expect(turns(talk)).to.deep.equal([1]);
    });

    it("goes on past a window from which everything was withdrawn", () => {
      const talk = opened();
      const [first] = talk.window();
      const [second] = talk.window();
      talk.say(0, BLOCKED);
      const [withdrawn] = submit(first, 1) as [TestPublication];
      submit(second, 1);
      first.release(withdrawn, new TimeoutError("too late"));
      talk.say(0, UNBLOCKED);
      expect(turns(talk)).to.deep.equal([2]);
      expect(second.queued).to.equal(0);
    });

    it("is not given to a window whose channel is closed", () => {
      const talk = opened();
      const [window] = talk.window({ maxUnconfirmed: 1 });
      const all = submit(window, 2);
      talk.takeOctets();
      talk.say(1, noExchange("x"));
      talk.machine.scheduler.pump();
      expect(talk.taken()).to.deep.equal(["1 channel.close-ok"]);
      expect(endings(all)).to.deep.equal(["unknown", "unsent"]);
    });
  });

  it("needs no window for a channel that closes", () => {
    const talk = opened();
    const channel = talk.channel();
    talk.machine.scheduler.closeWindow(channel);
    talk.say(1, noExchange("x"));
    expect(channel.state).to.equal("closed");
  });

  it("keeps the window of a channel that is open", () => {
    const talk = opened();
    const [window, channel] = talk.window();
    talk.machine.scheduler.closeWindow(channel);
    expect(window.hasRoom).to.equal(true);
    talk.say(0, BLOCKED);
    const all = submit(window, 1);
    talk.say(1, noExchange("x"));
    expect(endings(all)).to.deep.equal(["unsent"]);
  });
});
