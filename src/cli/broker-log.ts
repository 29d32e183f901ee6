/** What `amqp091 broker` says while it runs: one line for each thing that somebody wants to know. */
import type { BrokerConnection, BrokerEvent, EmbeddedBroker } from "../testing.ts";
import type { Paint } from "./paint.ts";
import { printable } from "./printable.ts";
import { formatCount } from "./table.ts";

/** The line for an event, without the time; undefined for one that is for `--verbose` only. */
export function describeEvent(
  event: BrokerEvent,
  verbose: boolean,
  paint: Paint,
): string | undefined {
  switch (event.type) {
    case "connectionOpened": {
      const { user, vhost } = event.connection;
      return `${nameOf(event.connection)} ${paint.good("connected")} as ${printable(user)}, virtual host ${printable(vhost)}`;
    }
    case "connectionRefused":
      return `${clientOf(event.name)} ${paint.bad("was not let in")}: ${oneLine(event.reason)}`;
    case "connectionClosed": {
      const { by, replyCode, replyText = "" } = event;
      const who = nameOf(event.connection);
      if (by === "network") return `${who} ${paint.bad("was lost")}: no connection.close came`;
      if (by === "broker") {
        return `${who} ${paint.bad("was closed")}: ${replyCode} ${oneLine(replyText)}`;
      }
      const usual = replyCode === 200 || replyCode === 0;
      return `${who} closed${usual ? "" : `: ${replyCode} ${oneLine(replyText)}`}`;
    }
    case "channelClosed": {
      const { channel, replyCode, replyText } = event;
      const who = `${nameOf(event.connection)} channel ${channel}`;
      return `${who} ${paint.bad("was closed")}: ${replyCode} ${oneLine(replyText)}`;
    }
    default:
      if (!verbose) return undefined;
      return `${TOPOLOGY[event.type]} ${printable(event.name)}${where(event.vhost)}`;
  }
}

/** How many messages are where, as a line; for `--verbose`. */
export function describeQueues(broker: EmbeddedBroker, vhosts: readonly string[]): string {
  const queues = vhosts.flatMap((vhost) => broker.queues(vhost));
  const busy = queues.filter(
    ({ messageCount, unacknowledgedCount }) => messageCount + unacknowledgedCount > 0,
  );
  if (busy.length === 0) return "all queues are empty";
  const shown = busy.slice(0, QUEUES_SHOWN).map((queue) => {
    const { name, vhost, messageCount, unacknowledgedCount } = queue;
    const counts = `${formatCount(messageCount)} ready, ${formatCount(unacknowledgedCount)} unacknowledged`;
    return `${printable(name)}${where(vhost)}: ${counts}`;
  });
  const more = busy.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more queues`] : [])].join("; ");
}

const QUEUES_SHOWN = 5;

const TOPOLOGY = {
  queueDeclared: "declared queue",
  queueDeleted: "deleted queue",
  exchangeDeclared: "declared exchange",
  exchangeDeleted: "deleted exchange",
} as const;

/** What the client calls itself, and where it comes from. */
function nameOf({ name, connectionName }: BrokerConnection): string {
  const client = clientOf(name);
  return connectionName === undefined ? client : `${client} (${oneLine(connectionName)})`;
}

/** The client's end of a connection. */
function clientOf(name: string): string {
  return name.slice(0, name.indexOf(" "));
}

function where(vhost: string): string {
  return vhost === "/" ? "" : ` in virtual host ${printable(vhost)}`;
}

function oneLine(text: string): string {
  return printable(text).replaceAll("\n", " ");
}
