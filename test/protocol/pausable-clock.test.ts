import { expect } from "chai";
import { PausableClock } from "../../src/protocol/pausable-clock.ts";

describe("PausableClock", () => {
  it("shows the time that it is given", () => {
    const clock = new PausableClock();
    expect(clock.paused).to.equal(false);
    expect(clock.at(100)).to.equal(100);
    expect(clock.when(100)).to.equal(100);
  });

  it("stands still from pause to resume", () => {
    const clock = new PausableClock();
    clock.pause(100);
    expect(clock.paused).to.equal(true);
    expect(clock.at(150)).to.equal(100);
    clock.resume(160);
    expect(clock.paused).to.equal(false);
    expect(clock.at(160)).to.equal(100);
    expect(clock.at(175)).to.equal(115);
    expect(clock.when(115)).to.equal(175);
  });

  it("adds pauses up", () => {
    const clock = new PausableClock();
    clock.pause(10);
    clock.resume(20);
    clock.pause(30);
    expect(clock.at(99)).to.equal(20);
    clock.resume(100);
    expect(clock.at(100)).to.equal(20);
    expect(clock.when(20)).to.equal(100);
  });

  it("takes a second pause for the first one, as a broker may have two alarms", () => {
    const clock = new PausableClock();
    clock.pause(10);
    clock.pause(20);
    expect(clock.at(30)).to.equal(10);
    clock.resume(40);
    expect(clock.at(41)).to.equal(11);
  });

  it("goes on as it went where it was not paused", () => {
    const clock = new PausableClock();
    clock.resume(50);
    expect(clock.at(60)).to.equal(60);
  });
});
