/**
 * The null broker in a process of its own: `node -r ts-node/register null-broker.ts '{...}'`.
 *
 *                          this -> { port }                     once it listens
 *     parent -> "usage"    this -> { cpuMicros, messages }      what it has used and got so far
 */
import { createNullServer, type NullBrokerOptions } from "./null-server.ts";

/** What a null broker has used and got so far. */
export interface BrokerUsage {
  /** Microseconds of CPU. */
  readonly cpuMicros: number;
  /** Messages that came in whole. */
  readonly messages: number;
}

const options = JSON.parse(process.argv[1] ?? "{}") as NullBrokerOptions;
const { server, messages } = createNullServer(options);
// A thousand connections come faster than they are taken.
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : undefined });
});
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system, messages: messages() } satisfies BrokerUsage);
});
process.on("disconnect", () => process.exit());
