/** Clients of other people, and of another language, do real work with the embedded broker. */
import { expect } from "chai";
import { startBroker } from "../../src/testing.ts";
import { HAS_PIKA, WORKS } from "./clients/work.ts";

/** What they see; the integration tests compare it with what they see of RabbitMQ. */
const SEEN: Readonly<Record<string, readonly string[]>> = {
  amqplib: [
    "100 fresh, 1 again",
    "then 0 messages and 0 consumers",
    "Channel closed by server: 403 (ACCESS-REFUSED) with message \"ACCESS_REFUSED - queue 'q' in " +
      "vhost '/' in exclusive use\"",
    "cancelled",
  ],
  "rabbitmq-client": [
    "100 fresh, 1 again",
    "then 0 messages and 0 consumers",
    "before the commit: undefined",
    "after it: in a transaction",
  ],
  "@cloudamqp/amqp-client": ["100 fresh, 1 again", "then 0 messages and 0 consumers", "404"],
  pika: [
    "unroutable 1",
    "100 fresh 1 again 0 given back",
    "then 0 0",
    "b'first' False 1",
    "b'first' True 1",
    "b'second' None",
    "None",
    "b'committed'",
    "406 PRECONDITION_FAILED - unknown delivery tag 77",
    "404 NOT_FOUND - no queue 'q-missing' in vhost '/'",
    "406 PRECONDITION_FAILED - cannot switch from confirm to tx mode",
    "406 PRECONDITION_FAILED - channel is not transactional",
    "cancelled consumer",
  ],
};

describe("the embedded broker serves", () => {
  if (!HAS_PIKA && process.env["AMQP091_INTEGRATION"] === "required") {
    it("pika, which is not installed", () => {
      throw new Error("integration is required, but Debian's python3-pika is not installed");
    });
  } else if (!HAS_PIKA) {
    process.once("exit", () => console.log("Clients: pika was left out; it is not installed."));
  }

  for (const [client, work] of Object.entries(WORKS)) {
    it(client, async function () {
      this.timeout(20_000);
      await using broker = await startBroker();
      expect(await work(broker.url, "q")).to.deep.equal(SEEN[client]);
      expect(broker.queue("q").exists).to.equal(false);
    });
  }
});
