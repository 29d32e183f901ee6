import { expect } from "chai";
import fc from "fast-check";
import { type PublishRoute, routeOf } from "../../src/protocol/publish-route.ts";

const DIRECT_REPLY = "amq.rabbitmq.reply-to";

describe("routeOf", () => {
  it("has the arguments of the method, and what a refusal may be about", () => {
    const route = routeOf(undefined, "x", "k", { mandatory: true }, { userId: "u" });
    expect({ ...route, name: route.name }).to.deep.equal({
      ...{ name: "basic.publish", exchange: "x", routingKey: "k" },
      ...{ mandatory: true, immediate: false, userId: "u", wantsDirectReply: false },
    });
    const asking = routeOf(undefined, "x", "k", {}, { replyTo: DIRECT_REPLY });
    expect(asking.wantsDirectReply).to.equal(true);
  });

  it("is the one before where all of it is the same, and a new one with anything else", () => {
    const publish = fc.record({
      exchange: fc.constantFrom("", "x"),
      routingKey: fc.constantFrom("a", "b"),
      flags: fc.record({
        mandatory: fc.constantFrom(undefined, false, true),
        immediate: fc.constantFrom(undefined, false, true),
      }),
      properties: fc.record({
        userId: fc.constantFrom(undefined, "u"),
        replyTo: fc.constantFrom(undefined, "q", DIRECT_REPLY),
      }),
    });
    fc.assert(
      fc.property(fc.array(publish), (publishes) => {
        let last: PublishRoute | undefined;
        for (const { exchange, routingKey, flags, properties } of publishes) {
          const route = routeOf(last, exchange, routingKey, flags, properties);
          const fresh = routeOf(undefined, exchange, routingKey, flags, properties);
          expect(route).to.deep.equal(fresh);
          expect(route === last).to.equal(
            last !== undefined && JSON.stringify(last) === JSON.stringify(fresh),
          );
          last = route;
        }
      }),
    );
  });
});
