/** No password is in what is shown of a login, whatever single octet of it is wrong. */
import { expect } from "chai";
import fc from "fast-check";
import { Dissector } from "../../src/dissect/dissector.ts";
import { itemToJson } from "../../src/dissect/json.ts";
import type { OpenOptions } from "../../src/dissect/options.ts";
import { concat } from "../wire/octets.ts";
import { type Damage, damagedLogin, LOGINS, leakIn, SECRET, secretFrame } from "./logins.ts";
import { dissect, type Said } from "./support.ts";

describe("a damaged login", () => {
  const WAYS: { readonly [way: string]: (said: Said[]) => readonly [Said[], OpenOptions?] } = {
    "from its beginning": (said) => [said],
    "of which the beginning was not seen": (said) => [said, { midstream: true }],
    "as the octets of the client alone": (said) => [said.filter(([from]) => from === "client")],
    "as the octets of both in one": (said) => [
      [["client", concat(...said.map(([, octets]) => octets))]],
      { mixed: true },
    ],
  };
  /** A login of which so many octets do not come, or are missing from the capture. */
  function withoutBeginning(name: string, count: number, isGap: boolean): string {
    const { said, at } = LOGINS[name] as (typeof LOGINS)[string];
    const dissector = new Dissector();
    const { id } = dissector.open({});
    const items = said.flatMap(([from, octets], i) => [
      ...(i === at && isGap ? dissector.gap(id, from, count) : []),
      ...dissector.push(id, from, i === at ? octets.subarray(count) : octets),
    ]);
    return [...items, ...dissector.end(id)].map(itemToJson).join("\n");
  }

  for (const name of Object.keys(LOGINS)) {
    it(`does not show the secret of ${name} where the beginning of its frame is missing`, () => {
      const last = Buffer.from(secretFrame(name)).indexOf(SECRET) + 3;
      for (let count = 1; count < last; count++) {
        expect(leakIn(withoutBeginning(name, count, true)), `gap of ${count}`).to.equal(undefined);
        // Behind the login nothing tells the rest of such a frame from any other octets.
        if (name === "update-secret" && count > 8) continue;
        expect(leakIn(withoutBeginning(name, count, false)), `${count}`).to.equal(undefined);
      }
    });
    const frame = secretFrame(name);
    const begin = Buffer.from(frame).indexOf(SECRET);
    const end = begin + SECRET.length;
    for (const [way, sayIn] of Object.entries(WAYS)) {
      const check = (damage: Damage): void => {
        const shown = dissect(...sayIn(damagedLogin(name, damage)))
          .map(itemToJson)
          .join("\n");
        const leak = leakIn(shown);
        if (leak !== undefined) {
          expect.fail(`${leak} is shown with ${JSON.stringify(damage)} (from ${begin} on)`);
        }
      };

      it(`does not show the secret of ${name}, ${way}`, () => {
        for (let place = 0; place < frame.length; place++) {
          // The secret has no structure: its beginning and its end are enough.
          if (place > begin + 2 && place < end - 2) continue;
          check({ how: "lost", place, octet: 0 });
          check({ how: "twice", place, octet: 0 });
          const old = frame[place] as number;
          for (const octet of [0, 1, 2, 3, 8, 0x0b, 0x15, 0x46, 0x41, 0x7f, 0xce, 0xff]) {
            check({ how: "changed", place, octet });
          }
          for (const octet of [old - 1, old + 1, old ^ 0x80]) {
            check({ how: "changed", place, octet: octet & 0xff });
          }
        }
      }).timeout(30_000);

      it(`does not show the secret of ${name}, ${way}, whatever octet comes in its place`, () => {
        const places = fc.oneof(
          fc.nat({ max: begin + 1 }),
          fc.integer({ min: end, max: frame.length - 1 }),
        );
        fc.assert(
          fc.property(places, fc.nat({ max: 255 }), (place, octet) => {
            check({ how: "changed", place, octet });
          }),
          { numRuns: 300 },
        );
      }).timeout(30_000);
    }
  }
});
