import { expect } from "chai";
import { InvalidLineError, type MessageDefaults, parseJsonLine } from "../../src/cli/ndjson.ts";

const NO_DEFAULTS: MessageDefaults = {
  exchange: undefined,
  routingKey: undefined,
  mandatory: true,
  properties: { deliveryMode: 2, contentType: undefined, headers: undefined },
};

describe("ndjson", () => {
  it("reads a message", () => {
    const line = {
      exchange: "logs",
      routingKey: "a.b",
      body: "grüße",
      mandatory: false,
      properties: {
        contentType: "text/plain",
        headers: { try: 1, deep: { list: [null, true, "x"] } },
        priority: 5,
        timestamp: "2026-01-02T03:04:05Z",
      },
    };
    const message = Object.entries(parse(JSON.stringify(line)) as object);
    const given = Object.fromEntries(message.filter(([, value]) => value !== undefined));
    expect(given).to.deep.equal({
      exchange: "logs",
      routingKey: "a.b",
      body: "grüße",
      mandatory: false,
      deliveryMode: 2,
      contentType: "text/plain",
      headers: { try: 1, deep: { list: [null, true, "x"] } },
      priority: 5,
      timestamp: new Date("2026-01-02T03:04:05Z"),
    });
  });

  it("fills in what a line leaves out, and what a line says wins", () => {
    const defaults: MessageDefaults = {
      exchange: "e",
      routingKey: "k",
      mandatory: false,
      properties: { deliveryMode: 2, contentType: "a/b", headers: { one: "1", two: "2" } },
    };
    expect(parse('{"body":""}', defaults)).to.deep.include({
      ...{ exchange: "e", routingKey: "k", mandatory: false, body: "" },
      ...{ deliveryMode: 2, contentType: "a/b", headers: { one: "1", two: "2" } },
    });
    const own =
      '{"exchange":"","routingKey":"q","mandatory":true,"body":"",' +
      '"properties":{"deliveryMode":1,"headers":{"two":3}}}';
    expect(parse(own, defaults)).to.deep.include({
      ...{ exchange: "", routingKey: "q", mandatory: true },
      ...{ deliveryMode: 1, headers: { one: "1", two: 3 } },
    });
  });

  it("reads bytes in base64, and timestamps in seconds", () => {
    const message = parse(
      '{"routingKey":"q","body":{"base64":"AP8K"},"properties":{"timestamp":1.0e9}}',
    );
    expect(message?.body).to.deep.equal(Buffer.from([0, 0xff, 0x0a]));
    expect(message?.timestamp?.toISOString()).to.equal("2001-09-09T01:46:40.000Z");
  });

  it("skips blank lines and takes CRLF and a byte order mark", () => {
    expect(parse("")).to.equal(undefined);
    expect(parse(" \t\r")).to.equal(undefined);
    expect(parse('\uFEFF{"routingKey":"q","body":"x"}\r')).to.deep.include({ routingKey: "q" });
  });

  const invalid: [line: string, says: RegExp][] = [
    ["nonsense", /not JSON/],
    ["[]", /the line must be an object, not an array/],
    ["null", /the line must be an object, not null/],
    ['"x"', /the line must be an object, not a string/],
    ['{"body":"x"}', /routingKey is missing/],
    ['{"routingKey":"q"}', /body is missing/],
    ['{"routingKey":"q","body":5}', /body must be a string or/],
    ['{"routingKey":"q","body":null}', /body must be a string or/],
    ['{"routingKey":"q","body":{"hex":"00"}}', /body has "hex", which is not one of base64/],
    ['{"routingKey":"q","body":{"base64":"AP8"}}', /not base64/],
    ['{"routingKey":"q","body":{"base64":"*AAA"}}', /not base64/],
    ['{"routingKey":5,"body":"x"}', /routingKey must be a string, not a number/],
    ['{"routingKey":"q","exchange":null,"body":"x"}', /exchange must be a string, not null/],
    [
      '{"routingKey":"q","mandatory":"yes","body":"x"}',
      /mandatory must be a boolean, not a string/,
    ],
    ['{"routingkey":"q","body":"x"}', /the line has "routingkey", which is not one of/],
    ['{"routingKey":"q","body":"x","properties":[]}', /properties must be an object/],
    [withProperty('"Priority":1'), /properties has "Priority", which is not one of contentType/],
    [withProperty('"priority":"1"'), /properties.priority must be a number/],
    [withProperty('"contentType":1'), /properties.contentType must be a string/],
    [withProperty('"headers":[]'), /properties.headers must be an object, not an array/],
    [withProperty('"timestamp":"yesterday"'), /properties.timestamp must be seconds/],
    [withProperty('"timestamp":"2026-13-01T00:00:00Z"'), /properties.timestamp must be seconds/],
    [withProperty('"timestamp":"2026-01-01T00:00:00"'), /properties.timestamp must be seconds/],
  ];
  for (const [line, says] of invalid) {
    it(`refuses ${line}`, () => {
      expect(() => parse(line)).to.throw(InvalidLineError, says);
    });
  }

  it("refuses what is not UTF-8", () => {
    expect(() => parseJsonLine(Buffer.from([0x22, 0xff, 0x22]), NO_DEFAULTS)).to.throw(
      InvalidLineError,
      /not UTF-8/,
    );
  });
});

function parse(line: string, defaults = NO_DEFAULTS): ReturnType<typeof parseJsonLine> {
  return parseJsonLine(Buffer.from(line), defaults);
}

function withProperty(property: string): string {
  return `{"routingKey":"q","body":"x","properties":{${property}}}`;
}
