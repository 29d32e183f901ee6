import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import { checkGreeting, Greeting } from "../../src/protocol/greeting.ts";
import { encodeText } from "../../src/wire/text.ts";
import { hex, raised } from "../wire/octets.ts";
import { methodFrame, START } from "./support.ts";

function refused(octets: Uint8Array | string): ProtocolError {
  const bytes = typeof octets === "string" ? encodeText(octets) : octets;
  return raised(ProtocolError, () => checkGreeting(bytes));
}

describe("checkGreeting", () => {
  it("waits while there is nothing", () => {
    expect(checkGreeting(new Uint8Array(0))).to.equal(false);
  });

  it("takes what begins like a method frame", () => {
    expect(checkGreeting(Uint8Array.of(1))).to.equal(true);
    expect(checkGreeting(methodFrame(0, START))).to.equal(true);
  });

  it("waits while it may be a protocol header", () => {
    const header = encodeText("AMQP\0\0\x09\x01");
    for (let length = 1; length < 8; length++) {
      expect(checkGreeting(header.subarray(0, length)), `${length}`).to.equal(false);
    }
    expect(() => checkGreeting(header)).to.throw(ProtocolError);
  });

  const strangers: readonly (readonly [who: string, octets: string | Uint8Array, says: RegExp])[] =
    [
      ["AMQP 0-9-1, as a refusal", "AMQP\0\0\x09\x01", /"AMQP" 0 0 9 1$/],
      ["AMQP 1.0", "AMQP\0\x01\0\0", /"AMQP" 0 1 0 0$/],
      ["SASL of AMQP 1.0, and more behind it", "AMQP\x03\x01\0\0\0\0\0\x16", /"AMQP" 3 1 0 0$/],
      ["a web server", "HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", /web server.*port/],
      ["a TLS alert", hex("15 03 03 0002 02 46"), /TLS.*amqps/],
      ["one octet of a TLS alert", hex("15"), /TLS/],
      ["a TLS handshake", hex("16 03 01 0200"), /TLS/],
      ["TLS application data", hex("17 03 03"), /TLS/],
      ["what only begins like TLS", hex("15 04 00"), /is the port right/],
      ["a content type beyond TLS", hex("18 03 03"), /is the port right/],
      ["an SSH server", "SSH-2.0-OpenSSH_9.2\r\n", /is the port right/],
      ["a header frame", hex("02 0001 00000000 ce"), /is the port right/],
      ["a heartbeat before anything else", hex("08 0000 00000000 ce"), /is the port right/],
      ["something that begins like a protocol header", "AMQX", /is the port right/],
      ["something that begins with its first letter", "Apache", /is the port right/],
    ];
  for (const [who, octets, says] of strangers) {
    it(`knows ${who}`, () => {
      const error = refused(octets);
      expect(error.message).to.match(says);
      expect(error.replyCode).to.equal(501);
      expect(error.expected).to.equal("a method frame");
      expect(error.offset).to.equal(0);
    });
  }

  it("shows the first line of text, and octets of anything else", () => {
    expect(refused("HTTP/1.1 400 Bad Request\r\nServer: x\r\n").got).to.equal(
      '"HTTP/1.1 400 Bad Request"',
    );
    expect(refused("SSH-2.0-x\n").got).to.equal('"SSH-2.0-x"');
    expect(refused("x".repeat(100)).got).to.equal(`"${"x".repeat(32)}"`);
    expect(refused(hex("15 03 03 0002 02 46")).got).to.equal("15 03 03 00 02 02 46");
    expect(refused(hex("ff 00 01 02 03 04 05 06 07 08")).got).to.equal("ff 00 01 02 03 04 05 06");
    expect(refused("\r\nhello").got).to.equal("0d 0a 68 65 6c 6c 6f");
  });
});

describe("Greeting", () => {
  it("passes octets on once the peer is known", () => {
    const greeting = new Greeting();
    const start = methodFrame(0, START);
    expect(greeting.take(new Uint8Array(0))).to.deep.equal(new Uint8Array(0));
    expect(greeting.take(start.subarray(0, 1))).to.deep.equal(Uint8Array.of(1));
    expect(greeting.take(start.subarray(1))).to.deep.equal(start.subarray(1));
    const anything = encodeText("HTTP/1.1");
    expect(greeting.take(anything)).to.equal(anything);
  });

  it("holds a protocol header back until all of it is there", () => {
    const greeting = new Greeting();
    const header = encodeText("AMQP\0\x01\0\0");
    for (const octet of header.subarray(0, 7)) {
      expect(greeting.take(Uint8Array.of(octet))).to.have.length(0);
    }
    expect(() => greeting.take(header.subarray(7))).to.throw(ProtocolError, '"AMQP" 0 1 0 0');
  });

  it("tells a stranger at the first octet that fits nothing", () => {
    expect(() => new Greeting().take(encodeText("H"))).to.throw(ProtocolError);
    const greeting = new Greeting();
    expect(greeting.take(encodeText("AM"))).to.have.length(0);
    expect(() => greeting.take(encodeText("X"))).to.throw(ProtocolError, "port");
  });
});
