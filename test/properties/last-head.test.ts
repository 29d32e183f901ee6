import { expect } from "chai";
import fc from "fast-check";
import { writeContent } from "../../src/wire/content.ts";
import type { BasicPublish } from "../../src/wire/generated/methods.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import { LastHead } from "../../src/wire/last-head.ts";
import { Output } from "../../src/wire/output.ts";
import { NO_PROPERTIES } from "../../src/wire/properties.ts";
import { concat, toHex } from "../wire/octets.ts";

const CHANNEL = 7;
const FRAME_MAX = 4096;
const FIXED: BasicProperties = Object.freeze({ contentType: "text/plain", headers: { n: 1 } });

/** One thing that happens to an output; what it gives are the octets that were taken. */
type Step =
  | {
      readonly do: "publish";
      readonly method: BasicPublish;
      readonly properties: BasicProperties;
      readonly body: Uint8Array | string;
    }
  | { readonly do: "take" | "clear" | "speak" };

const name = fc.constantFrom("", "a", "b", "a longer name with a € in it", "\ud800");
const publish = fc
  .record({
    exchange: fc.constantFrom("", "x"),
    routingKey: name,
    mandatory: fc.boolean(),
    immediate: fc.constantFrom(false, false, false, true),
  })
  .map((method): BasicPublish => ({ name: "basic.publish", ...method }));
const properties = fc.constantFrom<BasicProperties>(
  ...[NO_PROPERTIES, NO_PROPERTIES, FIXED, FIXED, {}],
  ...[{ priority: 3 }, { messageId: "m" }, { deliveryMode: 300 as 1 }, { type: "t".repeat(300) }],
);
const body = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.constantFrom("", "text", "€uro", "\udc00", "t".repeat(5000)),
  fc.constantFrom(4079, 4080, 4096, 8192, 20_000).map((size) => new Uint8Array(size).fill(size)),
);
const fixed = fc.constantFrom(NO_PROPERTIES, FIXED);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("publish"), method: publish, properties, body }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("publish"),
      method: fc.constant<BasicPublish>({
        ...{ name: "basic.publish", exchange: "", routingKey: "often" },
        ...{ mandatory: false, immediate: false },
      }),
      properties: fc.constantFrom(NO_PROPERTIES, FIXED),
      body,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("take", "clear", "speak") }) },
);

/** Plays the steps, and gives what was written and what was refused. */
function play(steps: readonly Step[], last: LastHead | undefined): string[] {
  const output = new Output();
  const seen: string[] = [];
  for (const each of steps) {
    if (each.do === "take") seen.push(toHex(concat(...output.take())));
    else if (each.do === "clear") output.clear();
    else if (each.do === "speak") output.writer.writeOctet(8);
    else if (each.do === "publish") seen.push(attempt(output, each, last));
  }
  return [...seen, toHex(concat(...output.take()))];
}

function attempt(
  output: Output,
  { method, properties, body }: Extract<Step, { do: "publish" }>,
  last: LastHead | undefined,
): string {
  try {
    return String(writeContent(output, CHANNEL, method, properties, body, FRAME_MAX, last));
  } catch (error) {
    return String(error);
  }
}

describe("the head of the last publish", () => {
  it("makes no difference to what is written, whatever is published, taken or refused", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fixed, (steps, properties) => {
        expect(play(steps, new LastHead(properties))).to.deep.equal(play(steps, undefined));
      }),
      { numRuns: 1000 },
    );
  });

  it("is copied where all of it is the same, and else as far as it is", () => {
    const output = new Output();
    const last = new LastHead(NO_PROPERTIES);
    const method: BasicPublish = {
      ...{ name: "basic.publish", exchange: "x", routingKey: "k" },
      ...{ mandatory: false, immediate: false },
    };
    expect(last.repeat(output, method, NO_PROPERTIES)).to.equal("nothing");
    writeContent(output, 1, method, NO_PROPERTIES, "", FRAME_MAX, last);
    expect(last.repeat(output, method, NO_PROPERTIES)).to.equal("all");
    expect(last.repeat(output, method, {})).to.equal("method");
    expect(last.repeat(output, { ...method, mandatory: true }, NO_PROPERTIES)).to.equal("nothing");
    output.take();
    expect(last.repeat(output, method, NO_PROPERTIES)).to.equal("nothing");
  });
});
