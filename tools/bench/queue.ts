/** The queue that a real broker gets the messages in, emptied between rounds. */
import { connect } from "../../src/index.ts";
import type { Target } from "./measure.ts";

/** A queue for a benchmark. */
export interface BenchQueue extends Target {
  /** Product and version of the broker, as it calls itself. */
  readonly broker: string;
  close(): Promise<void>;
}

/** Declares a queue, which goes at close(), or an hour after a run that was broken off. */
export async function openBenchQueue(url: string): Promise<BenchQueue> {
  const connection = await connect(url);
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare("", { arguments: { "x-expires": EXPIRES_MS } });
  const { product, version } = connection.serverProperties;
  return {
    url,
    queue,
    broker: `${product ?? "a broker"} ${version ?? ""}`.trim(),
    empty: async () => {
      await channel.queuePurge(queue);
      // Purging is no use of a queue; declaring it again is.
      await channel.queueDeclare(queue, { passive: true });
    },
    close: async () => {
      await channel.queueDelete(queue);
      await connection.close();
    },
  };
}

const EXPIRES_MS = 3_600_000;
