/**
 * The publisher under test, at work: connects, opens publishers, publishes in bursts, and begins
 * again on a new connection or a new channel whenever one is lost. Nothing is ever sent again. What
 * the client says goes into the account.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, type ConnectOptions, connect, type Publisher } from "../../src/index.ts";
import type { Account } from "./account.ts";
import type { Happenings } from "./happenings.ts";
import { checkKind, type Feed, type Lane, publishOn } from "./lanes.ts";
import { Posting } from "./posting.ts";
import type { Random } from "./random.ts";
import { until } from "./waiting.ts";

/** What a workload does. */
export interface WorkloadOptions {
  readonly url: string;
  readonly connectOptions?: ConnectOptions;
  readonly lanes: readonly Lane[];
  /** So many at full speed; while the fault lasts longer, it goes on at a walk. */
  readonly messages: number;
  readonly account: Account;
  readonly happenings: Happenings;
  readonly random: Random;
}

/** Publishes until enough was published and the fault is over. */
export class Workload {
  readonly #options: WorkloadOptions;
  #posted = 0;
  #faultLasts = true;
  #connection: Connection | undefined;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** The connection in use; undefined between two. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Runs until the fault is over and everything has settled. */
  async run(fault: (workload: Workload) => Promise<void> = async () => {}): Promise<void> {
    const watchdog = setTimeout(() => this.#giveUp(`not over in ${LIMIT_MS} ms`), LIMIT_MS);
    const [work, happening] = await Promise.allSettled([
      this.#work(),
      fault(this).finally(() => {
        this.#faultLasts = false;
      }),
    ]);
    clearTimeout(watchdog);
    if (happening.status === "rejected") throw happening.reason;
    if (work.status === "rejected") throw work.reason;
  }

  /** Resolves when this share of the messages has been published. */
  async published(share: number): Promise<void> {
    const { messages } = this.#options;
    await until(() => this.#posted >= share * messages, `${share * messages} publishes`);
  }

  get #done(): boolean {
    return this.#posted >= this.#options.messages && !this.#faultLasts;
  }

  async #work(): Promise<void> {
    while (!this.#done) {
      const connection = await this.#connect();
      if (connection === undefined) {
        await sleep(BEFORE_NEXT_ATTEMPT_MS);
        continue;
      }
      await this.#use(connection);
    }
  }

  async #connect(): Promise<Connection | undefined> {
    const { url, connectOptions, happenings } = this.#options;
    try {
      return await connect(url, { connectTimeoutMs: 5_000, ...connectOptions });
    } catch (error) {
      checkKind(error, "connect()", this.#options.account);
      happenings.count("connect failed");
      return undefined;
    }
  }

  async #use(connection: Connection): Promise<void> {
    const { happenings, account, lanes } = this.#options;
    this.#connection = connection;
    connection.on("blocked", () => happenings.count("blocked"));
    connection.on("unblocked", () => happenings.count("unblocked"));
    let isOpen = true;
    connection.on("close", () => {
      isOpen = false;
    });
    const publishers: Publisher[] = [];
    const published = Promise.all(
      lanes.map((lane) => this.#keepPublishing(connection, lane, () => isOpen, publishers)),
    );
    published.catch(() => {}); // it may be awaited too late, or never
    // With the connection everything on it ends; who waits for the rest waits for ever.
    const overdue = connection.closed.then(() => sleep(2 * SETTLE_MS, "overdue", { ref: false }));
    if ((await Promise.race([published, overdue])) === "overdue") {
      this.#giveUp("waitForConfirms() or publishAll() goes on after its connection");
    }
    if (isOpen) {
      await this.#allSettled(PATIENCE_MS, "never settled on an open connection", () => isOpen);
      await connection.close({ timeoutMs: CLOSE_TIMEOUT_MS });
    }
    const reason = await connection.closed;
    if (reason !== undefined) happenings.count("connection lost");
    this.#connection = undefined;
    await this.#allSettled(SETTLE_MS, "never settled, and the connection is gone");
    for (const { unconfirmed, queued } of publishers) {
      if (unconfirmed + queued === 0) continue;
      account.violation("left over after the end", `${unconfirmed} unconfirmed, ${queued} queued`);
    }
  }

  /** One channel after the other, for as long as the connection holds. */
  async #keepPublishing(
    connection: Connection,
    lane: Lane,
    isOpen: () => boolean,
    publishers: Publisher[],
  ): Promise<void> {
    const { account, happenings, random } = this.#options;
    const feed: Feed = {
      ...{ lane, account, happenings, random: random.fork() },
      posting: new Posting(account, connection),
      isOver: () => this.#done,
      isWalking: () => this.#posted >= this.#options.messages,
      nextLetter: () => {
        this.#posted++;
        return lane.write(account.newId());
      },
      opened: (publisher) => publishers.push(publisher),
    };
    while (!this.#done && isOpen()) {
      try {
        await publishOn(connection, feed);
      } catch (error) {
        checkKind(error, "to open a channel", account);
        await sleep(1);
      }
    }
  }

  async #allSettled(
    patienceMs: number,
    rule: string,
    mayGoOn: () => boolean = () => true,
  ): Promise<void> {
    const { account } = this.#options;
    try {
      await until(() => account.pending === 0 || !mayGoOn(), rule, patienceMs);
    } catch {
      for (const name of account.pendingNames()) account.violation(rule, name);
    }
  }

  #giveUp(why: string): void {
    this.#options.account.violation("the run got stuck", why);
    this.#posted = Math.max(this.#posted, this.#options.messages);
    this.#faultLasts = false;
    this.#connection?.destroy();
  }
}

const BEFORE_NEXT_ATTEMPT_MS = 20;
/** What is open on a connection that works is confirmed long before. */
const PATIENCE_MS = 20_000;
/** What is open on a connection that is gone settles with it. */
const SETTLE_MS = 3_000;
const CLOSE_TIMEOUT_MS = 10_000;
/** No fault takes this long, a restart of the node included. */
const LIMIT_MS = 150_000;
