import { expect } from "chai";
import { annotateFrame } from "../../src/dissect/annotate.ts";
import { FRAME_TYPE } from "../../src/wire/generated/constants.ts";
import { frame } from "./support.ts";

describe("annotating a frame", () => {
  const types = [
    ["method", FRAME_TYPE.method],
    ["content header", FRAME_TYPE.header],
  ] as const;
  const payloads: [octets: number[], fields: string[], offset: number, left: number][] = [
    [[], [], 7, 0],
    [[0], ["undecoded 7+1"], 7, 1],
    [[0, 60], ["classId 7+2"], 9, 0],
    [[0, 60, 0], ["classId 7+2", "undecoded 9+1"], 9, 1],
  ];
  for (const [title, type] of types) {
    for (const [octets, fields, offset, left] of payloads) {
      it(`that is a ${title} with ${octets.length} octets, too few for its numbers`, () => {
        const annotated = annotateFrame(frame(type, 1, Uint8Array.from(octets)), "client");
        const places = annotated.fields.map((it) => `${it.name} ${it.offset}+${it.length}`);
        const end = `end ${7 + octets.length}+1`;
        expect(places).to.deep.equal(["type 0+1", "channel 1+2", "size 3+4", ...fields, end]);
        expect(annotated.method).to.equal(undefined);
        expect(annotated.error).to.deep.equal({
          offset,
          message: `the payload ends inside a short integer: it takes 2 octets, there are ${left}`,
        });
      });
    }
  }
});
