/**
 * A RabbitMQ of our own for the integration tests.
 *
 * Every node lives in one temporary folder (configuration, data, logs, Erlang cookie), listens on
 * 127.0.0.1 only, and has an epmd of its own, so that nothing on the machine is read or touched and
 * any number of nodes can run side by side.
 *
 * Nothing is left behind, however the tests end. A small shell process, the guard, holds a pipe from
 * us; when the pipe closes, because stop() closed it or because this process is gone (Ctrl-C, a
 * crash, SIGKILL), it kills the node and its epmd and removes the folder. No signal handler needed.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { accessSync, closeSync, constants, openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { connect, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** A running RabbitMQ node, ours or the one that AMQP_URL names. */
export interface RabbitNode {
  /** With user and password, for the default virtual host. */
  readonly url: string;
  readonly port: number;
  /** The Erlang node name, for those who call the command line tools themselves. */
  readonly name: string;
  /** Configuration, data and logs (`output.log`, `log/`); empty for a broker that is not ours. */
  readonly directory: string;
  /** Runs `rabbitmqctl --quiet` with these arguments and gives its standard output. */
  ctl(...args: string[]): Promise<string>;
  /** The power cut: SIGKILL of the Erlang VM. Data and port stay; restart() brings it back. */
  kill(): Promise<void>;
  /** Stops in good order if running (clients get connection.close 320), then starts on the same data. */
  restart(): Promise<void>;
  /** Ends node and epmd at once and removes the folder. Idempotent. */
  stop(): Promise<void>;
}

export interface RabbitOptions {
  /** Lines in rabbitmq.conf format, after the ones that the helper writes. */
  readonly config?: string | undefined;
  /** Plugins to enable, for example `rabbitmq_management`. Give them a port in `config`. */
  readonly plugins?: readonly string[] | undefined;
}

/** About ten times what a node takes on two idle cores. */
const START_TIMEOUT_MS = 90_000;
const CTL_TIMEOUT_MS = 60_000;
/** A port that was free a moment ago may be taken when the node gets to it: try again elsewhere. */
const START_ATTEMPTS = 3;

/**
 * Each line read is the list of process groups to end; the last line counts. At end of file they
 * are killed, waited for (5 seconds at most: a zombie still counts as alive) and the folder goes.
 */
const GUARD = `
  groups=
  while read -r line; do groups=$line; done
  for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
  for group in $groups; do
    tries=0
    while kill -s 0 -- "-$group" 2>/dev/null && [ "$tries" -lt 50 ]; do
      sleep 0.1
      tries=$((tries + 1))
    done
  done
  rm -rf -- "$1"
`;

/** Starts a node and resolves when it speaks AMQP; about nine seconds. The caller must stop() it. */
export async function startRabbitmq(options: RabbitOptions = {}): Promise<RabbitNode> {
  for (let attempt = 1; ; attempt++) {
    const node = new OwnNode(await freePort(), await freePort(), await freePort());
    try {
      await node.start(options);
      return node;
    } catch (error) {
      await node.stop();
      const portTaken = /eaddrinuse|address already in use/i.test(String(error));
      if (!portTaken || attempt === START_ATTEMPTS) throw error;
    }
  }
}

/**
 * A describe() whose tests get the broker of this run: the one that AMQP_URL names, else one node
 * that all of them share, started when the first of them runs and ended with this process.
 * Name your queues and exchanges uniquely and leave the node running.
 */
export function integration(title: string, body: (broker: () => RabbitNode) => void): void {
  const url = process.env["AMQP_URL"];
  brokerSuite(title, url !== undefined || isInstalled(), body, () => {
    sharedNode ??= url === undefined ? startRabbitmq() : Promise.resolve(externalNode(url));
    return sharedNode;
  });
}

/**
 * The same with a node of the suite's own, for tests that kill, restart or configure it. It needs an
 * installed RabbitMQ, whatever AMQP_URL says.
 */
export function integrationWithOwnNode(
  title: string,
  options: RabbitOptions,
  body: (broker: () => RabbitNode) => void,
): void {
  brokerSuite(title, isInstalled(), body, () => startRabbitmq(options), "stop it after the suite");
}

/** A TCP port on 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (;;) {
    // Below the range that the kernel hands out to outgoing connections (32768 and up on Linux), so
    // that no client, and no reconnecting client of our own, sits on a port while its node is down.
    const port = 20_000 + (randomBytes(2).readUInt16BE() % 12_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (free) {
      server.close();
      await once(server, "close");
      return port;
    }
  }
}

/**
 * No hook stops it: mocha's workers (--parallel) run the root hooks once for each test file, and
 * this module, loaded once, would hand the next file a node that is gone. The guard ends it with us.
 */
let sharedNode: Promise<RabbitNode> | undefined;
let suitesLeftOut = 0;

function brokerSuite(
  title: string,
  available: boolean,
  body: (broker: () => RabbitNode) => void,
  start: () => Promise<RabbitNode>,
  ownership: "shared" | "stop it after the suite" = "shared",
): void {
  if (!available) {
    if (process.env["AMQP091_INTEGRATION"] === "required") {
      it(`${title}: has a RabbitMQ to run against`, () => {
        throw new Error(
          "integration is required, but RabbitMQ is not installed (nor AMQP_URL set)",
        );
      });
    } else {
      leaveOut();
    }
    return;
  }
  describe(title, function suite() {
    this.timeout(30_000);
    this.slow(5_000);
    let node: RabbitNode | undefined;
    before(async function startNode() {
      this.timeout(START_ATTEMPTS * START_TIMEOUT_MS);
      node = await start();
    });
    if (ownership !== "shared") after(() => node?.stop());
    body(() => {
      if (node === undefined) throw new Error("broker() is for inside it(), before() and the like");
      return node;
    });
  });
}

/** Says once, after mocha's summary, that this run was not a whole one. */
function leaveOut(): void {
  suitesLeftOut++;
  if (suitesLeftOut > 1) return;
  process.once("exit", () => {
    const suites = suitesLeftOut === 1 ? "1 suite was" : `${suitesLeftOut} suites were`;
    const reason =
      process.env["AMQP_URL"] === undefined
        ? "RabbitMQ is not installed and AMQP_URL names no broker"
        : "they need a node of their own and RabbitMQ is not installed";
    console.log(`Integration: ${suites} left out, because ${reason}.`);
  });
}

/**
 * Debian's `/usr/lib/rabbitmq/bin`, not the wrappers in /usr/sbin: those change the user and with
 * it the Erlang cookie. RABBITMQ_HOME names an installation elsewhere.
 */
function binaryDirectory(): string | undefined {
  const home = process.env["RABBITMQ_HOME"];
  const candidates = [...(home === undefined ? [] : [join(home, "sbin")]), "/usr/lib/rabbitmq/bin"];
  return candidates.find((directory) => {
    try {
      for (const tool of ["rabbitmq-server", "rabbitmqctl"]) {
        accessSync(join(directory, tool), constants.X_OK);
      }
      return true;
    } catch {
      return false;
    }
  });
}

function isInstalled(): boolean {
  return binaryDirectory() !== undefined;
}

function externalNode(url: string): RabbitNode {
  const notOurs = (): Promise<never> =>
    Promise.reject(
      new Error("the broker that AMQP_URL names is not ours: integrationWithOwnNode()"),
    );
  const { port, protocol } = new URL(url);
  return {
    url,
    port: port === "" ? (protocol === "amqps:" ? 5671 : 5672) : Number(port),
    name: "",
    directory: "",
    ctl: notOurs,
    kill: notOurs,
    restart: notOurs,
    stop: () => Promise.resolve(),
  };
}

class OwnNode implements RabbitNode {
  readonly url: string;
  readonly port: number;
  readonly name: string;
  directory = "";
  readonly #distributionPort: number;
  readonly #epmdPort: number;
  readonly #binaries: string;
  #guard: ChildProcess | undefined;
  #epmd: ChildProcess | undefined;
  #server: ChildProcess | undefined;

  constructor(port: number, distributionPort: number, epmdPort: number) {
    const binaries = binaryDirectory();
    if (binaries === undefined) throw new Error("RabbitMQ is not installed");
    this.#binaries = binaries;
    this.port = port;
    this.url = `amqp://guest:guest@127.0.0.1:${port}`;
    // @localhost and not the machine's name: that one does not resolve everywhere.
    this.name = `amqp091-${port}@localhost`;
    this.#distributionPort = distributionPort;
    this.#epmdPort = epmdPort;
  }

  async start(options: RabbitOptions): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), "amqp091-rabbitmq-"));
    this.#guard = spawn("/bin/sh", ["-c", GUARD, "amqp091-guard", this.directory], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      env: { PATH: searchPath() },
    });
    // Neither the guard nor what it guards keeps the test process alive: its end is our end.
    this.#guard.unref();
    if (this.#guard.stdin instanceof Socket) this.#guard.stdin.unref();

    await this.#writeFiles(options);
    this.#epmd = this.#spawn("epmd", ["-port", `${this.#epmdPort}`, "-address", "127.0.0.1"]);
    await this.#boot();
  }

  async ctl(...args: string[]): Promise<string> {
    const tool = join(this.#binaries, "rabbitmqctl");
    const { stdout } = await promisify(execFile)(tool, ["-n", this.name, "--quiet", ...args], {
      cwd: this.directory,
      env: this.#environment(),
      timeout: CTL_TIMEOUT_MS,
    });
    return stdout;
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.#end("SIGTERM");
    await this.#boot();
  }

  async stop(): Promise<void> {
    const guard = this.#guard;
    if (guard === undefined) return;
    this.#guard = undefined;
    guard.ref();
    const gone = once(guard, "exit");
    guard.stdin?.end();
    await gone;
  }

  async #writeFiles(options: RabbitOptions): Promise<void> {
    const write = (name: string, text: string, mode = 0o600): Promise<void> =>
      writeFile(join(this.directory, name), text, { mode });
    await mkdir(join(this.directory, "conf.d"));
    await write(".erlang.cookie", randomBytes(16).toString("hex"), 0o400);
    await write("enabled_plugins", `[${(options.plugins ?? []).join(",")}].\n`);
    await write("advanced.config", "[].\n");
    await write(
      "rabbitmq.conf",
      [
        `listeners.tcp.local = 127.0.0.1:${this.port}`,
        // A full disk on the test machine must not block publishers in the middle of a test.
        "disk_free_limit.absolute = 1MB",
        options.config ?? "",
        "",
      ].join("\n"),
    );
  }

  /** Starts the Erlang VM on what is in the folder, and waits until it speaks AMQP. */
  async #boot(): Promise<void> {
    const server = this.#spawn(join(this.#binaries, "rabbitmq-server"), []);
    this.#server = server;
    let failure: string | undefined;
    server.once("error", (error) => {
      failure = error.message;
    });
    server.once("exit", (code, signal) => {
      failure = `it exited with ${signal ?? `code ${code}`}`;
    });
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await speaksAmqp(this.port))) {
      if (Date.now() > deadline) failure = `no answer within ${START_TIMEOUT_MS} ms`;
      if (failure !== undefined) {
        const output = await readFile(join(this.directory, "output.log"), "utf8").catch(() => "");
        throw new Error(`RabbitMQ did not start: ${failure}\n${output.slice(-4_000)}`);
      }
      await sleep(100);
    }
    await this.ctl("await_startup"); // plugins and their listeners come after the AMQP port
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    if (server.exitCode === null && server.signalCode === null) {
      server.ref();
      const gone = once(server, "exit");
      server.kill(signal);
      await gone;
    }
    this.#tellGuard();
  }

  /** Starts a process that leads a group of its own, writes to output.log and does not hold us up. */
  #spawn(command: string, args: readonly string[]): ChildProcess {
    const log = openSync(join(this.directory, "output.log"), "a");
    const child = spawn(command, args, {
      cwd: this.directory,
      detached: true,
      stdio: ["ignore", log, log],
      env: this.#environment(),
    });
    closeSync(log);
    child.unref();
    child.on("error", () => {}); // #boot() has a listener that says it; epmd's absence shows there too
    this.#tellGuard(child);
    return child;
  }

  #tellGuard(started?: ChildProcess): void {
    const groups = [this.#epmd, this.#server, started].flatMap((child) => child?.pid ?? []);
    this.#guard?.stdin?.write(`${groups.join(" ")}\n`);
  }

  /** Nothing of the caller's environment but the search path: no RABBITMQ_… of the machine leaks in. */
  #environment(): NodeJS.ProcessEnv {
    const inFolder = (name: string): string => join(this.directory, name);
    const loopbackOnly = "-kernel inet_dist_use_interface {127,0,0,1}";
    return {
      PATH: searchPath(),
      LC_ALL: "C.UTF-8",
      HOME: this.directory, // the Erlang cookie is read from here
      ERL_EPMD_PORT: `${this.#epmdPort}`,
      ERL_CRASH_DUMP_SECONDS: "0",
      // Makes the start script exec the VM instead of waiting for it: signals reach the VM itself.
      RUNNING_UNDER_SYSTEMD: "true",
      RABBITMQ_NODENAME: this.name,
      RABBITMQ_DIST_PORT: `${this.#distributionPort}`,
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: loopbackOnly,
      RABBITMQ_CTL_ERL_ARGS: loopbackOnly,
      RABBITMQ_CONF_ENV_FILE: inFolder("rabbitmq-env.conf"),
      RABBITMQ_CONFIG_FILE: inFolder("rabbitmq.conf"),
      RABBITMQ_CONFIG_FILES: inFolder("conf.d/*.conf"),
      RABBITMQ_ADVANCED_CONFIG_FILE: inFolder("advanced.config"),
      RABBITMQ_ENABLED_PLUGINS_FILE: inFolder("enabled_plugins"),
      RABBITMQ_GENERATED_CONFIG_DIR: inFolder("generated"),
      RABBITMQ_SCHEMA_DIR: inFolder("schema"),
      RABBITMQ_MNESIA_BASE: inFolder("mnesia"),
      RABBITMQ_LOG_BASE: inFolder("log"),
    };
  }
}

/** With the system directories, which is where epmd is when a test runner's PATH is a short one. */
function searchPath(): string {
  return `${process.env["PATH"] ?? ""}:/usr/local/bin:/usr/bin:/bin`;
}

/** True when a protocol header on this port is answered by a method frame: connection.start. */
function speaksAmqp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("AMQP\x00\x00\x09\x01", "latin1"));
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(5_000, () => settle(false));
    socket.once("data", (data) => settle(data[0] === 1));
    socket.once("error", () => settle(false));
    socket.once("close", () => settle(false));
  });
}
