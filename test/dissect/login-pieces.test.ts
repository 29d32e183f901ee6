/** Pieces of logins that were pasted without the header of their frame. */
import { expect } from "chai";
import { itemToJson } from "../../src/dissect/json.ts";
import { concat } from "../wire/octets.ts";
import { LOGINS, leakIn, SECRET, secretFrame } from "./logins.ts";
import { dissect, frame } from "./support.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function shown(octets: Uint8Array, showSecrets = false): string {
  return dissect([["client", octets]], { mixed: true, showSecrets })
    .map(itemToJson)
    .join("\n");
}

describe("a piece of a login in a stream of nobody knows whom", () => {
  for (const name of Object.keys(LOGINS)) {
    const whole = secretFrame(name);
    for (const [what, from, end] of [
      ["the payload", 7, -1],
      ["the arguments", 11, -1],
      ["the arguments and the frame's end", 11, undefined],
    ] as const) {
      it(`is hidden where it is ${what} of the frame of ${name}`, () => {
        const piece = whole.slice(from, end);
        expect(leakIn(shown(piece))).to.equal(undefined);
        expect(leakIn(shown(piece, true))).to.be.a("string");
      });
    }
  }

  for (const name of ["PLAIN", "AMQPLAIN"]) {
    it(`is hidden wherever the piece of a ${name} login begins, if it goes to the end`, () => {
      const whole = secretFrame(name);
      const begin = Buffer.from(whole).indexOf(SECRET);
      for (let from = 1; from < begin + 4; from++) {
        expect(leakIn(shown(whole.slice(from))), `from ${from}`).to.equal(undefined);
      }
    });
  }

  it("is hidden where it is a response alone", () => {
    for (const before of [
      "\0guest\0",
      "admin\0guest\0",
      "\x05LOGINS\0\0\0\x05guest\x08PASSWORDS",
    ]) {
      const piece = concat(text(before), text(SECRET));
      expect(leakIn(shown(piece)), before).to.equal(undefined);
      expect(leakIn(shown(piece, true)), before).to.be.a("string");
    }
  });

  it("is not the body of a message that speaks of one, nor octets that say nothing of it", () => {
    const body = `PLAIN \0guest\0${SECRET}`;
    expect(leakIn(shown(frame(3, 1, text(body))))).to.be.a("string");
    expect(leakIn(shown(text(`hello ${SECRET}`)))).to.be.a("string");
  });
});
