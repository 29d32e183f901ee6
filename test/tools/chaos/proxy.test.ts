import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { FaultyProxy, type Link } from "../../../tools/chaos/proxy.ts";
import { Random } from "../../../tools/chaos/random.ts";
import { stillPending, until } from "../../support/environment.ts";

/** One side of a connection, with everything that it has received. */
class Side {
  readonly socket: Socket;
  readonly pieces: Buffer[] = [];
  octets = 0;
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data: Buffer) => {
      this.pieces.push(data);
      this.octets += data.length;
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("error", (error) => {
      this.error = error;
    });
    socket.on("close", () => {
      this.closed = true;
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

/** More octets than the sockets on the way hold. */
const MANY = 40_000_000;

describe("faulty proxy", () => {
  let server: Server;
  let proxy: FaultyProxy;
  let client: Side;
  let broker: Side;
  let link: Link;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    proxy = await FaultyProxy.start((server.address() as AddressInfo).port);
  });
  afterEach(async () => {
    client.socket.destroy();
    broker.socket.destroy();
    await proxy.stop();
    server.close();
  });

  async function open(onLink: (link: Link) => void = () => {}): Promise<void> {
    proxy.onLink = (each) => {
      link = each;
      onLink(each);
    };
    const accepted = once(server, "connection");
    client = new Side(connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true }));
    broker = new Side((await accepted)[0] as Socket);
  }

  it("forwards both ways and adds nothing", async () => {
    await open();
    const up = Buffer.alloc(3_000_000, "up");
    client.socket.write(up);
    broker.socket.write("down");
    await until(() => broker.octets === up.length && client.octets === 4);
    expect(broker.received.equals(up)).to.equal(true);
    expect(client.received.toString()).to.equal("down");
  });

  it("shows what clients send", async () => {
    let seen = "";
    proxy.onClientOctets = (_link, octets) => {
      seen += Buffer.from(octets).toString();
    };
    await open();
    client.socket.write("up");
    broker.socket.write("down");
    await until(() => seen === "up" && client.octets === 4);
    expect(seen).to.equal("up");
  });

  it("passes an end on, one way", async () => {
    await open();
    client.socket.end("last words");
    await until(() => broker.ended);
    expect(broker.received.toString()).to.equal("last words");
    broker.socket.write("answer");
    await until(() => client.octets === 6);
    broker.socket.end();
    await link.closed;
    expect(proxy.links).to.deep.equal([]);
  });

  it("hangs up on the client where there is no broker", async () => {
    const { port } = proxy;
    server.close();
    client = new Side(connect({ port, host: "127.0.0.1" }));
    broker = client;
    await until(() => client.closed);
  });

  for (const [direction, how] of [
    ["up", "end"],
    ["up", "close"],
    ["down", "end"],
    ["down", "close"],
  ] as const) {
    it(`severs after an octet (${direction}, ${how})`, async () => {
      let severed = 0;
      await open((each) => each.severAfter(direction, 1_000, how, () => severed++));
      const [from, to] = direction === "up" ? [client, broker] : [broker, client];
      from.socket.write(Buffer.alloc(600, 1));
      await until(() => to.octets === 600);
      expect(severed).to.equal(0);
      from.socket.write(Buffer.alloc(600, 2));
      await until(() => to.ended || to.closed);
      expect(to.received).to.have.length(1_000);
      expect(severed).to.equal(1);
      expect(link.severed).to.equal(true);
      await link.closed;
    });
  }

  it("severs before the first octet", async () => {
    proxy.onLink = (each) => each.severAfter("up", 0, "end", () => {});
    client = new Side(connect({ port: proxy.port, host: "127.0.0.1" }));
    broker = client;
    client.socket.write("x");
    await until(() => client.closed);
    expect(client.received).to.have.length(0);
  });

  it("resets both sides", async () => {
    await open();
    client.socket.write("x");
    await until(() => broker.octets === 1);
    link.sever("reset");
    await until(() => client.closed && broker.closed);
    expect([client.error?.code, broker.error?.code]).to.deep.equal(["ECONNRESET", "ECONNRESET"]);
  });

  it("stalls one way, and goes on with what has gathered", async () => {
    await open();
    link.stall(["down"]);
    client.socket.write("up");
    broker.socket.write("down");
    await until(() => broker.octets === 2);
    await stillPending(until(() => client.octets > 0));
    link.resume();
    await until(() => client.octets === 4);
  });

  it("does not wake a stalled direction for a drain", async () => {
    await open();
    broker.socket.pause();
    client.socket.write(Buffer.alloc(MANY));
    await stillPending(until(() => client.socket.writableLength === 0));
    link.stall(["up"]);
    broker.socket.resume();
    await stillPending(
      until(() => broker.octets === MANY),
      100,
    );
    link.resume();
    await until(() => broker.octets === MANY);
  });

  it("splits into many pieces, in order", async () => {
    await open((each) => each.split(new Random(1)));
    const octets = Buffer.from(Array.from({ length: 5_000 }, (_, i) => i & 0xff));
    client.socket.end(octets);
    broker.socket.write(octets);
    await until(() => broker.ended && client.octets === octets.length);
    expect(broker.received.equals(octets)).to.equal(true);
    expect(client.received.equals(octets)).to.equal(true);
    expect(broker.pieces.length).to.be.greaterThan(10);
  });
});
