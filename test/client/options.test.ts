import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type ConnectPlan, planConnection } from "../../src/client/options.ts";
import {
  amqplain,
  type ConnectOptions,
  type Credentials,
  external,
  type Host,
  plain,
  UsageError,
} from "../../src/index.ts";
import { everythingShown } from "../support/environment.ts";

describe("connect options", () => {
  it("have defaults", () => {
    const plan = planConnection(undefined, {});
    expect(plan.hosts).to.deep.equal([{ hostname: "localhost", port: 5672 }]);
    expect(plan.tls).to.equal(undefined);
    expect(plan.vhost).to.equal("/");
    expect(plan.locale).to.equal("en_US");
    expect(plan.proposal).to.deep.equal({
      frameMax: 131_072,
      channelMax: 2047,
      heartbeatSeconds: 60,
    });
    expect(plan.noDelay).to.equal(true);
    expect(Number.isFinite(plan.connectTimeoutMs)).to.equal(true);
    expect(Number.isFinite(plan.closeTimeoutMs)).to.equal(true);
    expect(response(plan)).to.equal("PLAIN \0guest\0guest");
  });

  it("take an undefined member for an absent one", () => {
    const undefinedOnes = Object.fromEntries(
      [
        ...["hostname", "port", "vhost", "tls", "hosts", "shuffle", "username", "password"],
        ...["credentials", "clientProperties", "connectionName", "locale", "frameMax"],
        ...["channelMax", "heartbeatSeconds", "maxBodyBytes", "connectTimeoutMs"],
        ...["closeTimeoutMs", "noDelay", "keepAliveMs", "signal"],
      ].map((name) => [name, undefined]),
    ) as ConnectOptions;
    expect(visible(planConnection("amqp://u:p@h:1/v", undefinedOnes))).to.deep.equal(
      visible(planConnection("amqp://u:p@h:1/v", {})),
    );
  });

  it("win over the URI, one by one", () => {
    const uri =
      "amqp://u:p@h:1/v?heartbeat=1&connection_timeout=1&channel_max=1&frame_max=5000" +
      "&auth_mechanism=amqplain";
    const said = planConnection(uri, {});
    expect(said.hosts).to.deep.equal([{ hostname: "h", port: 1 }]);
    expect(said.vhost).to.equal("v");
    expect(said.proposal).to.deep.equal({ frameMax: 5000, channelMax: 1, heartbeatSeconds: 1 });
    expect(said.connectTimeoutMs).to.equal(1);
    expect(said.credentials.mechanism).to.equal("AMQPLAIN");

    const own = planConnection(uri, {
      hostname: "other",
      port: 2,
      vhost: "w",
      heartbeatSeconds: 0,
      connectTimeoutMs: 2,
      channelMax: 2,
      frameMax: 0,
      credentials: plain("a", "b"),
    });
    expect(own.hosts).to.deep.equal([{ hostname: "other", port: 2 }]);
    expect(own.vhost).to.equal("w");
    expect(own.proposal).to.deep.equal({ frameMax: 0, channelMax: 2, heartbeatSeconds: 0 });
    expect(own.connectTimeoutMs).to.equal(2);
    expect(response(own)).to.equal("PLAIN \0a\0b");
    expect(response(planConnection("amqp://u:p@h", { password: "q" }))).to.equal("PLAIN \0u\0q");
  });

  it("tell an empty part of the URI from an absent one", () => {
    expect(planConnection("amqp://h", {}).vhost).to.equal("/");
    expect(planConnection("amqp://h/", {}).vhost).to.equal("");
    expect(response(planConnection("amqp://h", {}))).to.equal("PLAIN \0guest\0guest");
    expect(response(planConnection("amqp://u@h", {}))).to.equal("PLAIN \0u\0guest");
    expect(response(planConnection("amqp://:@h", {}))).to.equal("PLAIN \0\0");
  });

  it("have the port of the scheme, or of TLS where the options ask for it", () => {
    const port = (uri: string | undefined, options: ConnectOptions) =>
      planConnection(uri, options).hosts[0]?.port;
    expect(port("amqp://h", {})).to.equal(5672);
    expect(port("amqps://h", {})).to.equal(5671);
    expect(port(undefined, { tls: true })).to.equal(5671);
    expect(port("amqp://h", { tls: true })).to.equal(5671);
    expect(port("amqp://h", { tls: { servername: "x" } })).to.equal(5671);
    expect(port("amqps://h", { tls: false })).to.equal(5672);
    expect(port("amqp://h:1", { tls: true })).to.equal(1);
    expect(port("amqp://h", { hosts: [{ hostname: "a" }], tls: true })).to.equal(5671);
  });

  it("take several hosts instead of one", () => {
    const hosts = [{ hostname: "a" }, { hostname: "b", port: 7 }];
    expect(planConnection("amqp://h:1", { hosts }).hosts).to.deep.equal([
      { hostname: "a", port: 5672 },
      { hostname: "b", port: 7 },
    ]);
  });

  it("take an IPv6 address with brackets, as a URL has it, and without", () => {
    for (const hostname of ["[::1]", "::1"]) {
      const single = { hostname: "::1", port: 5672 };
      expect(planConnection(undefined, { hostname }).hosts).to.deep.equal([single]);
      expect(planConnection(undefined, { hosts: [{ hostname }] }).hosts).to.deep.equal([single]);
    }
  });

  it("use TLS with the options given", () => {
    expect(planConnection("amqps://h", {}).tls).to.deep.equal({});
    expect(planConnection("amqps://h", { tls: { ca: "c" } }).tls).to.deep.equal({ ca: "c" });
    expect(planConnection("amqps://h", { tls: true }).tls).to.deep.equal({});
  });

  it("make properties that tell the broker who is there, and what it can do", () => {
    const { clientProperties } = planConnection(undefined, {
      connectionName: "shop",
      clientProperties: { product: "shop", answer: 42, capabilities: { extra: true } },
    });
    expect(clientProperties).to.include({ product: "shop", answer: 42, connection_name: "shop" });
    expect(clientProperties["capabilities"]).to.deep.equal({
      publisher_confirms: true,
      exchange_exchange_bindings: true,
      "basic.nack": true,
      consumer_cancel_notify: true,
      "connection.blocked": true,
      authentication_failure_close: true,
      extra: true,
    });
  });

  it("make properties with what every client should say of itself, the version of its package too", () => {
    const manifest = readFileSync(join(__dirname, "../../package.json"), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    expect(planConnection(undefined, {}).clientProperties).to.include({
      product: "amqp091",
      version,
      platform: "Node.js",
      information: "https://www.npmjs.com/package/amqp091",
    });
  });

  it("choose the mechanism that the URI names", () => {
    expect(planConnection("amqp://h?auth_mechanism=EXTERNAL", {}).credentials.mechanism).to.equal(
      "EXTERNAL",
    );
    expect(planConnection("amqp://h?auth_mechanism=plain", {}).credentials.mechanism).to.equal(
      "PLAIN",
    );
  });

  // Numbers that are none, out of range or too small.
  const REFUSED: readonly ConnectOptions[] = [
    { port: -1 },
    { port: 65_536 },
    { port: 1.5 },
    { frameMax: 4095 },
    { frameMax: 2 ** 32 },
    { channelMax: -1 },
    { channelMax: 65_536 },
    { heartbeatSeconds: -1 },
    { heartbeatSeconds: 65_536 },
    { heartbeatSeconds: 0.5 },
    { maxBodyBytes: -1 },
    { connectTimeoutMs: -1 },
    { connectTimeoutMs: 0 },
    { connectTimeoutMs: Number.POSITIVE_INFINITY },
    { closeTimeoutMs: Number.NaN },
    { keepAliveMs: -1 },
    { hosts: [] },
    { port: "5672" as unknown as number },
    // Node takes no name for localhost.
    { hostname: "" },
    { hosts: [{ hostname: "" }] },
    { hosts: [{ hostname: "h" }, {} as Host] },
    { hosts: [null as unknown as Host] },
    { hosts: ["localhost:5672" as unknown as Host] },
    { credentials: null as unknown as Credentials },
    { credentials: [undefined as unknown as Credentials] },
    { credentials: "PLAIN" as unknown as Credentials },
    { credentials: { mechanism: "PLAIN" } as Credentials },
  ];
  for (const options of REFUSED) {
    it(`refuse ${JSON.stringify(options)}`, () => {
      expect(() => planConnection(undefined, options)).to.throw(UsageError);
    });
  }
});

describe("credentials", () => {
  it("are what the mechanisms ask for", () => {
    expect(text(plain("ü", "p\u0001ä").respond())).to.equal("\0ü\0p\u0001ä");
    expect(external().respond()).to.deep.equal(new Uint8Array(0));
    expect(text(amqplain("u", "pw").respond())).to.equal(
      "\x05LOGINS\0\0\0\x01u\x08PASSWORDS\0\0\0\x02pw",
    );
  });

  it("show no secret", () => {
    for (const credentials of [plain("u", "s3cret"), amqplain("u", "s3cret"), external()]) {
      expect(everythingShown(credentials)).not.to.include("s3cret");
    }
    const plan = planConnection("amqp://u:s3cret@h", { password: "s3cret-too" });
    expect(everythingShown(plan)).not.to.include("s3cret");
    expect(() => plain("u", "s3cret\0"))
      .to.throw(UsageError)
      .that.satisfies((error: unknown) => !everythingShown(error).includes("s3cret"));
  });
});

/** A plan without its functions, which are never equal. */
function visible(plan: ConnectPlan): unknown {
  return { ...plan, credentials: response(plan) };
}

function response({ credentials }: ConnectPlan): string {
  return `${credentials.mechanism} ${text(credentials.respond())}`;
}

function text(octets: Uint8Array | Promise<Uint8Array>): string {
  return Buffer.from(octets as Uint8Array).toString();
}
