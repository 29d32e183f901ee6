/** The proxy of `amqp091 tap` as sockets see it: octets, their pace, and the ends of connections. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { expect } from "chai";
import type { PairListener } from "../../src/cli/tap-pair.ts";
import { type ProxyOptions, TapProxy } from "../../src/cli/tap-proxy.ts";
import { connect as connectAmqp } from "../../src/index.ts";
import { startBroker } from "../../src/testing.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { failure, until } from "../support/environment.ts";
import { addressOf } from "./tap-command.ts";

describe("the proxy of amqp091 tap", () => {
  let server: Server;
  let proxy: TapProxy;
  let told: string[];
  const octets = { client: 0, server: 0 };
  const sockets: Socket[] = [];
  let certificates: Certificates;
  before(async () => {
    certificates = await makeCertificates();
  });
  after(() => certificates.remove());
  beforeEach(() => {
    told = [];
    octets.client = 0;
    octets.server = 0;
  });
  afterEach(async () => {
    await proxy.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
  });

  async function start(its: Server, options: Partial<ProxyOptions> = {}): Promise<void> {
    server = its;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    proxy = await startProxy({ to: { hostname: "127.0.0.1", port }, ...options });
  }

  function startProxy(
    options: Partial<ProxyOptions> & Pick<ProxyOptions, "to">,
  ): Promise<TapProxy> {
    const listen = { hostname: "127.0.0.1", port: 0 };
    return TapProxy.start(
      { listen, listenTls: undefined, toTls: undefined, ...options },
      {
        opened: (): PairListener => ({
          octets(from, bytes) {
            octets[from] += bytes.length;
          },
          ended: (from) => told.push(`${from} ended`),
          closed: (reset) => told.push(reset ? `reset by the ${reset.by}` : "closed"),
        }),
        refused: (_, why) => told.push(why),
      },
    );
  }

  /** Both ends of a connection through the proxy. */
  async function join(dial = plain): Promise<{ client: Socket; far: Socket }> {
    const [client, [far]] = await Promise.all([
      dial(),
      once(server, isTls() ? "secureConnection" : "connection"),
    ]);
    sockets.push(client, far);
    for (const socket of [client, far]) socket.on("error", () => {});
    return { client, far };
  }

  const isTls = (): boolean => "setSecureContext" in server;

  async function plain(): Promise<Socket> {
    const client = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
    await once(client, "connect");
    return client;
  }

  /** A client that says something and is closed for it. */
  async function closedClient(says = ""): Promise<void> {
    const client = connect(proxy.port, "127.0.0.1");
    sockets.push(client);
    client.on("error", () => {}).resume();
    client.write(says);
    await once(client, "close");
    await until(() => told.length > 0);
  }

  async function secure(): Promise<Socket> {
    const { port } = proxy;
    const ca = certificates.ca.cert;
    const half = { allowHalfOpen: true }; // Node takes it, its types do not
    const client = connectTls({ port, host: "localhost", ca, ...half });
    await once(client, "secureConnect");
    return client;
  }

  const halfOpen = (): Server => createServer({ allowHalfOpen: true });

  async function readAll(socket: Socket): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of socket.iterator({ destroyOnReturn: false })) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  const tlsOptions = (): Partial<ProxyOptions> => ({
    listenTls: {
      cert: Buffer.from(certificates.server.cert),
      key: Buffer.from(certificates.server.key),
    },
    toTls: { ca: certificates.ca.cert, servername: "localhost" },
  });
  const tlsServer = (): Server =>
    createTlsServer({
      cert: certificates.server.cert,
      key: certificates.server.key,
      allowHalfOpen: true,
    });

  const ways: [
    how: string,
    make: () => Server,
    options: () => Partial<ProxyOptions>,
    dial: () => Promise<Socket>,
  ][] = [
    ["plain", halfOpen, () => ({}), plain],
    ["with TLS on both sides", tlsServer, tlsOptions, secure],
  ];
  for (const [how, make, options, dial] of ways) {
    it(`carries the same octets both ways, ${how}, and ends each direction by itself`, async () => {
      await start(make(), options());
      const { client, far } = await join(dial);
      const up = randomBytes(1_000_003);
      const down = randomBytes(1_500_007);
      client.end(up);
      expect(up.equals(await readAll(far))).to.equal(true);
      await until(() => told.includes("client ended"));
      expect(told).to.deep.equal(["client ended"]);
      far.end(down);
      expect(down.equals(await readAll(client))).to.equal(true);
      await until(() => told.includes("closed"));
      expect(told).to.deep.equal(["client ended", "server ended", "closed"]);
      expect(octets).to.deep.equal({ client: up.length, server: down.length });
    });

    for (const by of ["client", "server"] as const) {
      it(`passes a reset by the ${by} on, ${how}`, async () => {
        const raw: Socket[] = [];
        const its = make();
        its.on("connection", (socket) => raw.push(socket));
        await start(its, options());
        let tcp: Socket | undefined;
        const { client, far } = await join(async () => {
          if (dial === plain) return plain();
          tcp = await plain();
          const ca = certificates.ca.cert;
          const session = connectTls({
            socket: tcp,
            host: "localhost",
            servername: "localhost",
            ca,
          });
          await once(session, "secureConnect");
          return session;
        });
        tcp ??= client;
        client.write("x");
        far.resume();
        await until(() => octets.client === 1);
        const other = by === "client" ? far : client;
        other.resume();
        const lost = once(other, "error");
        (by === "client" ? tcp : (raw[0] as Socket)).resetAndDestroy();
        expect((await lost.catch((error) => [error]))[0]).to.have.property("code", "ECONNRESET");
        await until(() => told.length > 0);
        expect(told.at(-1)).to.equal(`reset by the ${by}`);
        expect(told.filter((each) => each.startsWith("reset"))).to.have.length(1);
      });
    }
  }

  it("takes no more from one side than the other reads", async () => {
    await start(halfOpen());
    const { client, far } = await join();
    far.pause();
    const size = 100_000_000;
    client.end(Buffer.alloc(size, 7));
    // What the sockets of three connections hold, and some more, but not all of it.
    await until(() => octets.client > 0);
    let before = -1;
    while (octets.client !== before) {
      before = octets.client;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(octets.client).to.be.within(1, size / 2);
    let read = 0;
    far.on("data", (piece) => {
      read += piece.length;
    });
    far.resume();
    await once(far, "end");
    expect(read).to.equal(size);
  }).timeout(30_000);

  it("verifies the broker's certificate", async () => {
    await start(tlsServer(), { toTls: {} });
    await closedClient();
    expect(told).to.have.length(1);
    expect(told[0]).to.match(/no TLS session with 127\.0\.0\.1:\d+: .*certificate.*; --ca names/);
  });

  it("wants the name in the broker's certificate to be the right one", async () => {
    await start(tlsServer(), { toTls: { ca: certificates.ca.cert, servername: "elsewhere" } });
    await closedClient();
    expect(told[0]).to.match(/--servername says which name to expect/);
  });

  it("closes a client that speaks no TLS where it has to, and says so", async () => {
    await start(tlsServer(), tlsOptions());
    await closedClient("AMQP\0\0\x09\x01");
    expect(told[0]).to.match(/^no TLS session with the client: /);
  });

  it("gives up a broker that takes the connection and no TLS session", async () => {
    await start(halfOpen(), { toTls: {}, connectTimeoutMs: 50 });
    await closedClient();
    expect(told[0]).to.match(/no TLS session with .*: no answer within 50 ms/);
  });

  it("carries our client with TLS, and is itself the reason when it ends", async () => {
    await start(halfOpen());
    await proxy.close();
    const broker = await startBroker();
    const [hostname = "", port] = addressOf(broker.url).split(":");
    const { listenTls } = tlsOptions();
    proxy = await startProxy({ to: { hostname, port: Number(port) }, listenTls });
    const url = `amqps://guest:guest@localhost:${proxy.port}`;
    await failure(connectAmqp(url));
    const connection = await connectAmqp(url, { tls: { ca: certificates.ca.cert } });
    await connection.openPublisher();
    await proxy.close();
    expect((await connection.closed)?.name).to.equal("ConnectionLostError");
    proxy = await startProxy({ to: { hostname, port: Number(port) } });
    await broker.stop();
  });
});
