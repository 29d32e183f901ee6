/** Clients of other people, and of another language, do real work with the embedded broker. */
import { expect } from "chai";
import { startBroker } from "../../src/testing.ts";
import { RECOVERIES } from "./clients/recovery.ts";
import { HAS_PIKA, WORKS } from "./clients/work.ts";

const INEQUIVALENT =
  "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but " +
  "current is 'false'";

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

/** What they see when things go wrong. */
const RECOVERED: Readonly<Record<string, readonly string[]>> = {
  amqplib: [
    `Channel closed by server: 406 (PRECONDITION-FAILED) with message "${INEQUIVALENT}"`,
    "first: confirmed, second: message nacked",
    "nowhere: confirmed",
    'returned: back {"replyCode":312,"replyText":"NO_ROUTE","exchange":"","routingKey":"q-missing"}',
    "while the first is held: confirmed",
    "after the cut: Channel closed",
    "first true",
  ],
  "rabbitmq-client": [
    `QueueDeclare: ${INEQUIVALENT}`,
    "first: confirmed, second: NACK",
    "nowhere: confirmed",
    "returned: back NO_ROUTE",
    "consumed: first false, first true",
    "third: confirmed",
    "then: third false",
  ],
  "@cloudamqp/amqp-client": [
    `channel 1 closed: ${INEQUIVALENT} (406)`,
    "first: confirmed, second: Message rejected",
    "nowhere: confirmed, 312 NO_ROUTE",
    "closed: true, and then: true",
    "first true",
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

  for (const [client, recovery] of Object.entries(RECOVERIES)) {
    it(`${client} when it is refused, returned, nacked and cut off`, async function () {
      this.timeout(20_000);
      await using broker = await startBroker();
      expect(await recovery(broker.url, "q")).to.deep.equal(RECOVERED[client]);
      expect(broker.queue("q").exists).to.equal(false);
    });
  }
});
