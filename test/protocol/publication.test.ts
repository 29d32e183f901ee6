import { expect } from "chai";
import { PublishError, type PublishOutcome, TimeoutError } from "../../src/errors.ts";
import { describeTarget, identify, publishError } from "../../src/protocol/publication.ts";
import { routeOf } from "../../src/protocol/publish-route.ts";
import { publication, TestPublication } from "./support.ts";

describe("Publication", () => {
  it("can be returned where it is mandatory or immediate", () => {
    expect(publication().returnable).to.equal(false);
    expect(publication({ mandatory: true }).returnable).to.equal(true);
    expect(publication({ immediate: true }).returnable).to.equal(true);
    const vague = { mandatory: undefined, immediate: undefined };
    expect(
      new TestPublication(routeOf(undefined, "", "q", vague, {}), "m", {}).returnable,
    ).to.equal(false);
  });

  it("tells its caller exactly once", () => {
    const confirmed = publication();
    confirmed.confirm();
    confirmed.confirm();
    confirmed.fail(new TimeoutError("late"));
    expect(confirmed.tellings).to.deep.equal(["confirmed"]);
    expect(confirmed.told).to.equal(true);

    const failed = publication();
    const error = new TimeoutError("late");
    failed.fail(error);
    failed.confirm();
    failed.fail(error);
    expect(failed.tellings).to.deep.equal([error]);
  });

  it("lets go of its message", () => {
    const one = publication({ body: "large", type: "t" });
    expect([one.body, one.properties]).to.deep.equal(["large", { type: "t" }]);
    one.releaseMessage();
    expect([one.body, one.properties]).to.deep.equal([undefined, undefined]);
  });
});

describe("publishError", () => {
  const outcomes: readonly (readonly [Exclude<PublishOutcome, "returned">, boolean, RegExp])[] = [
    ["unsent", false, /was not sent/],
    ["unprocessed", false, /was not processed/],
    ["refused", false, /was refused/],
    ["nacked", true, /was nacked/],
    ["unknown", true, /unknown/],
  ];
  for (const [outcome, mayBeDelivered, message] of outcomes) {
    it(`says what ${outcome} means`, () => {
      const one = publication({ exchange: "x", routingKey: "k" });
      one.deliveryTag = 7;
      const error = publishError(one, outcome);
      expect(error).to.be.instanceOf(PublishError);
      expect(error.message).to.match(message);
      expect(error.mayBeDelivered).to.equal(mayBeDelivered);
      expect(error.code).to.equal(`ERR_AMQP_PUBLISH_${outcome.toUpperCase()}`);
      expect(error).to.include({ outcome, deliveryTag: 7, exchange: "x", routingKey: "k" });
      expect(error).not.to.have.property("cause");
    });
  }

  it("gives the cause, and its message", () => {
    const cause = new TimeoutError("no confirm came");
    const error = publishError(publication(), "unknown", cause);
    expect(error.cause).to.equal(cause);
    expect(error.message).to.match(/queue "q" .*: no confirm came$/);
  });

  it("collects no stack trace: a million may fail at once", () => {
    const limit = Error.stackTraceLimit;
    const error = publishError(publication(), "unknown");
    expect(error.stack).not.to.match(/\n\s+at /);
    expect(Error.stackTraceLimit).to.equal(limit);
  });
});

describe("describeTarget", () => {
  it("names the queue, or exchange and routing key", () => {
    expect(describeTarget(publication({ routingKey: "a\nb" }))).to.equal('queue "a\\nb"');
    expect(describeTarget(publication({ exchange: "x", routingKey: "k" }))).to.equal(
      'exchange "x" with routing key "k"',
    );
  });
});

describe("identify", () => {
  it("says which publish it is and nothing of its message", () => {
    const one = publication({ exchange: "x", routingKey: "k", body: "secret" });
    expect(identify(one)).to.deep.equal({ deliveryTag: 0, exchange: "x", routingKey: "k" });
  });
});
