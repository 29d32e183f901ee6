import { expect } from "chai";
import { HeartbeatClock, LAST_LOOK_MS } from "../../src/protocol/heartbeat.ts";

const SUSPECTED = 20_000;

describe("HeartbeatClock", () => {
  it("has nothing to do where there are no heartbeats", () => {
    const clock = new HeartbeatClock(0, 0);
    expect(clock.nextTimeout()).to.equal(undefined);
    expect(clock.ring(1e9)).to.equal("none");
  });

  it("sends after half the interval in which nothing was sent", () => {
    const clock = new HeartbeatClock(10, 0);
    expect(clock.nextTimeout()).to.equal(5000);
    expect(clock.ring(4999)).to.equal("none");
    expect(clock.ring(5000)).to.equal("send");
    clock.sent(5000);
    expect(clock.ring(5000)).to.equal("none");
    clock.sent(7000);
    expect(clock.nextTimeout()).to.equal(12_000);
  });

  it("suspects after two intervals of silence, looks once more, and gives up", () => {
    const clock = new HeartbeatClock(10, 0);
    clock.watch(0);
    clock.sent(SUSPECTED);
    expect(clock.nextTimeout()).to.equal(SUSPECTED);
    expect(clock.ring(SUSPECTED - 1)).to.equal("none");
    expect(clock.ring(SUSPECTED)).to.equal("none");
    expect(clock.nextTimeout()).to.equal(SUSPECTED + LAST_LOOK_MS);
    expect(clock.ring(SUSPECTED + LAST_LOOK_MS - 1)).to.equal("none");
    expect(clock.ring(SUSPECTED + LAST_LOOK_MS)).to.equal("lost");
  });

  it("clears a peer that says anything in that last moment", () => {
    const clock = new HeartbeatClock(10, 0);
    clock.watch(0);
    clock.sent(SUSPECTED);
    clock.ring(SUSPECTED);
    clock.received(SUSPECTED + 100);
    clock.sent(SUSPECTED + LAST_LOOK_MS);
    expect(clock.ring(SUSPECTED + LAST_LOOK_MS)).to.equal("none");
    clock.sent(SUSPECTED + 20_000);
    expect(clock.nextTimeout()).to.equal(SUSPECTED + 100 + 20_000);
  });

  it("gives a peer that was not listened to for long its last moment, too", () => {
    const clock = new HeartbeatClock(10, 0);
    clock.watch(0);
    expect(clock.ring(500_000)).to.equal("send");
    clock.sent(500_000);
    expect(clock.nextTimeout()).to.equal(500_000 + LAST_LOOK_MS);
    expect(clock.ring(500_000 + LAST_LOOK_MS)).to.equal("lost");
  });

  it("goes on sending while it suspects", () => {
    const clock = new HeartbeatClock(1, 0);
    clock.watch(0);
    expect(clock.ring(2000)).to.equal("send");
    expect(clock.ring(2249)).to.equal("send");
    expect(clock.ring(2250)).to.equal("lost");
  });

  it("suspects nobody before it watches, and counts from then on", () => {
    const clock = new HeartbeatClock(1, 0);
    expect(clock.ring(60_000)).to.equal("send");
    expect(clock.ring(120_000)).to.equal("send");
    clock.sent(120_000);
    clock.watch(120_000);
    expect(clock.ring(121_999)).to.equal("send");
    clock.sent(122_000);
    expect(clock.nextTimeout()).to.equal(122_000);
    expect(clock.ring(122_000)).to.equal("none");
    expect(clock.ring(122_250)).to.equal("lost");
  });
});
