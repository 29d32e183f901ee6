import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Measured, Target } from "../../../tools/bench/measure.ts";
import {
  canHold,
  MEMORY_WORKS,
  type MemoryWork,
  measureMemory,
} from "../../../tools/bench/memory.ts";
import { createNullServer } from "../../../tools/bench/null-server.ts";

const ROOT = join(__dirname, "../../..");

describe("npm run bench", function () {
  this.timeout(120_000);
  let out: string;

  before(() => {
    out = mkdtempSync(join(tmpdir(), "amqp091-bench-"));
  });

  after(() => {
    rmSync(out, { recursive: true, force: true });
  });

  it("measures all clients, writes numbers and a picture, and says what was held", () => {
    const args = ["--quick", "--only", "16", "--rounds", "1", "--seconds", "0.2", "--out", out];
    // Without the coverage of this run, which would be measured too; and never a real broker.
    const env = { ...process.env, NODE_V8_COVERAGE: "", AMQP_URL: "" };
    const { status, stdout, stderr } = spawnSync("npm", ["run", "bench", "--", ...args], {
      cwd: ROOT,
      env,
      encoding: "utf8",
    });
    expect(status, stderr).to.equal(0);
    expect(stdout).to.include("against a null broker");
    expect(stdout).to.match(/^16 B +rate, to the fastest peer +at least 8 x +[\d.]+ x +/m);
    expect(stdout).to.match(/^16 B +CPU of ours for a message +at most 1 µs +[\d.]+ µs +/m);

    const { all } = JSON.parse(readFileSync(join(out, "results.json"), "utf8"));
    expect(all).to.have.length(1);
    const { results, failures } = all[0] as Measured;
    expect(failures).to.deep.equal([]);
    expect(results.map(({ contestant }) => contestant)).to.deep.equal([
      ...["amqp091", "amqplib", "rabbitmq-client", "@cloudamqp/amqp-client", "ready-made bytes"],
    ]);
    const picture = readFileSync(join(out, "results.svg"), "utf8");
    for (const { contestant, rate, cpuMicros, latency, brokerCpu } of results) {
      expect(rate, contestant).to.be.above(0);
      expect(cpuMicros, contestant).to.be.above(0);
      expect(brokerCpu, contestant).to.be.above(0);
      if (contestant === "ready-made bytes") expect(latency).to.equal(undefined);
      else expect(latency?.p99, contestant).to.be.at.least(latency?.p50 ?? Number.NaN);
      expect(picture).to.include(`data-series="${contestant}"`);
    }
  });

  it("measures the embedded broker, and says whether it carries what is promised", () => {
    const args = ["--embedded", "--only", "16", "--clients", "amqp091", "--rounds", "1"];
    const env = { ...process.env, NODE_V8_COVERAGE: "", AMQP_URL: "amqp://not.to.be.used" };
    const { status, stdout, stderr } = spawnSync(
      "npm",
      ["run", "bench", "--", ...args, "--seconds", "0.2", "--out", out],
      { cwd: ROOT, env, encoding: "utf8" },
    );
    expect(status, stderr).to.equal(0);
    expect(stdout).to.include("against the embedded broker");
    expect(stdout).to.match(/^16 B +messages a second +at least 100,000 +[\d,]+ +/m);
  });

  for (const work of MEMORY_WORKS) {
    it(`finds out what clients need for ${work.title}`, async () => {
      const target = await targetFor(work);
      const { results } = await measureMemory({ ...work, count: 40 }, ["amqplib"], target);
      target.stop();
      expect(results).to.have.length(1);
      expect(results[0]).to.include({ client: "amqplib", held: 40, reason: undefined });
      expect(results[0]?.heap).to.be.a("number").and.not.NaN;
      expect(results[0]?.rss).to.be.a("number").and.not.NaN;
    });
  }
});

/** A broker of its own where there must be one; else one in this process, which is sooner there. */
async function targetFor(work: MemoryWork): Promise<Target & { stop(): void }> {
  const target = { queue: "bench", empty: async () => {} };
  if (!canHold(work, { ...target, url: "amqp://a.real.one" })) {
    return { ...target, url: undefined, stop: () => {} };
  }
  const { server } = createNullServer({ acks: "coalesced", ackEvery: 1 });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  return { ...target, url, stop: () => server.close() };
}
