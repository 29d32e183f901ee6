/** What only a process of its own can show: signals, pipes that break, exit codes. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { connect as connectClient } from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { endOf, killAll, spawnCommand } from "./spawn.ts";

describe("the command as a process", function () {
  this.timeout(30_000);
  this.slow(5_000);
  let broker: EmbeddedBroker;
  beforeEach(async () => {
    broker = await startBroker();
  });
  afterEach(async () => {
    killAll();
    await broker.stop();
  });

  it("stops reading at SIGINT, prints the summary and exits 130", async () => {
    const child = spawnCommand(["publish", "--queue", "q", "--declare"], broker.url);
    const end = endOf(child);
    child.stdin.write("one\ntwo\n");
    await broker.queue("q").waitForMessages(2, { timeoutMs: 20_000 });
    child.kill("SIGINT");
    const { code, stderr } = await end;
    expect(code, stderr).to.equal(130);
    expect(stderr)
      .to.match(/^confirmed +2 /m)
      .and.match(/^stopped after line 2/m);
  });

  it("waits for confirms after the first SIGINT, and ends at the second", async () => {
    const proxy = await startProxy(broker.port);
    const child = spawnCommand(["publish", "--queue", "q", "--declare"], proxy.url);
    const end = endOf(child);
    child.stdin.write("one\n");
    await broker.queue("q").waitForMessages(1, { timeoutMs: 20_000 });
    proxy.stall();
    child.stdin.write("two\n");
    await broker.queue("q").waitForMessages(2, { timeoutMs: 20_000 });
    child.kill("SIGINT");
    await sleep(300);
    expect(child.exitCode).to.equal(null);
    child.kill("SIGINT");
    expect(await end).to.include({ code: null, signal: "SIGINT" });
    proxy.stop();
  });

  it("is not ended by a reader that is gone", async () => {
    const child = spawnCommand(["publish", "--queue", "q", "--declare"], broker.url);
    child.stderr.destroy();
    child.stdout.destroy();
    child.stdin.end("one\ntwo\n");
    const [code] = await once(child, "exit");
    expect(code).to.equal(0);
    expect(broker.queue("q").messageCount).to.equal(2);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends the broker at ${signal}, says goodbye to its clients and exits 0`, async () => {
      const child = spawnCommand(["broker", "--port", "0", "--quiet"], broker.url);
      const [url] = await once(child.stdout, "data");
      const connection = await connectClient(String(url).trim());
      const end = endOf(child);
      child.kill(signal);
      expect(await end).to.include({ code: 0, signal: null, stderr: "" });
      expect(await connection.closed).to.include({ replyCode: 320 });
    });
  }

  it("exits 2 for a mistake on the command line", async () => {
    expect(await endOf(spawnCommand(["publish", "--queue"], broker.url))).to.include({ code: 2 });
  });
});

/** A proxy that can keep what the broker says to itself. */
async function startProxy(
  port: number,
): Promise<{ readonly url: string; stall(): void; stop(): void }> {
  const sockets: Socket[] = [];
  let stalled = false;
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    client.pipe(upstream);
    upstream.on("data", (bytes) => {
      if (!stalled) client.write(bytes);
    });
    for (const socket of [client, upstream]) {
      sockets.push(socket);
      socket.on("error", () => {});
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `amqp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stall() {
      stalled = true;
    },
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
