import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { integrationWithOwnNode, startRabbitmq } from "../support/rabbitmq.ts";

integrationWithOwnNode("RabbitMQ test node", { config: "heartbeat = 17" }, (broker) => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "amqp091-test-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("speaks to rabbitmqctl and has the given configuration", async () => {
    expect(await broker().ctl("status")).to.include("RabbitMQ version");
    expect(await broker().ctl("eval", "application:get_env(rabbit, heartbeat).")).to.include("17");
  });

  it("comes back from a power cut with its data, on the same port", async function () {
    this.timeout(120_000);
    const { port } = broker();
    await broker().ctl("add_vhost", "kept");
    await broker().kill();
    expect((await processesOf(broker().directory)).join("\n")).not.to.match(/beam/);
    await broker().restart();
    expect(broker().port).to.equal(port);
    expect(await broker().ctl("list_vhosts")).to.include("kept");
  });

  it("leaves neither node nor epmd nor folder behind", async () => {
    const { directory } = broker();
    const before = (await processesOf(directory)).join("\n");
    expect(before).to.match(/beam/);
    expect(before).to.match(/epmd/);
    await broker().stop();
    expect(await leftovers(directory)).to.deep.equal([]);
  });

  it("shows the log of a failed start and cleans up after it", async function () {
    this.timeout(60_000);
    const saved = process.env["TMPDIR"];
    process.env["TMPDIR"] = folder;
    const outcome = startRabbitmq({ config: "no_such_setting = 1" });
    if (saved === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = saved;
    const error = await outcome.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(String(error)).to.include("no_such_setting");
    expect(await leftovers(folder)).to.deep.equal([]);
  });

  it("ends with its owner when that one is interrupted", async function () {
    this.timeout(60_000);
    const owner = spawn(
      process.execPath,
      ["-r", "ts-node/register", "-e", "require('./test/support/rabbitmq.ts').startRabbitmq()"],
      {
        env: { ...process.env, TMPDIR: folder, DISABLE_V8_COMPILE_CACHE: "1" },
        stdio: "ignore",
      },
    );
    while (!(await processesOf(folder)).some((command) => command.includes("beam"))) {
      expect(owner.exitCode).to.equal(null);
      await sleep(100);
    }
    const gone = once(owner, "exit");
    owner.kill("SIGINT");
    await gone;
    expect(await leftovers(folder)).to.deep.equal([]);
  });
});

/** What still runs or lies in `directory` after a grace period for the dying; empty is good. */
async function leftovers(directory: string): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const files = await readdir(directory).catch(() => []);
    const found = [...(await processesOf(directory)), ...files];
    if (found.length === 0 || attempt === 100) return found;
    await sleep(100);
  }
}

/** Command lines of the processes that have this folder in their environment or arguments. */
async function processesOf(directory: string): Promise<string[]> {
  const read = (pid: string, file: string): Promise<string> =>
    readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const command = (await read(pid, "cmdline")).replaceAll("\0", " ");
    const environment = await read(pid, "environ");
    const isNode = command.startsWith(process.execPath); // a test runner, not what it started
    if (!isNode && (command + environment).includes(directory)) found.push(command);
  }
  return found;
}
