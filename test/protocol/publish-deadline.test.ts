import { expect } from "chai";
import { TimeoutError } from "../../src/errors.ts";
import { PublishDeadline } from "../../src/protocol/publish-deadline.ts";
import type { PublishWindow } from "../../src/protocol/publish-window.ts";
import {
  type Conversation,
  confirmOf,
  endings,
  opened,
  publication,
  type TestPublication,
} from "./support.ts";

const BLOCKED = { name: "connection.blocked", reason: "low on disk" } as const;
const UNBLOCKED = { name: "connection.unblocked" } as const;

/** Submits a publish with a deadline, as a publisher does. */
function timed(talk: Conversation, window: PublishWindow, timeoutMs: number): TestPublication {
  const one = publication();
  window.submit(one);
  talk.machine.deadlines.add(new PublishDeadline(one, window, timeoutMs), timeoutMs, talk.now);
  return one;
}

describe("deadlines of publishes", () => {
  it("release what was sent as unknown, what waits as unsent", () => {
    const talk = opened();
    const [window] = talk.window({ maxUnconfirmed: 1 });
    const all = [timed(talk, window, 100), timed(talk, window, 100)];
    talk.takeOctets();
    expect(talk.machine.nextTimeout()).to.equal(talk.now + 100);
    talk.pass(99);
    expect(endings(all)).to.deep.equal(["open", "open"]);
    talk.pass(1);
    expect(endings(all)).to.deep.equal(["unknown", "unsent"]);
    expect(all[0]?.error.cause).to.be.instanceOf(TimeoutError);
    expect(all[0]?.error.message).to.contain("100 ms");
    expect(talk.machine.nextTimeout()).to.equal(undefined);
    talk.say(1, confirmOf("ack", 1));
    expect(endings(all)).to.deep.equal(["unknown", "unsent"]);
  });

  it("matter no more once the confirm has come", () => {
    const talk = opened();
    const [window] = talk.window();
    const all = [timed(talk, window, 100), timed(talk, window, 200)];
    talk.takeOctets();
    talk.say(1, confirmOf("ack", 1));
    expect(talk.machine.nextTimeout()).to.equal(talk.now + 200);
    talk.pass(150);
    talk.say(1, confirmOf("ack", 2));
    expect(talk.machine.nextTimeout()).to.equal(undefined);
    expect(endings(all)).to.deep.equal(["confirmed", "confirmed"]);
  });

  it("stand still while the broker has blocked the connection", () => {
    const talk = opened();
    const [window] = talk.window();
    const one = timed(talk, window, 100);
    talk.takeOctets();
    talk.pass(40);
    talk.say(0, BLOCKED);
    expect(talk.machine.nextTimeout()).to.equal(undefined);
    talk.pass(1000);
    const late = timed(talk, window, 100);
    talk.machine.wake(talk.now);
    expect(endings([one, late])).to.deep.equal(["open", "open"]);
    talk.say(0, UNBLOCKED);
    expect(talk.machine.nextTimeout()).to.equal(talk.now + 60);
    talk.pass(59);
    expect(one.ending).to.equal("open");
    talk.pass(1);
    expect(endings([one, late])).to.deep.equal(["unknown", "open"]);
    talk.pass(40);
    expect(late.ending).to.equal("unknown");
  });

  it("make room where they withdraw what waits", () => {
    const talk = opened();
    const [window] = talk.window({ maxUnconfirmed: 1, maxQueued: 1 });
    timed(talk, window, 1000);
    const waiting = timed(talk, window, 100);
    talk.takeOctets();
    const refused = publication();
    window.submit(refused);
    expect(refused.ending).to.equal("unsent");
    talk.pass(100);
    expect(waiting.ending).to.equal("unsent");
    const accepted = publication();
    window.submit(accepted);
    expect(accepted.ending).to.equal("open");
  });
});
