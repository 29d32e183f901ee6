import { expect } from "chai";
import { PublishError } from "../../src/errors.ts";
import { Content } from "../../src/protocol/content-assembler.ts";
import {
  ReturnedError,
  returnedError,
  returnedMessage,
} from "../../src/protocol/returned-error.ts";
import { hex } from "../wire/octets.ts";
import { publication } from "./support.ts";

const MESSAGE = {
  replyCode: 312,
  replyText: "NO_ROUTE",
  exchange: "x",
  routingKey: "k",
  properties: { type: "t" },
  body: Uint8Array.of(1),
};
const RETURNED = { ...MESSAGE, taggedProperties: {} };

describe("returnedMessage", () => {
  it("has the reason and the message", () => {
    const { properties, body, ...rest } = MESSAGE;
    const method = { name: "basic.return", ...rest } as const;
    const content = new Content(method, properties, body, hex("00 20 01 74"));
    const returned = returnedMessage(content);
    expect(returned).to.deep.equal(MESSAGE);
    expect(returned.taggedProperties).to.deep.equal({ type: "t" });
  });
});

describe("returnedError", () => {
  it("is a PublishError with the outcome `returned`, and brings the message", () => {
    const one = publication({ exchange: "x", routingKey: "k", mandatory: true });
    one.deliveryTag = 3;
    const error = returnedError(one, RETURNED);
    expect(error).to.be.instanceOf(PublishError).and.instanceOf(ReturnedError);
    expect(error.name).to.equal("ReturnedError");
    expect(error).to.include({ outcome: "returned", mayBeDelivered: false, deliveryTag: 3 });
    expect(error.code).to.equal("ERR_AMQP_PUBLISH_RETURNED");
    expect(error.returned).to.equal(RETURNED);
    expect(error.message).to.contain('exchange "x"').and.contain("312 NO_ROUTE");
    expect(error.stack).not.to.match(/\n\s+at /);
  });
});
