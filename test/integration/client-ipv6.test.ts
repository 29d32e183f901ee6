import { once } from "node:events";
import {
  type AddressInfo,
  connect as connectTcp,
  createServer,
  type Server,
  type Socket,
} from "node:net";
import { expect } from "chai";
import { type Connection, ConnectionLostError, connect } from "../../src/index.ts";
import { againstBothBrokers } from "../support/both-brokers.ts";
import { failure, IPV6_LOOPBACK } from "../support/environment.ts";
import { freePort } from "../support/rabbitmq.ts";

const LOOPBACK = "::1";

againstBothBrokers("an IPv6 address", (url) => {
  async function works(connecting: Promise<Connection>): Promise<void> {
    const connection = await connecting;
    const publisher = await connection.openPublisher();
    expect(await publisher.publish("", "nowhere", "x")).to.include({ deliveryTag: 1 });
    await connection.close();
  }

  if (IPV6_LOOPBACK === undefined) {
    it("is told to be out of reach on a machine without any, and the next host is tried", async () => {
      const port = await freePort();
      const error = await failure(connect(`amqp://[${LOOPBACK}]:${port}`), ConnectionLostError);
      expect(error.phase).to.equal("tcp");
      expect(error.message).to.include(`[${LOOPBACK}]:${port}`);
      const { hostname, port: other } = new URL(url());
      await works(
        connect({
          hosts: [
            { hostname: LOOPBACK, port },
            { hostname, port: Number(other) },
          ],
        }),
      );
    });
    return;
  }

  /** Listens on ::1 for a broker that may listen on 127.0.0.1 only. */
  let door: Server;
  let port: number;
  const from: (string | undefined)[] = [];

  before(async () => {
    const target = new URL(url());
    door = createServer((socket) => {
      from.push(socket.remoteAddress);
      join(socket, connectTcp(Number(target.port), target.hostname));
    });
    door.listen(0, LOOPBACK);
    await once(door, "listening");
    port = (door.address() as AddressInfo).port;
  });
  beforeEach(() => from.splice(0));
  after(async () => {
    door.close();
    await once(door, "close");
  });

  it("is where a URI in brackets leads to, with and without a zone", async () => {
    await works(connect(`amqp://guest:guest@[${LOOPBACK}]:${port}`));
    await works(connect(`amqp://guest:guest@[${LOOPBACK}%25${IPV6_LOOPBACK}]:${port}`));
    expect(from).to.deep.equal([LOOPBACK, LOOPBACK]);
  });

  it("is one of the options, as it is and as a URL has it", async () => {
    await works(connect({ hostname: LOOPBACK, port }));
    await works(connect({ hostname: new URL(`amqp://[${LOOPBACK}]`).hostname, port }));
    await works(
      connect({
        hosts: [
          { hostname: LOOPBACK, port: await freePort() },
          { hostname: LOOPBACK, port },
        ],
      }),
    );
    expect(from).to.deep.equal([LOOPBACK, LOOPBACK, LOOPBACK]);
  });

  it("is named in the error when nobody listens there", async () => {
    const closed = await freePort();
    const error = await failure(connect(`amqp://[${LOOPBACK}]:${closed}`), ConnectionLostError);
    expect(error.phase).to.equal("tcp");
    expect(error.message).to.match(
      new RegExp(`could not connect to \\[::1\\]:${closed}: .*ECONNREFUSED`),
    );
  });
});

function join(one: Socket, other: Socket): void {
  for (const socket of [one, other]) socket.on("error", () => {});
  one.on("close", () => other.destroy());
  other.on("close", () => one.destroy());
  one.pipe(other).pipe(one);
}
