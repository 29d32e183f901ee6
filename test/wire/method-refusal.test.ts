import { expect } from "chai";
import { ProtocolError } from "../../src/errors.ts";
import { refuseMethod } from "../../src/wire/method-refusal.ts";
import { raised } from "./octets.ts";

describe("wire/method-refusal", () => {
  it("names a method that comes from the wrong side", () => {
    expect(raised(ProtocolError, () => refuseMethod(0x000a000a, "client"))).to.include({
      message: "a client may not send connection.start",
      replyCode: 503,
      expected: "a method that a client may send",
      got: "connection.start",
      offset: 0,
    });
    expect(raised(ProtocolError, () => refuseMethod(0x003c0028, "server"))).to.include({
      message: "a server may not send basic.publish",
      expected: "a method that a server may send",
      got: "basic.publish",
    });
  });

  it("gives the ids of a method that does not exist", () => {
    expect(raised(ProtocolError, () => refuseMethod(0xffff0001, "server"))).to.include({
      message: "there is no method with class 65535 and id 1",
      replyCode: 503,
      got: "class 65535, method 1",
    });
  });
});
