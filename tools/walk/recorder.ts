/** A proxy for one connection, which keeps the frames of both directions in the order they end. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { CapturedFrame } from "./document.ts";
import { dissect, type Sender } from "./rows.ts";

/** How a recording goes. */
export interface RecorderOptions {
  /** The broker, on 127.0.0.1. */
  readonly port: number;
  /** Whether the line breaks as soon as the client has sent a message: the broker never sees it. */
  readonly cutAtPublish: boolean;
}

/** Records one conversation: gives the port to connect to, and its frames when it is over. */
export async function record(options: RecorderOptions): Promise<{
  readonly port: number;
  stop(): Promise<CapturedFrame[]>;
}> {
  const frames: CapturedFrame[] = [];
  const server = createServer((near) => {
    const far = connect(options.port, "127.0.0.1");
    tee("client", near, far);
    tee("server", far, near);
  });
  const tee = (sender: Sender, from: Socket, to: Socket): void => {
    let rest = Buffer.alloc(0);
    from.on("data", (octets: Buffer) => {
      rest = Buffer.concat([rest, octets]);
      for (let size = sizeOf(rest); size <= rest.length; size = sizeOf(rest)) {
        frames.push({ sender, octets: new Uint8Array(rest.subarray(0, size)) });
        rest = rest.subarray(size);
      }
      if (options.cutAtPublish && hasMessage(frames)) {
        from.destroy();
        to.destroy();
      } else to.write(octets);
    });
    from.on("error", () => to.destroy());
    from.on("close", () => to.end());
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close();
      await once(server, "close");
      return frames;
    },
  };
}

/** Octets of the frame, or protocol header, that these begin with; endless if that is not known. */
function sizeOf(octets: Buffer): number {
  if (octets.length < 8) return Number.POSITIVE_INFINITY;
  return octets.toString("latin1", 0, 4) === "AMQP" ? 8 : octets.readUInt32BE(3) + 8;
}

function hasMessage(frames: readonly CapturedFrame[]): boolean {
  return frames.some(({ octets }) => dissect(octets).name === "body");
}
