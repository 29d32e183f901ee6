/** The queue that a real broker gets the messages in, emptied between rounds. */
import { connect } from "../../src/index.ts";
import type { Target } from "./measure.ts";

/** Declares a queue that goes with the connection. */
export async function openBenchQueue(url: string): Promise<Target & { close(): Promise<void> }> {
  const connection = await connect(url);
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare("", { autoDelete: false });
  return {
    url,
    queue,
    empty: async () => {
      await channel.queuePurge(queue);
    },
    close: async () => {
      await channel.queueDelete(queue);
      await connection.close();
    },
  };
}
