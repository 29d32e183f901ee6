import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { ConnectionLostError, UsageError } from "../../src/errors.ts";
import { openSocket } from "../../src/transport/socket.ts";
import type { TransportTarget } from "../../src/transport/transport.ts";
import { failure, until } from "../support/environment.ts";

describe("socket transport", () => {
  let server: Server;
  let target: TransportTarget;
  let accepted: Promise<Socket>;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    server = createServer().listen(0, "127.0.0.1");
    accepted = once(server, "connection").then(([socket]) => {
      sockets.push(socket as Socket);
      (socket as Socket).on("error", () => {});
      return socket as Socket;
    });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const hostname = "127.0.0.1";
    target = { hostname, port, tls: undefined, noDelay: true, keepAliveMs: 1_000 };
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    await once(server, "close");
  });

  /** Opens a transport and notes what it tells. */
  async function open(): Promise<{
    transport: Awaited<ReturnType<typeof openSocket>>;
    peer: Socket;
    told: string[];
    received: () => string;
  }> {
    const transport = await openSocket(target, new AbortController().signal);
    const peer = await accepted;
    const told: string[] = [];
    const pieces: Buffer[] = [];
    transport.start({
      data: (bytes) => pieces.push(Buffer.from(bytes)),
      flushed: () => told.push(`flushed ${transport.bufferedBytes}`),
      closed: (cause) => told.push(`closed ${cause?.message ?? ""}`.trim()),
    });
    return { transport, peer, told, received: () => Buffer.concat(pieces).toString() };
  }

  it("loses nothing that comes before start()", async () => {
    server.once("connection", (socket) => socket.write("early"));
    const transport = await openSocket(target, new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const pieces: string[] = [];
    const closed = new Promise<Error | undefined>((resolve) => {
      transport.start({
        data: (bytes) => pieces.push(Buffer.from(bytes).toString()),
        flushed: () => {},
        closed: resolve,
      });
    });
    await until(() => pieces.join("") === "early");
    transport.destroy();
    expect(await closed).to.equal(undefined);
  });

  it("tells of a socket that was lost before start()", async () => {
    const transport = await openSocket(target, new AbortController().signal);
    (await accepted).resetAndDestroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => {
      transport.start({ data: () => {}, flushed: () => {}, closed: resolve });
    });
  });

  it("writes the pieces in order, as one, and tells when they are gone", async () => {
    const { transport, peer, told } = await open();
    const got: Buffer[] = [];
    peer.on("data", (piece: Buffer) => got.push(piece));
    transport.write(["a", "", "bc", "d"].map((text) => Buffer.from(text)));
    transport.write([Buffer.from("e")]);
    await until(() => Buffer.concat(got).toString() === "abcde");
    await until(() => told.length === 2);
    expect(told).to.deep.equal(["flushed 0", "flushed 0"]);
    transport.destroy();
  });

  it("knows how much it holds", async () => {
    const { transport, peer, told } = await open();
    peer.pause();
    const piece = Buffer.alloc(1 << 20);
    for (let i = 0; i < 32; i++) transport.write([piece]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(transport.bufferedBytes).to.be.greaterThan(10 << 20);
    peer.resume();
    await until(() => transport.bufferedBytes === 0);
    await until(() => told.at(-1) === "flushed 0");
    transport.destroy();
  });

  it("sends what was written before end(), and tells of the end once", async () => {
    const { transport, peer, told } = await open();
    const got: Buffer[] = [];
    peer.on("data", (piece: Buffer) => got.push(piece));
    transport.write([Buffer.from("last words")]);
    transport.end();
    await once(peer, "end");
    expect(Buffer.concat(got).toString()).to.equal("last words");
    await until(() => told.includes("closed"));
    expect(told.filter((line) => line.startsWith("closed"))).to.deep.equal(["closed"]);
  });

  it("takes the peer's end for the end, and gives what came before it", async () => {
    const { peer, told, received } = await open();
    peer.end("bye");
    await until(() => told.includes("closed"));
    expect(received()).to.equal("bye");
  });

  it("gives the cause when it was an error", async () => {
    const { peer, told } = await open();
    peer.resetAndDestroy();
    await until(() => told.length > 0);
    expect(told).to.deep.equal(["closed read ECONNRESET"]);
  });

  it("says nothing of what was flushed once it is destroyed", async () => {
    const { transport, peer, told } = await open();
    peer.pause();
    for (let i = 0; i < 32; i++) transport.write([Buffer.alloc(1 << 20)]);
    transport.destroy();
    await until(() => told.includes("closed"));
    expect(told).to.deep.equal(["closed"]);
  });

  it("names the phase that it came to", async () => {
    const { signal } = new AbortController();
    const unresolved = { ...target, hostname: "no-such-host.invalid" };
    const error = await failure(openSocket(unresolved, signal), ConnectionLostError);
    expect(error.phase).to.equal("resolve");
    server.close();
    const closedPort = await failure(openSocket(target, signal), ConnectionLostError);
    expect(closedPort.phase).to.equal("tcp");
    expect(closedPort.message).to.match(new RegExp(`127\\.0\\.0\\.1:${target.port}`));
    server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  it("names every address that it tried", async () => {
    // localhost may have two addresses; Node's own error for that has an empty message.
    const { port } = target;
    server.close();
    const nowhere = { ...target, hostname: "localhost", port };
    const error = await failure(openSocket(nowhere, new AbortController().signal));
    expect(error.message).to.match(/ECONNREFUSED/);
    server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  it("refuses what Node refuses, as the caller's mistake", async () => {
    const { signal } = new AbortController();
    for (const mistake of [{ hostname: 42 as unknown as string }, { port: 70_000 }]) {
      const error = await failure(openSocket({ ...target, ...mistake }, signal), UsageError);
      expect(error.phase).to.equal("tcp");
    }
  });

  it("gives up with the signal, also with one that fired before", async () => {
    const controller = new AbortController();
    const opening = failure(openSocket(target, controller.signal), ConnectionLostError);
    controller.abort(new Error("enough"));
    expect((await opening).cause).to.include({ message: "enough" });
    const again = await failure(openSocket(target, controller.signal), ConnectionLostError);
    expect(again.cause).to.include({ message: "enough" });
  });
});
