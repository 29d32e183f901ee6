import { expect } from "chai";
import { planConnection } from "../../src/client/options.ts";
import { type ParsedUri, parseUri } from "../../src/client/uri.ts";
import { type ConnectOptions, connect, UsageError } from "../../src/index.ts";
import { everythingShown, failure } from "../support/environment.ts";

/** Username, password, host, port and vhost; what is absent is undefined, and no empty string. */
type Parts = readonly [
  username: string | undefined,
  password: string | undefined,
  hostname: string | undefined,
  port: number,
  vhost: string | undefined,
];

// Appendix A of the RabbitMQ URI specification (rabbitmq.com/docs/uri-spec).
const APPENDIX: readonly (readonly [uri: string, parts: Parts])[] = [
  ["amqp://user:pass@host:10000/vhost", ["user", "pass", "host", 10_000, "vhost"]],
  ["amqp://user%61:%61pass@ho%61st:10000/v%2fhost", ["usera", "apass", "hoast", 10_000, "v/host"]],
  ["amqp://", [undefined, undefined, undefined, 5672, undefined]],
  ["amqp://:@/", ["", "", undefined, 5672, ""]],
  ["amqp://user@", ["user", undefined, undefined, 5672, undefined]],
  ["amqp://user:pass@", ["user", "pass", undefined, 5672, undefined]],
  ["amqp://host", [undefined, undefined, "host", 5672, undefined]],
  ["amqp://:10000", [undefined, undefined, undefined, 10_000, undefined]],
  ["amqp:///vhost", [undefined, undefined, undefined, 5672, "vhost"]],
  ["amqp://host/", [undefined, undefined, "host", 5672, ""]],
  ["amqp://host/%2F", [undefined, undefined, "host", 5672, "/"]],
  ["amqp://[::1]", [undefined, undefined, "::1", 5672, undefined]],
];

const MORE: typeof APPENDIX = [
  ["AMQP://host", [undefined, undefined, "host", 5672, undefined]],
  ["amqps://host", [undefined, undefined, "host", 5671, undefined]],
  ["amqps://host:443", [undefined, undefined, "host", 443, undefined]],
  ["amqp://host:", [undefined, undefined, "host", 5672, undefined]],
  ["amqp://user:a:b@host", ["user", "a:b", "host", 5672, undefined]],
  ["amqp://u:%40%2F%3A%25%23%3F@h", ["u", "@/:%#?", "h", 5672, undefined]],
  ["amqp://u:p%C3%A4ss@h/v%C3%B6", ["u", "päss", "h", 5672, "vö"]],
  ["amqp://u:a+b@h/c+d", ["u", "a+b", "h", 5672, "c+d"]],
  ["amqp://u:p@[fe80::1%25eth0]:5/v", ["u", "p", "fe80::1%eth0", 5, "v"]],
  ["amqp://host?heartbeat=5", [undefined, undefined, "host", 5672, undefined]],
  ["amqp://host/?heartbeat=5", [undefined, undefined, "host", 5672, ""]],
];

describe("AMQP URI", () => {
  for (const [uri, parts] of [...APPENDIX, ...MORE]) {
    it(`understands ${uri}`, () => {
      expect(partsOf(parseUri(uri))).to.deep.equal(parts);
    });
  }

  it("says which scheme wants TLS", () => {
    expect(parseUri("amqp://h").tls).to.equal(false);
    expect(parseUri("amqps://h").tls).to.equal(true);
    expect(parseUri("AmqpS://h").tls).to.equal(true);
  });

  it("reads the query parameters", () => {
    const { query } = parseUri(
      "amqp://h/v?heartbeat=7&connection_timeout=1500&channel_max=9&frame_max=8192" +
        "&auth_mechanism=plain&auth_mechanism=amqplain",
    );
    expect(query).to.deep.equal({
      heartbeatSeconds: 7,
      connectTimeoutMs: 1500,
      channelMax: 9,
      frameMax: 8192,
      authMechanisms: ["plain", "amqplain"],
    });
    expect(
      parseUri(
        "amqps://h?cacertfile=/ca.pem&certfile=client%20cert.pem&keyfile=k&password=p%26q" +
          "&verify=verify_none&server_name_indication=x.example.org",
      ).query,
    ).to.deep.equal({
      tls: {
        cacertfile: "/ca.pem",
        certfile: "client cert.pem",
        keyfile: "k",
        password: "p&q",
        verify: "verify_none",
        server_name_indication: "x.example.org",
      },
    });
    expect(parseUri("amqp://h?").query).to.deep.equal({});
    expect(parseUri("amqp://h?heart%62eat=1&").query).to.deep.equal({ heartbeatSeconds: 1 });
  });

  // What is wrong, and a piece of the sentence that has to say so.
  const BAD: readonly (readonly [uri: string, says: string | RegExp])[] = [
    ["", "amqp://"],
    ["host", "amqp://"],
    ["s3cret", "amqp://"],
    ["http://user:s3cret@host", "amqp://"],
    ["amqp:/user:s3cret@host", "amqp://"],
    ["amqp:user:s3cret@host", "amqp://"],
    ["amqp://user:s3#cret@host", "percent-encoded"],
    ["amqp://user:s3/cret@host", "percent-encoded"],
    ["amqp://user:s3?cret@host", "percent-encoded"],
    ["amqp://user:s3@cret@host", "%40"],
    ["amqp://user:s3cret%@host", "password"],
    ["amqp://user:s3cret%zz@host", "password"],
    ["amqp://user:s3cret%ff@host", "password"],
    ["amqp://us%er:s3cret@host", "user name"],
    ["amqp://user:s3cret@ho%st", "host"],
    ["amqp://user:s3cret@host/v%", "vhost"],
    ["amqp://user:s3cret@host/a/b", "%2F"],
    ["amqp://user:s3cret@host:65536", "65535"],
    ["amqp://user:s3cret@host:5672x", "port"],
    ["amqp://user:s3cret@::1", "brackets"],
    ["amqp://user:s3cret@[::1", "brackets"],
    ["amqp://user:s3cret@host?heartbeat=x", "heartbeat"],
    ["amqp://user:s3cret@host?heartbeat=-1", "heartbeat"],
    ["amqp://user:s3cret@host?heartbeat=%", "heartbeat"],
    ["amqp://user:s3cret@host?cacertfile=/x", "write amqps:"],
    ["amqp://user:s3cret@host?verify=verify_peer&server_name_indication=h", "write amqps:"],
    ["amqp://user:s3cret@host?password=s3cret", "password"],
    ["amqps://user:s3cret@host?password=s3cret", "no certfile"],
    ["amqps://user:s3cret@host?keyfile=/x", "no certfile"],
    ["amqps://user:s3cret@host?cacertfile=", "cacertfile"],
    ["amqps://user:s3cret@host?server_name_indication", "server_name_indication"],
    ["amqps://user:s3cret@host?verify=true", "verify_peer or verify_none"],
    ["amqps://user:s3cret@host?verify=VERIFY_NONE", "verify_peer or verify_none"],
    ["amqps://user:s3cret@host?depth=2", "depth"],
    ["amqps://user:s3cret@host?fail_if_no_peer_cert=true", "fail_if_no_peer_cert"],
    ["amqp://user:s3cret@host?toString=1", "toString"],
    ["amqp://user:s3cret@host?__proto__=1", "__proto__"],
    ["amqp://user:s3cret@host?auth_mechanism=plain&auth_mechanism=magic", "auth_mechanism"],
    ["amqp://user:s3cret@host?auth_mechanism=", "auth_mechanism"],
    ["amqp://user:s3cret@host?heartbeat=99999", "heartbeatSeconds"],
    ["amqp://user:s3cret@host?channel_max=70000", "channelMax"],
    ["amqp://user:s3cret@host?frame_max=1", "frameMax"],
    ["amqp://user:s3cret@host?auth_mechanism=magic", "auth_mechanism"],
    ["amqp://user:s3cret@host?heartbeat=1&heartbeat=1", '"heartbeat" more than once'],
    ["amqps://user:s3cret@host?verify=verify_peer&verify=verify_none", '"verify" more than once'],
    ["amqps://user:s3cret@host?veri%66y=verify_none&verify=verify_peer", '"verify" more than once'],
    ["amqp://user:s3cret@host?connection_timeout=0", "from 1"],
  ];
  for (const [uri, says] of BAD) {
    it(`refuses ${uri}, and shows nothing secret`, async () => {
      const error = await failure(connect(uri), UsageError);
      expect(error.message).to.match(typeof says === "string" ? new RegExp(literally(says)) : says);
      expect(everythingShown(error)).not.to.match(/s3|cret/);
    });
  }

  // A password that was not percent-encoded may look like other parts of a URI. What lies beyond
  // the host can then be the rest of the password, and what lies before it, the host, as well.
  for (const uri of [
    "amqp://user:1234/s3cret@host",
    "amqp://user:1234?s3cret@host",
    "amqp://user:1234?s3cret=1@host",
    "amqp://user:p@1234?s3cret@host",
    "amqp://user:p@1234/s3cret@host",
    "amqp://user:1234/?s3cret@host",
  ]) {
    it(`takes ${uri} for a mistake, and shows nothing secret`, async () => {
      const error = await failure(connect(uri), UsageError);
      expect(error.message).to.include("percent-encode");
      expect(everythingShown(error)).not.to.match(/s3cret|1234/);
    });
  }

  it("takes an absent host for localhost, and an IPv6 address without its brackets", () => {
    const hosts = (uri: string) => planConnection(uri, {}).hosts;
    expect(hosts("amqp://")).to.deep.equal([{ hostname: "localhost", port: 5672 }]);
    expect(hosts("amqps://:1")).to.deep.equal([{ hostname: "localhost", port: 1 }]);
    expect(hosts("amqps://[2001:db8::7]/v")).to.deep.equal([
      { hostname: "2001:db8::7", port: 5671 },
    ]);
  });

  it("takes a URL object", async () => {
    const error = await failure(connect(new URL("amqp://u:s3cret@127.0.0.1:1/a/b")), UsageError);
    expect(error.message).to.include("%2F");
    expect(everythingShown(error)).not.to.include("s3cret");
  });

  it("shows no secret of the options in their errors", async () => {
    const options: readonly ConnectOptions[] = [
      { password: "s3cret", port: -1 },
      { password: "s3cret\0" },
      { username: "u\0", password: "s3cret" },
      { password: "s3cret", heartbeatSeconds: 0.5 },
      { password: "s3cret", frameMax: 4095 },
      { password: "s3cret", channelMax: 65_536 },
      { password: "s3cret", hosts: [] },
      { password: "s3cret", hosts: [{ hostname: "h", port: 70_000 }] },
      { password: "s3cret", connectTimeoutMs: Number.NaN },
      { password: "s3cret", closeTimeoutMs: -1 },
      { password: "s3cret", maxBodyBytes: Number.POSITIVE_INFINITY },
      { password: "s3cret", keepAliveMs: -1 },
    ];
    for (const each of options) {
      const error = await failure(connect({ hostname: "127.0.0.1", ...each }), UsageError);
      expect(everythingShown(error)).not.to.include("s3cret");
    }
  });
});

function partsOf(uri: ParsedUri): Parts {
  const port = uri.port ?? (uri.tls ? 5671 : 5672);
  return [uri.username, uri.password, uri.hostname, port, uri.vhost];
}

function literally(text: string): string {
  return text.replaceAll(/[/.?+*()[\]]/g, "\\$&");
}
