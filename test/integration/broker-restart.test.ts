import { expect } from "chai";
import { startBroker } from "../../src/testing.ts";
import { integrationWithOwnNode } from "../support/rabbitmq.ts";
import { surviveRestart } from "../testing/restart-scenario.ts";

integrationWithOwnNode("what a restart leaves is the same in the embedded broker", {}, (node) => {
  it("as in a RabbitMQ that is stopped in good order", async function () {
    this.timeout(180_000);
    await using broker = await startBroker();
    const ours = await surviveRestart(broker.url, () => broker.restart());
    expect(ours).to.deep.equal(await surviveRestart(node().url, () => node().restart()));
  });
});

integrationWithOwnNode("what a power cut leaves is the same in the embedded broker", {}, (node) => {
  it("as in a RabbitMQ that is killed", async function () {
    this.timeout(180_000);
    // What it had not yet written when it was killed is gone, and it writes when it likes.
    this.retries(2);
    const noQuorum = { quorum: false };
    await using broker = await startBroker();
    const cut = () => broker.restart({ connections: "cut" });
    const kill = async () => {
      await node().kill();
      await node().restart();
    };
    const ours = await surviveRestart(broker.url, cut, noQuorum);
    expect(ours).to.deep.equal(await surviveRestart(node().url, kill, noQuorum));
  });
});
