/** What a broker holds, in one sentence: for the errors of waits that were not fulfilled. */
import type { VirtualHost } from "../virtual-host.ts";
import { plural } from "../waiting.ts";
import type { BrokerConnection } from "./connection-view.ts";

/** The connections and the queues that there are. */
export function describeBroker(
  connections: readonly BrokerConnection[],
  vhosts: readonly VirtualHost[],
): string {
  const queues = vhosts.flatMap((vhost) =>
    vhost.queues.map(({ name, messageCount, unacknowledgedCount, consumerCount }) => {
      const where = vhosts.length > 1 ? ` in vhost '${vhost.name}'` : "";
      const messages = `${messageCount} ready, ${unacknowledgedCount} unacknowledged`;
      return `'${name}'${where} (${messages}, ${plural(consumerCount, "consumer")})`;
    }),
  );
  const clients = connections.map(({ name, connectionName = name, user, channels }) => {
    const modes = channels.map(({ number, mode }) =>
      mode === "normal" ? `${number}` : `${number} in ${mode} mode`,
    );
    return `'${connectionName}' of ${user} (${modes.length === 0 ? "no channels" : `channels ${modes.join(", ")}`})`;
  });
  return `the broker has ${listed(clients, "connection")}, and ${listed(queues, "queue")}`;
}

/** A condition as it stands in the test, if that is not too long. */
export function describeCondition(condition: (...args: never[]) => unknown): string {
  const source = condition.toString().replace(/\s+/g, " ");
  return source.length <= LONGEST_SOURCE ? source : `${source.slice(0, LONGEST_SOURCE - 3)}...`;
}

function listed(all: readonly string[], what: string): string {
  if (all.length === 0) return plural(0, what);
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : "";
  return `${plural(all.length, what)}: ${all.slice(0, SHOWN).join(", ")}${more}`;
}

const SHOWN = 10;
const LONGEST_SOURCE = 120;
