/** A transcript for people, one line for each thing that happened. */
import { type Broken, type Frame, FrameStream } from "./frames.ts";
import type { Entry } from "./transcript.ts";

/** Lists the entries; their numbers are those in the judge's problems. */
export function print(transcript: readonly Entry[], frameMax: number): string {
  const client = new FrameStream("client", frameMax);
  const server = new FrameStream("server", frameMax);
  const lines: string[] = [];
  let quiet: string | undefined;
  transcript.forEach((entry, at) => {
    const text = describe(entry, client, server);
    // That nothing is left to do is worth a line where the numbers are others than before.
    if (text === undefined || text === quiet) return;
    if (entry.what === "quiet") quiet = text;
    lines.push(`${String(at).padStart(4)}  ${text}`);
  });
  return lines.join("\n");
}

function describe(entry: Entry, client: FrameStream, server: FrameStream): string | undefined {
  switch (entry.what) {
    case "wrote":
      return `client ---> ${frames(client, entry.octets)}`;
    case "delivered":
      return `client <--- ${frames(server, entry.octets)}`;
    case "turn ends":
    case "flushed":
      return undefined;
    case "publishes": {
      const { id, member, message, timeoutMs, signal } = entry;
      const { exchange, routingKey, mandatory, immediate } = message;
      const bounds = `timeoutMs ${timeoutMs}, signal ${signal}`;
      const flags = `${mandatory ? ", mandatory" : ""}${immediate ? ", immediate" : ""}`;
      const to = `"${exchange}" "${routingKey.slice(0, 40)}"${flags}`;
      return `member ${member} publishes ${id} to ${to}; ${bounds}`;
    }
    case "said":
      return `publish ${entry.id} was told: ${entry.saying.ending} ${entry.saying.text}`;
    case "quiet": {
      const members = entry.members.map((each) => `${each.queued}/${each.unconfirmed}`);
      return `quiet; queued/unconfirmed: ${members.join(" ")}; buffered: ${entry.bufferedBytes}`;
    }
    case "mistake":
      return `MISTAKE: ${entry.text}`;
    default: {
      const { what, ...rest } = entry;
      const shown = JSON.stringify(rest, (_key, value) =>
        value instanceof Error ? `${value.name}: ${value.message}` : value,
      );
      return `${what} ${shown}`;
    }
  }
}

function frames(stream: FrameStream, octets: Uint8Array): string {
  return `${octets.length} octets: ${stream.read(octets).map(describeFrame).join(", ")}`;
}

function describeFrame(frame: Frame | Broken): string {
  const { channel } = frame;
  if (frame.type === "broken") return `BROKEN ${frame.rule.message}`;
  if (frame.type === "body") return `${channel} body of ${frame.octets.length}`;
  if (frame.type === "header") return `${channel} header for ${frame.bodySize}`;
  if (frame.type === "heartbeat") return "heartbeat";
  const { name, ...rest } = frame.method as { name: string; [field: string]: unknown };
  const fields = ["deliveryTag", "multiple", "exchange", "routingKey", "replyCode", "replyText"];
  const shown = [...fields, "classId", "methodId", "active"].flatMap((field) =>
    rest[field] === undefined ? [] : [String(rest[field]).slice(0, 80)],
  );
  return `${channel} ${name}(${shown.join(" ")})`;
}
