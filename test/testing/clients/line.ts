/** A line between a client and its broker that can be cut, as often as one likes. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A line to a broker. */
export interface Line extends AsyncDisposable {
  /** The broker's, by way of this line. */
  readonly url: string;
  /** Resets all connections that go over it; new ones can be made at once. */
  cut(): void;
}

/** Lays a line to the broker with this URL. */
export async function layLine(url: string): Promise<Line> {
  const sockets = new Set<Socket>();
  const broker = new URL(url);
  const server = createServer((near) => {
    const far = connect(Number(broker.port), broker.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const cut = (): void => {
    for (const socket of [...sockets]) {
      // One that has said its end cannot be reset: Node would keep its handle, and the process, for ever.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  };
  const { port } = server.address() as AddressInfo;
  return {
    url: Object.assign(new URL(url), { hostname: "127.0.0.1", port: `${port}` }).href,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
