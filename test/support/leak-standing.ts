/**
 * For the processes that are measured for leaks: work beside something that does not finish. What
 * stands must not keep what has come and gone behind it.
 */
import { HOUR, inParallel, type Work } from "./leak-client.ts";

const BODY = "x".repeat(100);
/** The peer does not confirm a message that says so. */
const NEVER = "never";

/** Publishers whose publishes meet their deadlines; an earlier deadline, of another, is not over. */
export const deadlines: Work = async (connection, count, { watch, end }) => {
  const standing = await connection.openPublisher();
  stand(standing.publish("", "ack", NEVER, { timeoutMs: HOUR }));
  await inParallel(count, async () => {
    const publisher = watch(await connection.openPublisher());
    await end(publisher.publish("", "ack", BODY, { timeoutMs: 2 * HOUR }));
    await publisher.close();
  });
};

/** Mandatory publishes that are confirmed; one before them, of the same routing key, is not. */
export const mandatory: Work = async (connection, count, { watch, end }) => {
  const publisher = await connection.openPublisher();
  stand(publisher.publish("", "ack", NEVER, { mandatory: true }));
  await inParallel(count, () => {
    const published = publisher.publish("", "ack", BODY, { mandatory: true });
    return end(watch(published));
  });
};

/** Waits for confirms that are given up; another wait, before them, is not. */
export const waits: Work = async (connection, count, { watch, end }) => {
  const publisher = await connection.openPublisher();
  stand(publisher.publish("", "ack", NEVER));
  stand(publisher.waitForConfirms());
  await inParallel(count, () => {
    const controller = new AbortController();
    const waiting = end(watch(publisher.waitForConfirms(controller)));
    controller.abort();
    return waiting;
  });
};

/** The same where a thousand publishes have failed, which the next wait is to tell. */
export const waitsAfterFailures: Work = async (connection, count, { end }) => {
  const publisher = await connection.openPublisher();
  stand(publisher.publish("", "ack", NEVER));
  await inParallel(1000, () => publisher.publish("", "nack", BODY).then(undefined, () => {}));
  await inParallel(count, () => {
    const controller = new AbortController();
    const waiting = end(publisher.waitForConfirms(controller));
    controller.abort();
    return waiting;
  });
};

/** Batches that are given up while they wait for room in the window. */
export const batches: Work = async (connection, count, { end }) => {
  const publisher = await connection.openPublisher({ maxUnconfirmed: 1 });
  stand(publisher.publish("", "ack", NEVER));
  await inParallel(count, () => {
    const controller = new AbortController();
    const publishing = end(publisher.publishAll([{ routingKey: "ack", body: BODY }], controller));
    controller.abort();
    return publishing;
  });
};

/** It is settled by the end of the connection, and nobody minds how. */
function stand(promise: Promise<unknown>): void {
  promise.catch(() => {});
}
