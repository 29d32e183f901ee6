import { expect } from "chai";
import { describeCause, isTlsAlert, tlsAdvice } from "../../src/transport/tls-errors.ts";

describe("a TLS error", () => {
  // Codes that Node and OpenSSL give, and a piece of what there is to be done.
  const ADVICE: readonly (readonly [code: string, says: string])[] = [
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "cacertfile"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "cacertfile"],
    ["UNABLE_TO_GET_ISSUER_CERT", "cacertfile"],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "cacertfile"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "cacertfile"],
    ["CERT_UNTRUSTED", "cacertfile"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "server_name_indication"],
    ["CERT_HAS_EXPIRED", "renewed"],
    ["CERT_NOT_YET_VALID", "clock"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "does not speak TLS"],
    ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "does not speak TLS"],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "may want a client certificate"],
    ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", "may want a client certificate"],
    ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "does not accept the client certificate"],
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "does not accept the client certificate"],
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED", "does not accept the client certificate"],
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "does not accept the client certificate"],
    ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "tls.minVersion"],
    ["ERR_SSL_UNSUPPORTED_PROTOCOL", "tls.minVersion"],
    ["ECONNRESET", "hung up"],
  ];
  for (const [code, says] of ADVICE) {
    it(`with the code ${code} comes with advice`, () => {
      expect(tlsAdvice(Object.assign(new Error("x"), { code }))).to.include(says);
    });
  }

  it("of another kind comes without", () => {
    for (const cause of [undefined, null, "x", new Error("x"), { code: "EPIPE" }]) {
      expect(tlsAdvice(cause)).to.equal(undefined);
    }
  });

  it("is told as the peer's alert, or not", () => {
    expect(isTlsAlert({ code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" })).to.equal(true);
    expect(isTlsAlert({ code: "ERR_SSL_WRONG_VERSION_NUMBER" })).to.equal(false);
    expect(isTlsAlert(undefined)).to.equal(false);
  });

  it("is described by its reason, without what OpenSSL writes around it", () => {
    const code = "ERR_SSL_WRONG_VERSION_NUMBER";
    const long = "80:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:x.c:350:\n";
    const openssl = Object.assign(new Error(long), { code, reason: "wrong version number" });
    expect(describeCause(openssl)).to.equal("wrong version number");
    expect(describeCause(Object.assign(new Error("told"), { reason: "other" }))).to.equal("told");
    expect(describeCause(new AggregateError([new Error("a"), new Error("b")]))).to.equal("a; b");
    expect(describeCause("text")).to.equal("text");
  });
});
