import { expect } from "chai";
import {
  BatchError,
  type Connection,
  ConnectionClosedError,
  ConnectionLostError,
  connect,
  PublishError,
} from "../../src/index.ts";
import { failure, stillPending, until, within } from "../support/environment.ts";
import { integrationWithOwnNode } from "../support/rabbitmq.ts";

/** What takes a broker of one's own: alarms, restarts, power cuts. */
integrationWithOwnNode("client and a RabbitMQ in trouble", {}, (broker) => {
  let connection: Connection;
  beforeEach(async () => {
    connection = await connect(broker().url, { connectionName: "in trouble" });
  });
  afterEach(() => connection.destroy());

  async function lowMemory(): Promise<void> {
    await broker().ctl("set_vm_memory_high_watermark", "0");
  }
  async function enoughMemory(): Promise<void> {
    await broker().ctl("set_vm_memory_high_watermark", "0.4");
  }

  it("shows its name to the operator", async () => {
    const names = await broker().ctl("list_connections", "client_properties");
    expect(names).to.include("in trouble").and.to.include("amqp091");
  });

  it("waits while the broker is short of memory, and says so", async () => {
    const events: string[] = [];
    connection.on("blocked", (reason) => events.push(`blocked ${reason}`));
    connection.on("unblocked", () => events.push("unblocked"));
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { exclusive: true });
    const publisher = await connection.openPublisher();
    try {
      await lowMemory();
      // The broker blocks a connection when it sees it publish.
      const trigger = publisher.sendToQueue(queue, "trigger");
      await until(() => connection.blockedReason !== undefined);
      expect(connection.blockedReason).to.equal("low on memory");
      expect(events).to.deep.equal(["blocked low on memory"]);

      const patient = publisher.sendToQueue(queue, "patient", { timeoutMs: 100 });
      const aborted = await failure(
        publisher.sendToQueue(queue, "aborted", { signal: AbortSignal.timeout(50) }),
        PublishError,
      );
      expect(aborted.outcome).to.equal("unsent");
      const ready = publisher.ready();
      await stillPending(Promise.race([trigger, patient, ready]), 300);
      expect([publisher.unconfirmed, publisher.queued]).to.deep.equal([1, 1]);

      await enoughMemory();
      expect(await trigger).to.deep.equal({ deliveryTag: 1 });
      expect(await patient).to.deep.equal({ deliveryTag: 2 });
      await ready;
      expect(events).to.deep.equal(["blocked low on memory", "unblocked"]);
      expect(connection.blockedReason).to.equal(undefined);
      expect(await channel.queuePurge(queue)).to.deep.equal({ messageCount: 2 });
    } finally {
      await enoughMemory();
    }
  });

  it("closes a blocked connection at its deadline, and tells the truth", async () => {
    const publisher = await connection.openPublisher();
    try {
      await lowMemory();
      const sent = failure(publisher.sendToQueue("q", "sent"), PublishError);
      await until(() => connection.blockedReason !== undefined);
      const queued = failure(publisher.sendToQueue("q", "queued"), PublishError);
      const closing = connection.close({ timeoutMs: 200 });
      await within(1_000, closing);
      expect((await sent).outcome).to.equal("unknown");
      expect((await queued).outcome).to.equal("unsent");
      expect(await connection.closed).to.be.instanceOf(ConnectionLostError);
    } finally {
      await enoughMemory();
    }
  });

  it("waits with close() until the broker reads again", async () => {
    const publisher = await connection.openPublisher();
    try {
      await lowMemory();
      const sent = publisher.sendToQueue("q", "sent");
      await until(() => connection.blockedReason !== undefined);
      const queued = publisher.sendToQueue("q", "queued");
      const closing = connection.close();
      await stillPending(closing, 100);
      await enoughMemory();
      await Promise.all([sent, queued, closing]);
      expect(await connection.closed).to.equal(undefined);
    } finally {
      await enoughMemory();
    }
  });

  it("is told when an operator closes the connection", async () => {
    const publisher = await connection.openPublisher();
    await broker().ctl("close_all_connections", "because");
    const closed = await connection.closed;
    expect(closed).to.be.instanceOf(ConnectionClosedError);
    expect(closed).to.include({ replyCode: 320 });
    expect((closed as ConnectionClosedError).replyText).to.match(/because/);
    const late = await failure(publisher.sendToQueue("q", "x"), PublishError);
    expect(late).to.include({ outcome: "unsent", cause: closed });
  });

  it("survives a power cut: every publish settles, and what was confirmed is there", async function () {
    this.timeout(60_000);
    const channel = await connection.openChannel();
    await channel.queueDeclare("kept", { durable: true });
    // Mnesia writes its log every few seconds; a queue that is younger is lost with its messages.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const publisher = await connection.openPublisher({ maxUnconfirmed: 500 });
    const outcomes = { confirmed: 0, unknown: 0, unsent: 0 };
    const endless = (function* () {
      for (let i = 0; ; i++) yield { routingKey: "kept", body: `${i}`, deliveryMode: 2 } as const;
    })();
    const publishing = failure(
      publisher.publishAll(endless, {
        stopOnFailure: false,
        onSettled: (_message, result) => {
          if (!(result instanceof Error)) outcomes.confirmed++;
          else outcomes[(result as PublishError).outcome as "unknown" | "unsent"]++;
        },
      }),
      BatchError,
    );
    await until(() => outcomes.confirmed > 2_000);
    await broker().kill();
    const error = await within(5_000, publishing);
    const lost = await connection.closed;
    expect(lost).to.be.instanceOf(ConnectionLostError);
    expect(error.confirmed).to.equal(outcomes.confirmed);
    expect(error.failed).to.equal(outcomes.unknown + outcomes.unsent);
    for (const each of error.failures) expect(each.error.cause).to.equal(lost);

    await broker().restart();
    await using again = await connect(broker().url);
    const reader = await again.openChannel();
    const { messageCount } = await reader.queueDeclare("kept", { passive: true });
    expect(messageCount).to.be.within(outcomes.confirmed, outcomes.confirmed + outcomes.unknown);
  });

  it("is told when the broker shuts down in good order", async function () {
    this.timeout(60_000);
    const closing = connection.closed;
    await broker().restart();
    const closed = await closing;
    expect(closed).to.be.instanceOf(ConnectionClosedError);
    expect(closed).to.include({ replyCode: 320 });
    await (await connect(broker().url)).close();
  });
});
