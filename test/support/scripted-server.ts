/**
 * A server that does exactly what a test says and nothing by itself: it accepts connections on a
 * loopback port and hands out what clients send, method by method. What it sends back are methods,
 * content or raw octets, in pieces of any size; it may stall, end, or reset the connection. Octets
 * are made and read by the scripted peer's codec, which has nothing in common with the client's.
 *
 * Every expectation has a deadline, so that a client which says nothing fails its test with a
 * sentence that tells what was due.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import {
  type BasicProperties,
  type Channel,
  type Connection,
  type ConnectOptions,
  connect,
  type FieldTable,
  type Publisher,
  type PublisherOptions,
  type Tuning,
} from "../../src/index.ts";
import {
  encodeContent,
  encodeHeartbeat,
  encodeMethod,
} from "../../src/testing/scripted-peer/encode.ts";
import { FrameReader } from "../../src/testing/scripted-peer/frame-reader.ts";
import { octetsOf } from "../../src/testing/scripted-peer/octets.ts";
import type { Received } from "../../src/testing/scripted-peer/received.ts";
import { METHODS } from "../../src/wire/generated/method-table.ts";
import type {
  BasicPublish,
  BasicReturn,
  ClientMethod,
  ConnectionOpen,
  ConnectionStartOk,
  ConnectionTuneOk,
  ContentMethod,
  ServerMethod,
} from "../../src/wire/generated/methods.ts";

/** What a client sent: a method with its content, a heartbeat, the end, or what is not AMQP. */
export interface Arrival {
  readonly name: ClientMethod["name"] | "protocol-header" | "heartbeat" | "end" | "garbage";
  readonly channel: number;
  readonly method: ClientMethod | undefined;
  readonly properties: BasicProperties;
  readonly body: Uint8Array;
}

/** A method that is expected, with its content if it has one. */
export type Expected<N extends ClientMethod["name"]> = Arrival & {
  readonly method: Extract<ClientMethod, { name: N }>;
};

/** What the server says in the handshake where it is not to say the usual. */
export interface HandshakeOptions extends Partial<Tuning> {
  readonly mechanisms?: string;
  readonly serverProperties?: FieldTable;
}

/** What the client said in the handshake. */
export interface Handshake {
  readonly startOk: ConnectionStartOk;
  readonly tuneOk: ConnectionTuneOk;
  readonly open: ConnectionOpen;
}

/** A publish under way. */
interface Content {
  readonly method: BasicPublish;
  readonly pieces: Uint8Array[];
  /** Octets of the body that are to come; undefined before the header. */
  missing: number | undefined;
  properties: BasicProperties;
}

/** How long an expectation waits: far more than anything on loopback takes. */
const PATIENCE_MS = 3_000;

/** The server's side of one connection. */
export class Peer {
  readonly socket: Socket;
  readonly #reader = new FrameReader();
  /** Publishes whose content is not complete, by channel. */
  readonly #contents: Map<number, Content> = new Map();
  readonly #arrivals: Arrival[] = [];
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket.setNoDelay(true);
    socket.on("data", (piece) => this.#receive(piece));
    socket.on("error", () => {}); // "close" follows, and is an arrival
    socket.on("close", () => this.#arrive("end", 0));
  }

  // ----- what the client said -----

  /** The next arrival, whatever it is; heartbeats are left out unless asked for. */
  async next(options: { readonly heartbeats?: boolean } = {}): Promise<Arrival> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const arrival = this.#arrivals.shift();
      if (arrival === undefined) await this.#waitForArrival(deadline);
      else if (arrival.name !== "heartbeat" || options.heartbeats === true) return arrival;
    }
  }

  /** The next arrival, which must be this method. */
  async expect<N extends ClientMethod["name"]>(name: N): Promise<Expected<N>> {
    const arrival = await this.next().catch((error: Error) => {
      throw new Error(`${name} was due: ${error.message}`);
    });
    if (arrival.name !== name) {
      const detail = JSON.stringify(arrival.method ?? {});
      throw new Error(`${name} was due and ${arrival.name} ${detail} came`);
    }
    return arrival as Expected<N>;
  }

  /** The next arrivals, which must be so many publishes. */
  async expectPublishes(count: number): Promise<Expected<"basic.publish">[]> {
    const publishes: Expected<"basic.publish">[] = [];
    while (publishes.length < count) publishes.push(await this.expect("basic.publish"));
    return publishes;
  }

  /** Resolves when the client has closed its side or is gone; fails if it says anything before. */
  async expectEnd(): Promise<void> {
    const arrival = await this.next();
    if (arrival.name !== "end") throw new Error(`the end was due and ${arrival.name} came`);
  }

  /** What has arrived and was not asked for yet. */
  get waiting(): readonly Arrival["name"][] {
    return this.#arrivals.map(({ name }) => name);
  }

  // ----- what the server says -----

  /** Sends a method on a channel. */
  send(channel: number, method: ServerMethod): void {
    this.write(methodFrame(channel, method));
  }

  /** Sends a method that has content. */
  sendContent(
    channel: number,
    method: ContentMethod,
    body: Uint8Array | string,
    properties: BasicProperties = {},
  ): void {
    this.write(encodeContent(channel, method.name, method, body, properties));
  }

  /** Gives a publish back. */
  sendReturn(channel: number, publish: Expected<"basic.publish">, how: Partial<BasicReturn> = {}) {
    const { exchange, routingKey } = publish.method;
    this.sendContent(
      channel,
      {
        name: "basic.return",
        replyCode: 312,
        replyText: "NO_ROUTE",
        exchange,
        routingKey,
        ...how,
      },
      publish.body,
      publish.properties,
    );
  }

  ack(channel: number, deliveryTag: number, multiple = false): void {
    this.send(channel, { name: "basic.ack", deliveryTag, multiple });
  }

  nack(channel: number, deliveryTag: number, multiple = false): void {
    this.send(channel, { name: "basic.nack", deliveryTag, multiple, requeue: false });
  }

  heartbeat(): void {
    this.write(encodeHeartbeat());
  }

  /** Closes a channel; `cause` is the method of the client that did it. */
  closeChannel(
    channel: number,
    replyCode: number,
    replyText: string,
    cause?: ClientMethod["name"],
  ): void {
    this.send(channel, { name: "channel.close", replyCode, replyText, ...idsOf(cause) });
  }

  /** Closes the connection. */
  closeConnection(replyCode: number, replyText: string, cause?: ClientMethod["name"]): void {
    this.send(0, { name: "connection.close", replyCode, replyText, ...idsOf(cause) });
  }

  /** Sends octets as they are: bytes, text in Latin-1, or `hex:` and digits. */
  write(octets: Uint8Array | string): void {
    if (typeof octets !== "string") this.socket.write(octets);
    else if (!octets.startsWith("hex:")) this.socket.write(octets, "latin1");
    else this.socket.write(octetsOf(octets.slice(4)));
  }

  /** Sends octets in pieces, each in a turn of the event loop of its own. */
  async chop(octets: Uint8Array, pieceSize: number): Promise<void> {
    for (let at = 0; at < octets.length; at += pieceSize) {
      this.socket.write(octets.subarray(at, at + pieceSize));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Reads nothing any more: what the client writes stays in the buffers of the kernel. */
  stall(): void {
    this.socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.socket.resume();
  }

  /** Closes the stream in good order (FIN). */
  end(): void {
    this.socket.end();
  }

  /** Ends it as a crash would (RST). */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  // ----- longer passages -----

  /** Plays the usual server up to connection.open-ok. */
  async handshake(options: HandshakeOptions = {}): Promise<Handshake> {
    const { startOk } = await this.start(options);
    const { tuneOk, open } = await this.tune(options);
    this.send(0, { name: "connection.open-ok" });
    return { startOk, tuneOk, open };
  }

  /** The first half: the client's header, connection.start and start-ok. */
  async start(options: HandshakeOptions = {}): Promise<Pick<Handshake, "startOk">> {
    const header = await this.next();
    if (header.name !== "protocol-header") throw new Error(`a header was due, not ${header.name}`);
    this.send(0, connectionStart(options));
    return { startOk: (await this.expect("connection.start-ok")).method };
  }

  /** The second half, without its last word: connection.tune, tune-ok and connection.open. */
  async tune(options: HandshakeOptions = {}): Promise<Omit<Handshake, "startOk">> {
    this.send(0, connectionTune(options));
    const tuneOk = (await this.expect("connection.tune-ok")).method;
    return { tuneOk, open: (await this.expect("connection.open")).method };
  }

  /** Lets the client open a channel; gives its number. */
  async acceptChannel(): Promise<number> {
    const { channel } = await this.expect("channel.open");
    this.send(channel, { name: "channel.open-ok" });
    return channel;
  }

  /** Lets the client close a channel. */
  async acceptChannelClose(): Promise<void> {
    const { channel } = await this.expect("channel.close");
    this.send(channel, { name: "channel.close-ok" });
  }

  /** Lets the client close the connection, its channels included or not. */
  async acceptClose(): Promise<void> {
    await this.expect("connection.close");
    this.send(0, { name: "connection.close-ok" });
    await this.expectEnd();
  }

  // ----- octets -----

  #receive(piece: Buffer): void {
    for (const received of this.#reader.push(piece)) this.#take(received);
  }

  #take(received: Received): void {
    switch (received.kind) {
      case "protocol-header":
        return this.#arrive("protocol-header", 0, undefined, {}, received.octets);
      case "heartbeat":
        return this.#arrive("heartbeat", received.channel);
      case "method": {
        const { channel } = received;
        const method = received.method as ClientMethod;
        if (!METHODS[method.name].from.includes("client")) return this.#garbage();
        if (method.name !== "basic.publish") return this.#arrive(method.name, channel, method);
        if (this.#contents.has(channel)) return this.#garbage();
        this.#contents.set(channel, { method, pieces: [], missing: undefined, properties: {} });
        return;
      }
      case "header":
      case "body":
        return this.#takeContent(received);
      default:
        return this.#garbage();
    }
  }

  #takeContent(received: Extract<Received, { readonly kind: "header" | "body" }>): void {
    const { channel } = received;
    const content = this.#contents.get(channel);
    if (content === undefined) return this.#garbage();
    if (received.kind === "header") {
      if (content.missing !== undefined) return this.#garbage();
      content.properties = received.properties;
      content.missing = received.bodySize;
    } else {
      if (content.missing === undefined) return this.#garbage();
      content.pieces.push(received.body);
      content.missing -= received.body.length;
    }
    if (content.missing < 0) return this.#garbage();
    if (content.missing > 0) return;
    this.#contents.delete(channel);
    const body = Uint8Array.from(Buffer.concat(content.pieces));
    this.#arrive("basic.publish", channel, content.method, content.properties, body);
  }

  /** What is no AMQP, or not a client's: nothing after it is looked at. */
  #garbage(): void {
    this.socket.removeAllListeners("data").resume();
    this.#arrive("garbage", 0);
  }

  #arrive(
    name: Arrival["name"],
    channel: number,
    method?: ClientMethod,
    properties: BasicProperties = {},
    body: Uint8Array = new Uint8Array(0),
  ): void {
    this.#arrivals.push({ name, channel, method, properties, body });
    this.#wake?.();
  }

  #waitForArrival(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error("the client said nothing")),
        Math.max(deadline - Date.now(), 0),
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** A listening socket and the connections that it accepted. */
export class ScriptedServer {
  readonly port: number;
  readonly url: string;
  readonly #server: Server;
  readonly #peers: Peer[] = [];
  readonly #unclaimed: Peer[] = [];
  readonly #connections: Connection[] = [];
  #wake: ((peer: Peer) => void) | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.url = `amqp://guest:guest@127.0.0.1:${this.port}`;
    server.on("connection", (socket) => this.#accept(new Peer(socket)));
  }

  static async start(): Promise<ScriptedServer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ScriptedServer(server);
  }

  /** The next client that connects, or has connected. */
  accept(): Promise<Peer> {
    const peer = this.#unclaimed.shift();
    if (peer !== undefined) return Promise.resolve(peer);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("nobody connected")), PATIENCE_MS);
      this.#wake = (accepted) => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(accepted);
      };
    });
  }

  /** Connects a client and plays the server's part of the handshake. */
  async connect(
    options: ConnectOptions = {},
    handshake: HandshakeOptions = {},
  ): Promise<{
    readonly connection: Connection;
    readonly peer: Peer;
    readonly said: Handshake;
  }> {
    const connecting = connect(this.url, options);
    const [connection, { peer, said }] = await Promise.all([
      connecting,
      this.accept().then(async (peer) => ({ peer, said: await peer.handshake(handshake) })),
    ]);
    this.#connections.push(connection);
    return { connection, peer, said };
  }

  /** Ends every connection, on both sides, and listens no more. */
  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    for (const peer of this.#peers) peer.socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(peer: Peer): void {
    this.#peers.push(peer);
    if (this.#wake === undefined) this.#unclaimed.push(peer);
    else this.#wake(peer);
  }
}

/** A server for each test of a suite, gone after it. */
export function useScriptedServer(): () => ScriptedServer {
  let server: ScriptedServer;
  beforeEach(async () => {
    server = await ScriptedServer.start();
  });
  afterEach(() => server.stop());
  return () => server;
}

/** Opens a channel, both sides of it. */
export async function openChannel(
  connection: Connection,
  peer: Peer,
): Promise<{ readonly channel: Channel; readonly number: number }> {
  const [channel, number] = await Promise.all([connection.openChannel(), peer.acceptChannel()]);
  return { channel, number };
}

/** Opens a channel in confirm mode, both sides of it. */
export async function openConfirmChannel(
  connection: Connection,
  peer: Peer,
): Promise<{ readonly channel: Channel; readonly number: number }> {
  const { channel, number } = await openChannel(connection, peer);
  await Promise.all([channel.confirmSelect(), acceptConfirmSelect(peer)]);
  return { channel, number };
}

/** Opens a publisher, both sides of it. */
export async function openPublisher(
  connection: Connection,
  peer: Peer,
  options: PublisherOptions = {},
): Promise<{ readonly publisher: Publisher; readonly number: number }> {
  const accept = async (): Promise<number> => {
    const number = await peer.acceptChannel();
    await acceptConfirmSelect(peer);
    return number;
  };
  const [publisher, number] = await Promise.all([connection.openPublisher(options), accept()]);
  return { publisher, number };
}

async function acceptConfirmSelect(peer: Peer): Promise<void> {
  const { channel } = await peer.expect("confirm.select");
  peer.send(channel, { name: "confirm.select-ok" });
}

/** A method as octets on the wire. */
export function methodFrame(channel: number, method: ServerMethod): Uint8Array {
  return encodeMethod(channel, method.name, method);
}

/** The server's first words. */
export function connectionStart(options: HandshakeOptions = {}): ServerMethod {
  return {
    name: "connection.start",
    versionMajor: 0,
    versionMinor: 9,
    serverProperties: options.serverProperties ?? { product: "ScriptedServer" },
    mechanisms: Buffer.from(options.mechanisms ?? "PLAIN AMQPLAIN"),
    locales: Buffer.from("en_US"),
  };
}

/** The server's proposal of limits: RabbitMQ's, but without heartbeats. */
export function connectionTune(options: HandshakeOptions = {}): ServerMethod {
  return {
    name: "connection.tune",
    channelMax: options.channelMax ?? 2047,
    frameMax: options.frameMax ?? 131_072,
    heartbeat: options.heartbeatSeconds ?? 0,
  };
}

function idsOf(cause: ClientMethod["name"] | undefined): { classId: number; methodId: number } {
  if (cause === undefined) return { classId: 0, methodId: 0 };
  const { classId, methodId } = METHODS[cause];
  return { classId, methodId };
}
