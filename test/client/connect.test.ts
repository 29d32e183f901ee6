import { getEventListeners, once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { expect } from "chai";
import {
  AbortError,
  AmqpError,
  amqplain,
  Connection,
  ConnectionClosedError,
  ConnectionLostError,
  type ConnectOptions,
  type ConnectPhase,
  type Credentials,
  connect,
  external,
  ProtocolError,
  TimeoutError,
  UsageError,
} from "../../src/index.ts";
import { everythingShown, failure, selfSignedCertificate, within } from "../support/environment.ts";
import { freePort } from "../support/rabbitmq.ts";
import {
  connectionStart,
  connectionTune,
  methodFrame,
  type Peer,
  useScriptedServer,
} from "../support/scripted-server.ts";

describe("connect()", () => {
  const server = useScriptedServer();

  describe("to a server that plays by the rules", () => {
    it("takes a string, a URL or options", async () => {
      const { port } = server();
      const ways = [
        () => connect(`amqp://u:p@127.0.0.1:${port}/v`),
        () => connect(new URL(`amqp://u:p@127.0.0.1:${port}/v`)),
        () => connect(`amqp://127.0.0.1:${port}`, { vhost: "v", username: "u", password: "p" }),
        () => connect({ hostname: "127.0.0.1", port, vhost: "v", username: "u", password: "p" }),
      ];
      for (const way of ways) {
        const [connection, { startOk, open }] = await Promise.all([
          way(),
          server()
            .accept()
            .then((peer) => peer.handshake()),
        ]);
        expect(connection).to.be.instanceOf(Connection);
        expect(startOk.mechanism).to.equal("PLAIN");
        expect(Buffer.from(startOk.response).toString()).to.equal("\0u\0p");
        expect(startOk.locale).to.equal("en_US");
        expect(open.virtualHost).to.equal("v");
        connection.destroy();
      }
    });

    it("tells who it is and what it can do", async () => {
      const { said } = await server().connect({
        connectionName: "shop",
        clientProperties: { answer: 42 },
      });
      expect(said.startOk.clientProperties).to.deep.include({
        product: "amqp091",
        connection_name: "shop",
        answer: 42,
      });
      expect(said.startOk.clientProperties["capabilities"]).to.include({
        "connection.blocked": true,
        authentication_failure_close: true,
        publisher_confirms: true,
      });
    });

    it("agrees on the lower limits, and tells both sides the same", async () => {
      const { connection, said } = await server().connect(
        { frameMax: 8192, channelMax: 100, heartbeatSeconds: 30 },
        { frameMax: 131_072, channelMax: 50, heartbeatSeconds: 60 },
      );
      const { frameMax, channelMax, heartbeat } = said.tuneOk;
      expect({ frameMax, channelMax, heartbeatSeconds: heartbeat }).to.deep.equal(
        connection.tuning,
      );
      expect(connection.tuning).to.deep.equal({
        frameMax: 8192,
        channelMax: 50,
        heartbeatSeconds: 30,
      });
    });

    it("gives a value where the server has no limit, and keeps heartbeats off when told", async () => {
      const { connection, said } = await server().connect(
        { heartbeatSeconds: 0 },
        { frameMax: 0, channelMax: 0, heartbeatSeconds: 60 },
      );
      expect(connection.tuning).to.deep.equal({
        frameMax: 131_072,
        channelMax: 2047,
        heartbeatSeconds: 0,
      });
      expect(said.tuneOk).to.include({ frameMax: 131_072, channelMax: 2047, heartbeat: 0 });
    });

    it("gives what the server told of itself", async () => {
      const serverProperties = { product: "X", version: "1", capabilities: { a: true } };
      const { connection } = await server().connect({}, { serverProperties });
      expect(connection.serverProperties).to.deep.equal(serverProperties);
    });

    it("does not care how the octets are cut", async () => {
      const connecting = connect(server().url);
      const peer = await server().accept();
      await peer.next();
      await peer.chop(methodFrame(0, connectionStart()), 1);
      await peer.expect("connection.start-ok");
      await peer.chop(methodFrame(0, connectionTune()), 3);
      await peer.expect("connection.tune-ok");
      await peer.expect("connection.open");
      await peer.chop(methodFrame(0, { name: "connection.open-ok" }), 2);
      const connection = await connecting;
      connection.destroy();
    });

    it("does not ask what the server says it can do", async () => {
      const { connection, said } = await server().connect(
        { credentials: external() },
        { mechanisms: "SOMETHING ELSE", serverProperties: {} },
      );
      expect(said.startOk.mechanism).to.equal("EXTERNAL");
      connection.destroy();
    });

    it("speaks AMQPLAIN", async () => {
      const { said } = await server().connect({ credentials: amqplain("me", "pw") });
      expect(said.startOk.mechanism).to.equal("AMQPLAIN");
      expect(Buffer.from(said.startOk.response).toString()).to.include("LOGIN");
    });

    it("answers challenges, with credentials that take their time, anew at each connect", async () => {
      const asked: (string | undefined)[] = [];
      const credentials: Credentials = {
        mechanism: "X-CHALLENGE",
        respond: async (challenge) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          asked.push(challenge === undefined ? undefined : Buffer.from(challenge).toString());
          return Buffer.from(`answer ${asked.length}`);
        },
      };
      for (let round = 0; round < 2; round++) {
        const connecting = connect(server().url, { credentials });
        const peer = await server().accept();
        const { startOk } = await peer.start({ mechanisms: "X-CHALLENGE" });
        expect(startOk.mechanism).to.equal("X-CHALLENGE");
        expect(Buffer.from(startOk.response).toString()).to.equal(`answer ${1 + 2 * round}`);
        peer.send(0, { name: "connection.secure", challenge: Buffer.from("who?") });
        const { method } = await peer.expect("connection.secure-ok");
        expect(Buffer.from(method.response).toString()).to.equal(`answer ${2 + 2 * round}`);
        await peer.tune();
        peer.send(0, { name: "connection.open-ok" });
        (await connecting).destroy();
      }
      expect(asked).to.deep.equal([undefined, "who?", undefined, "who?"]);
    });

    it("tries the hosts in turn", async () => {
      const hosts = [
        { hostname: "127.0.0.1", port: await freePort() },
        { hostname: "127.0.0.1", port: server().port },
      ];
      const { connection } = await server().connect({ hosts });
      expect(connection.tuning.channelMax).to.equal(2047);
    });

    it("tries them in another order when told to shuffle", async () => {
      // 30 orders of 8 hosts: that all begin with the first has a chance of 8^-30.
      const ports = await Promise.all(Array.from({ length: 8 }, freePort));
      const firsts = new Set<string>();
      for (let i = 0; i < 30; i++) {
        const error = await failure(
          connect({
            hosts: ports.map((port) => ({ hostname: "127.0.0.1", port })),
            shuffle: true,
          }),
        );
        firsts.add(String((error.cause as AggregateError).errors[0]));
      }
      expect(firsts.size).to.be.greaterThan(1);
    });
  });

  describe("that fails", () => {
    // Each names the class, the phase and the cause, comes in time, and shows no password.
    async function refusal(
      promise: Promise<unknown>,
      type: abstract new (...args: never[]) => AmqpError,
      phase: ConnectPhase | undefined,
      says: RegExp,
    ): Promise<AmqpError> {
      const error = await within(2_000, failure(promise, type));
      expect(error.phase).to.equal(phase);
      expect(error.message).to.match(says);
      expect(error.code).to.match(/^ERR_AMQP_/);
      expect(everythingShown(error)).not.to.include("s3cret");
      return error;
    }

    const withSecret = (port: number): string => `amqp://user:s3cret@127.0.0.1:${port}`;

    /** Connects to the scripted server, which then does what the test says. */
    async function refusedBy(
      script: (peer: Peer) => void | Promise<void>,
      type: abstract new (...args: never[]) => AmqpError,
      phase: ConnectPhase,
      says: RegExp,
    ): Promise<AmqpError> {
      const connecting = connect(withSecret(server().port), { connectTimeoutMs: 1_000 });
      const refused = refusal(connecting, type, phase, says);
      const peer = await server().accept();
      await script(peer);
      const error = await refused;
      if (!peer.socket.destroyed) {
        // Whatever it was, the client hangs up.
        while ((await peer.next()).name !== "end");
      }
      return error;
    }

    it("names a host that does not exist", () =>
      refusal(
        connect("amqp://user:s3cret@no-such-host.invalid"),
        ConnectionLostError,
        "resolve",
        /no-such-host\.invalid:5672.*resolved/,
      ));

    it("names a port where nobody listens", async () => {
      const port = await freePort();
      const error = await refusal(
        connect(withSecret(port)),
        ConnectionLostError,
        "tcp",
        new RegExp(`127\\.0\\.0\\.1:${port}.*ECONNREFUSED`),
      );
      expect(error.cause).to.include({ code: "ECONNREFUSED" });
    });

    it("names every host, with the error of each", async () => {
      const port = await freePort();
      const connecting = connect({
        hosts: [
          { hostname: "127.0.0.1", port },
          { hostname: "127.0.0.1", port: server().port },
        ],
        password: "s3cret",
      });
      const refused = refusal(
        connecting,
        ConnectionLostError,
        "handshake",
        new RegExp(`none of 2 hosts[^]*:${port}`),
      );
      (await server().accept()).end();
      const { cause } = await refused;
      expect(cause).to.be.instanceOf(AggregateError);
      const phases = (cause as AggregateError).errors.map(({ phase }: AmqpError) => phase);
      expect(phases).to.deep.equal(["tcp", "handshake"]);
    });

    it("tells of a peer that says nothing", () =>
      refusedBy(() => {}, TimeoutError, "handshake", /127\.0\.0\.1:\d+ took longer than 1000 ms/));

    it("tells of a peer that falls silent later", async () => {
      const steps: readonly (readonly [ConnectPhase, (peer: Peer) => Promise<unknown>])[] = [
        ["authentication", (peer) => peer.start()],
        ["open", (peer) => peer.start().then(() => peer.tune())],
      ];
      for (const [phase, script] of steps) {
        const connecting = connect(withSecret(server().port), { connectTimeoutMs: 100 });
        const refused = refusal(connecting, TimeoutError, phase, /100 ms/);
        await script(await server().accept());
        await refused;
      }
    });

    it("tells of a peer that closes at once", () =>
      refusedBy((peer) => peer.end(), ConnectionLostError, "handshake", /lost in phase handshake/));

    it("tells of a peer that resets", () =>
      refusedBy(
        async (peer) => {
          await peer.next();
          peer.reset();
        },
        ConnectionLostError,
        "handshake",
        /ECONNRESET/,
      ));

    it("tells of a broker that hangs up at the login", () =>
      refusedBy(
        async (peer) => {
          await peer.start();
          peer.end();
        },
        ConnectionLostError,
        "authentication",
        /check user name and password/,
      ));

    it("tells of a login that was refused in words", async () => {
      const error = await refusedBy(
        async (peer) => {
          await peer.start();
          peer.closeConnection(403, "ACCESS_REFUSED - Login was refused", "connection.start-ok");
          await peer.expect("connection.close-ok");
        },
        ConnectionClosedError,
        "authentication",
        /403 ACCESS_REFUSED/,
      );
      expect(error).to.include({ replyCode: 403, method: "connection.start-ok" });
    });

    it("tells of a vhost that was refused", () =>
      refusedBy(
        async (peer) => {
          await peer.start();
          await peer.tune();
          peer.closeConnection(530, "NOT_ALLOWED - vhost v not found", "connection.open");
        },
        ConnectionClosedError,
        "open",
        /530 NOT_ALLOWED/,
      ));

    it("tells of a proposal that AMQP does not allow", () =>
      refusedBy(
        async (peer) => {
          await peer.start();
          peer.send(0, connectionTune({ frameMax: 100 }));
        },
        ProtocolError,
        "tuning",
        /frames smaller/,
      ));

    it("knows AMQP 1.0", async () => {
      const error = await refusedBy(
        (peer) => peer.write("AMQP\x03\x01\x00\x00"),
        ProtocolError,
        "handshake",
        /"AMQP" 3 1 0 0/,
      );
      expect(error).to.include({ expected: "a method frame" });
    });

    it("knows it also in two pieces", () =>
      refusedBy(
        async (peer) => {
          await peer.next();
          await peer.chop(Buffer.from("AMQP\x03\x01\x00\x00", "latin1"), 3);
        },
        ProtocolError,
        "handshake",
        /"AMQP" 3 1 0 0/,
      ));

    it("knows a web server", async () => {
      const web = createHttpServer();
      try {
        await listening(web);
        await refusal(connect(withSecret(portOf(web))), ProtocolError, "handshake", /web server/);
      } finally {
        web.close();
      }
    });

    it("knows TLS on a port that was said to be plain", () =>
      refusedBy(
        // The alert that OpenSSL and Erlang answer with: handshake failure, fatal.
        (peer) => peer.write("hex:15 0303 0002 02 28"),
        ProtocolError,
        "handshake",
        /speaks TLS/,
      ));

    it("fails also at a TLS server that hangs up without an alert", async () => {
      const tls = createTlsServer(await selfSignedCertificate());
      try {
        tls.on("tlsClientError", () => {});
        await listening(tls);
        await refusal(connect(withSecret(portOf(tls))), AmqpError, "handshake", /handshake/);
      } finally {
        tls.close();
      }
    });

    it("knows a mail server by its not being AMQP", () =>
      refusedBy(
        (peer) => peer.write("220 mx.example.org ESMTP\r\n"),
        ProtocolError,
        "handshake",
        /does not speak AMQP 0-9-1/,
      ));

    it("does not wait for the rest of garbage that begins like a frame", () =>
      refusedBy(
        (peer) => peer.write("hex:01 0000 ffffffff 00"),
        ProtocolError,
        "handshake",
        /larger than the frame-max/,
      ));

    it("tells of a server whose methods come out of order", () =>
      refusedBy(
        async (peer) => {
          await peer.next();
          peer.send(0, connectionTune());
        },
        ProtocolError,
        "handshake",
        /connection\.tune came/,
      ));

    it("refuses what cannot be told to the server, before it connects", async () => {
      const respond = (): Uint8Array => new Uint8Array(0);
      const mistakes: readonly ConnectOptions[] = [
        { clientProperties: { x: Number.NaN } },
        { clientProperties: { x: "x".repeat(140_000) } },
        { connectionName: "\ud800" },
        { locale: "x".repeat(256) },
        { vhost: "x".repeat(256) },
        { credentials: { mechanism: "x".repeat(256), respond } },
      ];
      const address = { hostname: "127.0.0.1", port: server().port };
      for (const mistake of mistakes) {
        const connecting = connect({ ...address, password: "s3cret", ...mistake });
        await refusal(connecting, UsageError, undefined, /./);
      }
      // The first that knocks is this one.
      const { said } = await server().connect({ connectionName: "first" });
      expect(said.startOk.clientProperties["connection_name"]).to.equal("first");
    });

    it("refuses a response that is none", async () => {
      const respond = (): Uint8Array => 42 as unknown as Uint8Array;
      const refused = failure(
        connect(server().url, { credentials: { mechanism: "X", respond } }),
        UsageError,
      );
      const peer = await server().accept();
      await peer.next();
      peer.send(0, connectionStart());
      await within(500, refused);
      await peer.expectEnd();
    });

    it("passes on what the application's own credentials throw", async () => {
      const own = new Error("no token today");
      for (const respond of [
        () => {
          throw own;
        },
        () => Promise.reject(own),
      ]) {
        const refused = failure(
          connect(server().url, { credentials: { mechanism: "X", respond } }),
          AmqpError,
        );
        const peer = await server().accept();
        await peer.next();
        peer.send(0, connectionStart());
        expect(await refused).to.include({ cause: own, phase: "authentication" });
        await peer.expectEnd();
      }
    });

    it("takes a deadline longer than Node's timers", async () => {
      for (const connectTimeoutMs of [2 ** 31, Number.MAX_SAFE_INTEGER]) {
        const { connection } = await server().connect({ connectTimeoutMs });
        connection.destroy();
      }
    });
  });

  it("goes nowhere without a URI or options: a variable may be missing", async () => {
    for (const target of [undefined, null, 5, true]) {
      const error = await failure(connect(target as unknown as string), UsageError);
      expect(error.message).to.match(/^connect\(\) takes a URI or options, not /);
    }
  });

  describe("with a signal", () => {
    it("does not begin when it is aborted already", async () => {
      const reason = new Error("enough");
      const error = await failure(
        connect(server().url, { signal: AbortSignal.abort(reason) }),
        AbortError,
      );
      expect(error.cause).to.equal(reason);
      expect(error.code).to.equal("ERR_AMQP_ABORTED");
    });

    it("gives up the attempt, in whatever phase it is", async () => {
      const steps: readonly (readonly [ConnectPhase, (peer: Peer) => Promise<unknown>])[] = [
        ["handshake", (peer) => peer.next()],
        ["authentication", (peer) => peer.start()],
        ["open", (peer) => peer.start().then(() => peer.tune())],
      ];
      for (const [phase, script] of steps) {
        const controller = new AbortController();
        const failed = failure(connect(server().url, controller), AbortError);
        const peer = await server().accept();
        await script(peer);
        controller.abort();
        expect((await failed).phase).to.equal(phase);
        await peer.expectEnd();
        expect(listenersOf(controller.signal)).to.equal(0);
      }
    });

    it("does not go on to the next host", async () => {
      const controller = new AbortController();
      const host = { hostname: "127.0.0.1", port: server().port };
      const failed = failure(
        connect({ hosts: [host, host], signal: controller.signal }),
        AbortError,
      );
      await server().accept();
      controller.abort();
      await failed;
    });

    it("has nothing to do with a connection that is open", async () => {
      const controller = new AbortController();
      const { connection, peer } = await server().connect({ signal: controller.signal });
      expect(listenersOf(controller.signal)).to.equal(0);
      controller.abort();
      const closed = connection.close();
      await peer.acceptClose();
      await closed;
      expect(await connection.closed).to.equal(undefined);
    });
  });
});

async function listening(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}
