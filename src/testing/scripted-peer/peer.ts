/**
 * A peer that does what a test says, frame by frame and octet by octet, and nothing by itself.
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { ScriptedChannel } from "./channel.ts";
import { Conversation, deadlineOf, type ScriptedPeerOptions } from "./conversation.ts";
import {
  type ClientHandshake,
  type ClientHandshakeOptions,
  type Login,
  loginOf,
  playClient,
  playServer,
  type ServerHandshake,
  type ServerHandshakeOptions,
} from "./handshake.ts";
import { PeerListener } from "./listener.ts";

/** The part that a peer plays: what its handshake and its opening of channels are like. */
export type Role = "server" | "client";

/** What the handshake of a role takes and gives. */
export interface Handshakes {
  readonly server: { readonly options: ServerHandshakeOptions; readonly said: ServerHandshake };
  readonly client: { readonly options: ClientHandshakeOptions; readonly said: ClientHandshake };
}

/**
 * One side of an AMQP connection in the hands of a test: a server for testing a client, any client,
 * or a client for testing a broker. It keeps no state of the protocol, answers nothing by itself and
 * lets the script say whatever it wants, right or wrong.
 *
 *     const listener = await ScriptedPeer.listen();
 *     const [client, peer] = await Promise.all([connect(listener.url), listener.handshake()]);
 *
 *     const opening = client.openChannel();
 *     const channel = await peer.openChannel();           // channel.open, channel.open-ok
 *     …
 *     const publish = await channel.expectContent("basic.publish", { routingKey: "hello" });
 *     channel.send("basic.ack", { deliveryTag: 1 });
 *     peer.sendOctets("01 0001 0000");                    // half a frame
 *     peer.hangUp("reset");
 *     await listener.close();                             // fails if anything came unexpected
 *
 * **Expectations** are met in the order in which things come. What comes must be what is waited for:
 * anything else fails all that wait, at once, with a {@link ScriptError} that shows the conversation.
 * Only heartbeats may come at any time; they are passed over unless {@link expectHeartbeat} waits.
 * Expectations that are made together (`Promise.all`) are met in any order. Each has a deadline, by
 * default 1.5 s. What came and was never expected is told by {@link close}.
 *
 * **What is sent** leaves at once, in the order of the calls. Nothing is checked but that it can be
 * expressed; {@link sendOctets} takes what cannot. Frames are made and read by an encoder and a
 * decoder that the library does not use itself (encode.ts).
 */
export class ScriptedPeer<R extends Role = Role> extends Conversation {
  /** The part that this side plays. */
  readonly role: R;
  readonly #login: Login;
  #channels = 0;

  /** Use {@link listen}, {@link connect} or {@link over}. */
  private constructor(stream: Duplex, role: R, options: ScriptedPeerOptions, login: Login) {
    super(stream, options);
    this.role = role;
    this.#login = login;
  }

  /** Listens on a free port of 127.0.0.1, for clients that are to be tested. */
  static async listen(options: ScriptedPeerOptions = {}): Promise<PeerListener> {
    const timeoutMs = deadlineOf(options);
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new PeerListener(
      server,
      (socket) => ScriptedPeer.over(socket, "server", options),
      timeoutMs,
    );
  }

  /**
   * Connects to a broker that is to be tested, and says nothing yet. User, password and virtual host
   * of the URL are for {@link handshake}. The URL is one of `amqp:`; for TLS make the socket yourself
   * and use {@link over}. Rejects with the error of the operating system.
   */
  static async connect(
    url: string | URL,
    options: ScriptedPeerOptions = {},
  ): Promise<ScriptedPeer<"client">> {
    const parsed = new URL(url);
    if (parsed.protocol !== "amqp:") throw new TypeError("the URL must be one of amqp:");
    deadlineOf(options); // before there is a socket
    const host = parsed.hostname.replace(/^\[|\]$/g, "") || "localhost";
    const socket = connect(Number(parsed.port || 5672), host);
    await once(socket, "connect");
    return new ScriptedPeer(socket, "client", options, loginOf(parsed));
  }

  /**
   * Talks over any duplex stream: a TLS socket, or one half of Node's `duplexPair()`, which needs no
   * network and keeps the pieces of {@link chop} apart.
   */
  static over<R extends Role>(
    stream: Duplex,
    role: R,
    options: ScriptedPeerOptions = {},
  ): ScriptedPeer<R> {
    return new ScriptedPeer(stream, role, options, loginOf(new URL("amqp://localhost")));
  }

  // ----- longer passages -----

  /**
   * Plays the usual handshake: as a server from the protocol header to connection.open-ok, as a
   * client from the other end. Gives what the other side said.
   */
  async handshake(options: Handshakes[R]["options"] = {}): Promise<Handshakes[R]["said"]> {
    return this.role === "server"
      ? await playServer(this, options as ServerHandshakeOptions)
      : await playClient(this, options as ClientHandshakeOptions, this.#login);
  }

  /**
   * Opens a channel. A server waits for channel.open on any channel and allows it; a client asks for
   * the number, or for the next one that was not used, and waits until it is open.
   */
  async openChannel(number?: number): Promise<ScriptedChannel> {
    if (this.role === "server") {
      const { channel } = await this.expect("channel.open", undefined, { channel: number });
      this.send("channel.open-ok", {}, { channel });
      return this.channel(channel);
    }
    const channel = number ?? this.#channels + 1;
    this.#channels = Math.max(channel, this.#channels);
    this.send("channel.open", {}, { channel });
    await this.expect("channel.open-ok", undefined, { channel });
    return this.channel(channel);
  }

  /** A channel by its number; nothing is sent. */
  channel(number: number): ScriptedChannel {
    return new ScriptedChannel(this, number);
  }

  /**
   * Plays the close handshake: a server waits for connection.close, answers it and waits for the end;
   * a client asks for it, waits for the answer and hangs up.
   */
  async closeHandshake(): Promise<void> {
    if (this.role === "server") {
      await this.expect("connection.close");
      this.send("connection.close-ok");
      await this.expectEnd();
    } else {
      this.send("connection.close", { replyCode: 200, replyText: "bye" });
      await this.expect("connection.close-ok");
      this.hangUp();
    }
  }
}
