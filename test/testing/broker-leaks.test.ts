/** Brokers by the thousand: how fast one is there, and what all of them leave behind. */
import { rmSync } from "node:fs";
import { expect } from "chai";
import { startBroker } from "../../src/testing.ts";
import { compileSources, runScript } from "../support/environment.ts";

describe("an embedded broker", () => {
  it("is there within milliseconds", async () => {
    const times: number[] = [];
    for (let i = 0; i < 21; i++) {
      const begin = performance.now();
      const broker = await startBroker();
      times.push(performance.now() - begin);
      await broker.stop();
    }
    // It takes less than one on an idle machine; on a busy one, what counts is that it does nothing
    // that takes long by itself.
    times.sort((a, b) => a - b);
    expect(times[10]).to.be.below(50);
  });
});

/** In a process of its own, which has nothing on its heap but brokers and their clients. */
describe("a thousand embedded brokers", function () {
  this.timeout(120_000);
  this.slow(20_000);
  let folder: string;
  before(() => {
    folder = compileSources();
  });
  after(() => rmSync(folder, { recursive: true }));

  it("leave no handle, no timer and no memory in their process, which ends by itself", async () => {
    const { code, lines, errors, lingeredMs } = await runScript(folder, SCRIPT, {}, 90_000);
    expect(errors).to.equal("");
    expect(code).to.equal(0);
    const { warm, done } = JSON.parse(lines[0] ?? "{}");
    expect(done).to.include({ started: 1000, connected: 500, timers: 0, alive: 0 });
    expect(done.resources).to.deep.equal(warm.resources);
    expect(done.heapUsed - warm.heapUsed).to.be.below(2_000_000); // 2 KB a broker
    expect(done.arrayBuffers - warm.arrayBuffers).to.be.below(1_000_000);
    expect(lingeredMs).to.be.below(3_000); // a heartbeat or an expiration would keep it longer
  });
});

const SCRIPT = `
  import { setFlagsFromString } from "node:v8";
  import { runInNewContext } from "node:vm";
  import { connect } from "./index.js";
  import { startBroker } from "./testing.js";

  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  const timers = new Set();
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  globalThis.setTimeout = Object.assign((callback, ms) => {
    const timer = setTimeout(() => { timers.delete(timer); callback(); }, ms);
    timers.add(timer);
    return timer;
  }, setTimeout);
  globalThis.setInterval = (callback, ms) => {
    const timer = setInterval(callback, ms);
    timers.add(timer);
    return timer;
  };
  globalThis.clearTimeout = (timer) => { timers.delete(timer); clearTimeout(timer); };
  globalThis.clearInterval = (timer) => { timers.delete(timer); clearInterval(timer); };

  let alive = 0, started = 0, connected = 0;
  const registry = new FinalizationRegistry(() => alive--);
  const watch = (it) => { alive++; registry.register(it, undefined); return it; };

  async function one(i) {
    const broker = watch(await startBroker());
    started++;
    const queue = broker.queue("q").declare({
      durable: true,
      arguments: { "x-expires": 3_600_000, "x-message-ttl": 3_000_000 },
    });
    broker.publish("", "q", "x".repeat(1000), { deliveryMode: 2 });
    const never = broker.waitForConnections(9, { timeoutMs: 3_600_000 }).catch(() => {});
    if (i % 2 === 0) {
      const connection = await connect(broker.url, { heartbeatSeconds: 3600 });
      connected++;
      const channel = await connection.openChannel();
      await channel.basicConsume("q");
      watch(broker.connections[0]);
      if (i % 4 === 0) await connection.close(); else connection.closed.then(() => {});
      if (i % 8 === 0) await broker.restart();
      if (i % 8 === 2) broker.connections[0].close();
    }
    await broker.stop();
    await never;
  }

  async function many(count) {
    for (let i = 0; i < count; i += 10) {
      await Promise.all(Array.from({ length: 10 }, (_, j) => one(i + j)));
    }
  }

  async function look() {
    for (let round = 0; round < 10; round++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      gc();
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const resources = process.getActiveResourcesInfo().sort();
    return { started, connected, timers: timers.size, alive, resources, heapUsed, arrayBuffers };
  }

  await many(200);
  const warm = await look();
  started = connected = 0;
  await many(1000);
  console.log(JSON.stringify({ warm, done: await look() }));
`;
