import { expect } from "chai";
import { Login } from "../../src/client/credentials.ts";
import { planConnection } from "../../src/client/options.ts";
import {
  AbortError,
  amqplain,
  anonymous,
  ConnectionClosedError,
  ConnectionLostError,
  type Credentials,
  CredentialsError,
  connect,
  crDemo,
  external,
  plain,
  UsageError,
} from "../../src/index.ts";
import { type EmbeddedBroker, startBroker } from "../../src/testing.ts";
import { everythingShown, failure } from "../support/environment.ts";
import { connectionStart, useScriptedServer } from "../support/scripted-server.ts";

describe("Credentials", () => {
  const server = useScriptedServer();

  describe("of several kinds", () => {
    const choice = [external(), crDemo("u", "pw"), plain("u", "pw")];

    it("go by the first mechanism that the server offers", async () => {
      for (const [mechanisms, chosen, response] of [
        ["PLAIN RABBIT-CR-DEMO EXTERNAL", "EXTERNAL", ""],
        ["PLAIN RABBIT-CR-DEMO", "RABBIT-CR-DEMO", "u"],
        ["AMQPLAIN PLAIN", "PLAIN", "\0u\0pw"],
      ] as const) {
        const { connection, said } = await server().connect(
          { credentials: choice },
          { mechanisms },
        );
        expect(said.startOk.mechanism).to.equal(chosen);
        expect(Buffer.from(said.startOk.response).toString()).to.equal(response);
        connection.destroy();
      }
    });

    it("answer the challenges of the one that was chosen", async () => {
      const connecting = connect(server().url, { credentials: choice });
      const peer = await server().accept();
      await peer.start({ mechanisms: "RABBIT-CR-DEMO" });
      const challenge = Buffer.from("Please tell me your password");
      peer.send(0, { name: "connection.secure", challenge });
      const { method } = await peer.expect("connection.secure-ok");
      expect(Buffer.from(method.response).toString()).to.equal("My password is pw");
      await peer.tune();
      peer.send(0, { name: "connection.open-ok" });
      (await connecting).destroy();
    });

    it("tell when the server offers none of them, and say nothing to it", async () => {
      for (const [mechanisms, says] of [
        ["KERBEROS OTP", "the broker offers KERBEROS, OTP to authenticate with, and none of"],
        ["", "the broker offers no mechanism to authenticate with, and none of"],
      ] as const) {
        const refused = failure(connect(server().url, { credentials: choice }), CredentialsError);
        const peer = await server().accept();
        await peer.next();
        peer.send(0, connectionStart({ mechanisms }));
        const error = await refused;
        expect(error.phase).to.equal("authentication");
        expect(error.message).to.equal(`${says} EXTERNAL, RABBIT-CR-DEMO, PLAIN`);
        await peer.expectEnd();
      }
    });

    it("come from the URI in its order", () => {
      const uri =
        "amqp://u:p@h?auth_mechanism=External&auth_mechanism=crdemo&auth_mechanism=anonymous" +
        "&auth_mechanism=RABBIT-CR-DEMO&auth_mechanism=amqplain&auth_mechanism=plain";
      const plan = planConnection(uri, {});
      const names = [plan.credentials, ...plan.otherCredentials].map(({ mechanism }) => mechanism);
      expect(names).to.deep.equal([
        ...["EXTERNAL", "RABBIT-CR-DEMO", "ANONYMOUS", "RABBIT-CR-DEMO", "AMQPLAIN", "PLAIN"],
      ]);
    });

    it("win over the URI's, and must not be none", () => {
      const plan = planConnection("amqp://h?auth_mechanism=amqplain", { credentials: choice });
      expect([plan.credentials, ...plan.otherCredentials]).to.deep.equal(choice);
      expect(() => planConnection(undefined, { credentials: [] })).to.throw(UsageError, "empty");
      const tooLong = { mechanism: "x".repeat(256), respond: () => new Uint8Array(0) };
      expect(() => planConnection(undefined, { credentials: [plain("u", "p"), tooLong] })).to.throw(
        UsageError,
        "mechanism",
      );
    });
  });

  describe("of one kind", () => {
    it("are asked although the server does not offer them, and the error tells what it offers", async () => {
      const lost = failure(connect(server().url, { credentials: external() }), ConnectionLostError);
      const peer = await server().accept();
      const { startOk } = await peer.start({ mechanisms: "PLAIN AMQPLAIN" });
      expect(startOk.mechanism).to.equal("EXTERNAL");
      peer.end();
      const error = await lost;
      expect(error.phase).to.equal("authentication");
      expect(error.message).to.match(
        /the broker offers PLAIN, AMQPLAIN to authenticate with, and not EXTERNAL$/,
      );
    });
  });

  describe("of one's own", () => {
    it("are asked anew at each connect and for each host", async () => {
      let tokens = 0;
      const credentials: Credentials = {
        mechanism: "PLAIN",
        respond: async () => {
          tokens++;
          return plain("", `token ${tokens}`).respond();
        },
      };
      const { port } = server();
      const host = { hostname: "127.0.0.1", port };
      const connecting = connect({ hosts: [host, host], credentials });
      const first = await server().accept();
      const { startOk } = await first.start();
      expect(Buffer.from(startOk.response).toString()).to.equal("\0\0token 1");
      first.closeConnection(403, "ACCESS_REFUSED - expired");
      const { startOk: again } = await (await server().accept()).handshake();
      expect(Buffer.from(again.response).toString()).to.equal("\0\0token 2");
      (await connecting).destroy();

      const { connection, said } = await server().connect({ credentials });
      expect(Buffer.from(said.startOk.response).toString()).to.equal("\0\0token 3");
      connection.destroy();
    });

    it("fail as an error of their own, with what they threw", async () => {
      const own = new TypeError("the token service is down");
      for (const thrown of [own, "a text"]) {
        for (const respond of [
          () => {
            throw thrown;
          },
          () => Promise.reject(thrown),
        ]) {
          const failed = failure(
            connect(server().url, { credentials: { mechanism: "X-TOKEN", respond } }),
            CredentialsError,
          );
          const peer = await server().accept();
          await peer.next();
          peer.send(0, connectionStart({ mechanisms: "X-TOKEN" }));
          const error = await failed;
          expect(error).to.include({
            name: "CredentialsError",
            code: "ERR_AMQP_CREDENTIALS",
            phase: "authentication",
            cause: thrown,
          });
          const why = thrown === own ? own.message : thrown;
          expect(error.message).to.equal(`the credentials gave no response for X-TOKEN: ${why}`);
          await peer.expectEnd();
        }
      }
    });

    it("fail so also at a later challenge", async () => {
      const credentials: Credentials = {
        mechanism: "X-ONCE",
        respond: (challenge) => {
          if (challenge !== undefined) throw new Error("asked too often");
          return new Uint8Array(0);
        },
      };
      const failed = failure(connect(server().url, { credentials }), CredentialsError);
      const peer = await server().accept();
      await peer.start({ mechanisms: "X-ONCE" });
      peer.send(0, { name: "connection.secure", challenge: Buffer.from("again") });
      expect((await failed).message).to.match(/asked too often/);
      await peer.expectEnd();
    });

    it("may take their time, and are given up with the attempt", async () => {
      const controller = new AbortController();
      const credentials: Credentials = {
        mechanism: "X",
        respond: () => {
          setImmediate(() => controller.abort());
          return new Promise<never>(() => {});
        },
      };
      const { signal } = controller;
      const failed = failure(connect(server().url, { credentials, signal }), AbortError);
      const peer = await server().accept();
      await peer.next();
      peer.send(0, connectionStart({ mechanisms: "X" }));
      expect((await failed).phase).to.equal("authentication");
      await peer.expectEnd();
    });

    it("are no longer asked for when the server closes meanwhile", async () => {
      let tellAsked = (): void => {};
      const asked = new Promise<void>((resolve) => {
        tellAsked = resolve;
      });
      let late: (response: Uint8Array) => void = () => {};
      const credentials: Credentials = {
        mechanism: "X",
        respond: () => {
          tellAsked();
          return new Promise((resolve) => {
            late = resolve;
          });
        },
      };
      const refused = failure(connect(server().url, { credentials }), ConnectionClosedError);
      const peer = await server().accept();
      await peer.next();
      peer.send(0, connectionStart({ mechanisms: "X" }));
      await asked;
      peer.closeConnection(320, "CONNECTION_FORCED - shutdown");
      expect(await refused).to.include({ replyCode: 320, phase: "authentication" });
      late(new Uint8Array(3));
      await peer.expect("connection.close-ok");
      await peer.expectEnd();
    });
  });

  describe("at the embedded broker", () => {
    let broker: EmbeddedBroker;
    before(async () => {
      broker = await startBroker();
    });
    after(() => broker.stop());

    it("go by what it offers", async () => {
      for (const credentials of [
        [external(), plain("guest", "guest")],
        [crDemo("guest", "wr0ng"), amqplain("guest", "guest")],
      ]) {
        const connection = await connect(broker.url, { credentials });
        await connection.updateSecret("anything");
        await connection.close();
      }
      const none = [external(), anonymous()];
      const error = await failure(connect(broker.url, { credentials: none }), CredentialsError);
      expect(error.message).to.match(/PLAIN.*none of EXTERNAL, ANONYMOUS/);
    });

    it("are told apart from a virtual host when they are refused", async () => {
      const login = await failure(
        connect(broker.url, { password: "wr0ng" }),
        ConnectionClosedError,
      );
      expect(login).to.include({ replyCode: 403, phase: "authentication" });
      const vhost = await failure(connect(broker.url, { vhost: "none" }), ConnectionClosedError);
      expect(vhost).to.include({ replyCode: 530, phase: "open" });
    });
  });

  it("choose once: what the server offers later does not count", async () => {
    const login = new Login([external(), plain("u", "p")]);
    expect(await login.answer(undefined, ["PLAIN"])).to.include({ mechanism: "PLAIN" });
    expect(await login.answer(new Uint8Array(1), ["EXTERNAL"])).to.include({ mechanism: "PLAIN" });
  });

  it("show no secret in any error", async () => {
    const failed = failure(
      connect(server().url, { credentials: [crDemo("u", "s3cret"), anonymous("s3cret")] }),
      CredentialsError,
    );
    const peer = await server().accept();
    await peer.next();
    peer.send(0, connectionStart());
    expect(everythingShown(await failed)).not.to.include("s3cret");
    expect(everythingShown([crDemo("u", "s3cret"), anonymous("s3cret")])).not.to.include("s3cret");
  });
});
