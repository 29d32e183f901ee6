import { expect } from "chai";
import {
  BASIC_CLASS_ID,
  FRAME_END,
  FRAME_MIN_SIZE,
  FRAME_TYPE,
  PORT,
  PROTOCOL_HEADER,
  REPLY_CODE,
  REPLY_CODES,
  TLS_PORT,
} from "../../../src/wire/generated/constants.ts";

describe("wire/generated/constants", () => {
  it("are those of the specification", () => {
    expect(String.fromCharCode(...PROTOCOL_HEADER)).to.equal("AMQP\0\0\x09\x01");
    expect(FRAME_TYPE).to.deep.equal({ method: 1, header: 2, body: 3, heartbeat: 8 });
    expect([FRAME_END, FRAME_MIN_SIZE, BASIC_CLASS_ID]).to.deep.equal([0xce, 4096, 60]);
    expect([PORT, TLS_PORT]).to.deep.equal([5672, 5671]);
  });

  it("reply codes close the channel or the connection", () => {
    const of = (kind: string): number[] =>
      [...REPLY_CODES].filter(([, code]) => code.kind === kind).map(([number]) => number);
    expect(of("success")).to.deep.equal([200]);
    expect(of("soft")).to.deep.equal([311, 312, 313, 403, 404, 405, 406]);
    expect(of("hard")).to.deep.equal([320, 402, 501, 502, 503, 504, 505, 506, 530, 540, 541]);
  });

  it("reply codes have the same names in both lists", () => {
    const camelCased = (name: string): string =>
      name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    const byNumber = [...REPLY_CODES].map(([number, { name }]) => [camelCased(name), number]);
    expect(Object.fromEntries(byNumber)).to.deep.equal(REPLY_CODE);
  });
});
