import { expect } from "chai";
import fc from "fast-check";
import {
  compareReadBack,
  type Likeness,
  observedKey,
  readBack,
  recipientsKey,
} from "../../src/protocol/returned-properties.ts";
import { tagged } from "../../src/wire/field-value.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import { readProperties, writeProperties } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import type { SentProperties } from "../../src/wire/tagged-properties.ts";
import { basicProperties, fieldTableReading } from "../support/arbitraries.ts";
import { encoded, hex } from "../wire/octets.ts";

/** What a broker reads when properties are sent to it. */
function overTheWire(properties: BasicProperties): BasicProperties {
  return readProperties(new Reader(encoded((writer) => writeProperties(writer, properties))));
}

function compareProperties(sent: BasicProperties, got: BasicProperties): Likeness {
  return compareReadBack(readBack(sent), got);
}

describe("compareReadBack", () => {
  it("knows any properties again, whatever types they are sent with", () => {
    const sent = fc
      .tuple(basicProperties(), fieldTableReading())
      .map(([properties, { given }]) => ({ ...properties, headers: given }));
    fc.assert(
      fc.property(sent, (properties) => {
        expect(compareProperties(properties, overTheWire(properties))).to.equal("same");
      }),
      { numRuns: 60 },
    );
  });

  const same: readonly (readonly [what: string, sent: BasicProperties, got: BasicProperties])[] = [
    ["nothing was sent, nothing came", {}, {}],
    ["the broker took BCC out", { headers: { a: 1, BCC: ["q"] } }, { headers: { a: 1 } }],
    ["BCC was the only header", { headers: { BCC: ["q"] } }, {}],
    [
      "the broker rewrote reply-to",
      { replyTo: "amq.rabbitmq.reply-to" },
      { replyTo: "amq.rabbitmq.reply-to.g1h" },
    ],
    ["a time lost its milliseconds", { timestamp: new Date(1999) }, { timestamp: new Date(1000) }],
    ["undefined is not there", { type: undefined, headers: { a: undefined } }, {}],
    ["an empty table", { headers: {} }, {}],
    [
      "a decimal",
      { headers: { a: tagged("D", { scale: 2, value: 5 }) } },
      overTheWire({
        headers: { a: tagged("D", { scale: 2, value: 5 }) },
      }),
    ],
  ];
  for (const [what, sent, got] of same) {
    it(`says "same" where ${what}`, () => {
      expect(compareProperties(sent, got)).to.equal("same");
    });
  }

  it('says "extended" where only headers came on top that brokers add', () => {
    const added = { headers: { a: 1, "x-node": "n" } };
    expect(compareProperties({ headers: { a: 1 } }, added)).to.equal("extended");
    expect(compareProperties({}, { headers: { "x-node": "n" } })).to.equal("extended");
    expect(compareProperties({ headers: { "x-node": "n", a: 1 } }, added)).to.equal("same");
  });

  const part: typeof same = [
    [
      "the broker added headers of both kinds",
      {},
      { headers: { "x-node": 1, timestamp_in_ms: 1 } },
    ],
    ["the broker added properties", {}, { deliveryMode: 1 }],
    ["the broker added a property beside others", { type: "t" }, { type: "t", priority: 0 }],
    ["the broker added a header of its own name", {}, { headers: { timestamp_in_ms: 1 } }],
  ];
  for (const [what, sent, got] of part) {
    it(`says "part" where ${what}`, () => {
      expect(compareProperties(sent, got)).to.equal("part");
    });
  }

  const time = new Date(1000);
  const different: typeof same = [
    ["a property is another", { type: "a" }, { type: "b" }],
    ["a property is missing", { type: "a" }, {}],
    ["a header is another", { headers: { a: 1 } }, { headers: { a: 2 } }],
    ["a header is missing", { headers: { a: 1 } }, { headers: { b: 1 } }],
    ["all headers are missing", { headers: { a: 1 } }, {}],
    ["a number is text", { headers: { a: 1 } }, { headers: { a: "1" } }],
    ["null is missing", { headers: { a: null } }, { headers: {} }],
    ["null is a table", { headers: { a: null } }, { headers: { a: {} } }],
    ["a table is null", { headers: { a: {} } }, { headers: { a: null } }],
    ["a time is another", { timestamp: time }, { timestamp: new Date(2000) }],
    ["a time is a table", { headers: { a: time } }, { headers: { a: {} } }],
    ["a table is a time", { headers: { a: {} } }, { headers: { a: time } }],
    ["an array is a table", { headers: { a: [1] } }, { headers: { a: { 0: 1 } } }],
    ["an array is longer", { headers: { a: [1] } }, { headers: { a: [1, 2] } }],
    ["a nested value is another", { headers: { a: [{ b: 1 }] } }, { headers: { a: [{ b: 2 }] } }],
    ["a nested name is another", { headers: { a: { b: 1 } } }, { headers: { a: { c: 1 } } }],
    [
      "octets are others",
      { headers: { a: Uint8Array.of(1) } },
      { headers: { a: Uint8Array.of(2) } },
    ],
  ];
  for (const [what, sent, got] of different) {
    it(`says "other" where ${what}`, () => {
      expect(compareProperties(sent, got)).to.equal("other");
    });
  }

  it("says other for what its owner has made impossible since it was sent", () => {
    expect(compareProperties({ headers: { a: Number.NaN } }, { headers: { a: 1 } })).to.equal(
      "other",
    );
    expect(compareProperties({ type: "x".repeat(256) }, {})).to.equal("other");
  });
});

describe("observedKey", () => {
  const key = (properties: BasicProperties): string => observedKey(readBack(properties));

  it("compares what two messages look like when they come back", () => {
    const timestamp = new Date(1999);
    const other = { type: "t", timestamp: new Date(1000) };
    expect(key({ timestamp, type: "t" })).to.equal(key(other));
    expect(key({ headers: { a: 5 } })).to.equal(key({ headers: { a: tagged("l", 5n) } }));
    expect(key({ headers: { BCC: ["a"] } })).to.equal(key({ headers: { BCC: ["b"] } }));
    expect(key({ type: "t" })).not.to.equal(key({ type: "u" }));
    expect(key({})).not.to.equal(key({ headers: { "x-id": 1 } }));
    expect(key({ replyTo: "a" })).not.to.equal(key({ replyTo: "b" }));
  });

  it("is empty for what cannot be encoded", () => {
    expect(key({ type: "x".repeat(256) })).to.equal("");
  });

  it("tells apart what can be read and not be written again", () => {
    const float = (octets: string) => ({ headers: { a: tagged("d", hex(octets)) } });
    const beyond = { timestamp: tagged("T", 2n ** 64n - 1n) };
    const longer = { messageId: new Uint8Array(100).fill(0xff) };
    const all: SentProperties[] = [
      beyond,
      { ...beyond, headers: { a: null } },
      { ...beyond, headers: { a: 2n ** 63n - 1n } },
      { ...beyond, headers: { a: 2n ** 63n - 2n } },
      { ...beyond, headers: { a: 2 ** 62 } },
      { ...beyond, headers: { a: new Date(1000) } },
      { ...beyond, headers: { a: new Date(2000) } },
      { ...beyond, headers: { a: tagged("T", 2n ** 64n - 1n) } },
      { ...beyond, headers: { a: Uint8Array.of(1) } },
      { ...beyond, headers: { a: [1, "b"] } },
      longer,
      { ...longer, type: "t" },
      float("7f f8 00 00 00 00 00 00"),
      float("7f f0 00 00 00 00 00 00"),
      float("ff f0 00 00 00 00 00 00"),
    ];
    const keys = all.map((properties) => observedKey(readBack(properties)));
    expect(new Set(keys).size).to.equal(all.length);
    expect(all.map((properties) => observedKey(readBack(properties)))).to.deep.equal(keys);
  });
});

describe("recipientsKey", () => {
  const key = (properties: BasicProperties): string => recipientsKey(readBack(properties));

  it("compares what nobody sees when a message comes back", () => {
    expect(key({ headers: { BCC: ["a"] } })).not.to.equal(key({ headers: { BCC: ["b"] } }));
    expect(key({ headers: { BCC: ["a"], n: 1 } })).to.equal(key({ headers: { BCC: ["a"] } }));
    expect([key({}), key({ headers: {} }), key({ type: "x".repeat(256) })]).to.deep.equal([
      "",
      "",
      "",
    ]);
  });
});
