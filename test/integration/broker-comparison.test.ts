import { expect } from "chai";
import { startBroker } from "../../src/testing.ts";
import { integration } from "../support/rabbitmq.ts";
import { RECOVERIES } from "../testing/clients/recovery.ts";
import { WORKS } from "../testing/clients/work.ts";
import { asDocumented } from "../testing/comparison/differences.ts";
import { PLAYS } from "../testing/comparison/plays.ts";
import { perform } from "../testing/comparison/stage.ts";

/** What a client can see of either broker is the same, frame by frame, or a documented line. */
integration("the embedded broker and RabbitMQ answer alike", (rabbitmq) => {
  for (const [title, play] of Object.entries(PLAYS)) {
    it(title, async function () {
      // Which of two consumers RabbitMQ serves first depends on its schedulers when it is busy.
      this.retries(2);
      await using broker = await startBroker();
      const ours = await perform(play, broker.port);
      const theirs = await perform(play, rabbitmq().port, ours);
      expect(ours).to.deep.equal(asDocumented(title, theirs));
    });
  }

  for (const [client, work] of Object.entries(WORKS)) {
    it(`to ${client} at work`, async () => {
      await using broker = await startBroker();
      const queue = `work-${process.pid}-${Date.now()}`;
      expect(await work(broker.url, queue)).to.deep.equal(await work(rabbitmq().url, queue));
    });
  }

  for (const [client, recovery] of Object.entries(RECOVERIES)) {
    it(`to ${client} when it is refused, returned, nacked and cut off`, async () => {
      await using broker = await startBroker();
      const queue = `recovery-${process.pid}-${Date.now()}`;
      const ours = await recovery(broker.url, queue);
      expect(ours).to.deep.equal(await recovery(rabbitmq().url, queue));
    });
  }
});
