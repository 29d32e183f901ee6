/** No password is in anything that decode and tap show or write, whatever single octet is wrong. */
import { expect } from "chai";
import fc from "fast-check";
import type { OpenOptions } from "../../src/dissect/options.ts";
import { type Damage, damagedLogin, leakIn, loginsWith, SECRETS } from "../dissect/logins.ts";
import { dissect, type Said } from "../dissect/support.ts";
import { concat } from "../wire/octets.ts";
import { outputsOf } from "./outputs.ts";

const WAYS: readonly ((said: Said[]) => readonly [Said[], OpenOptions])[] = [
  (said) => [said, {}],
  (said) => [said, { midstream: true }],
  (said) => [said.filter(([from]) => from === "client"), {}],
  (said) => [[["client", concat(...said.map(([, octets]) => octets))]], { mixed: true }],
];

describe("what is shown and written of a login", () => {
  for (const [kind, secret] of Object.entries(SECRETS)) {
    const logins = loginsWith(secret);
    for (const [name, { said, at }] of Object.entries(logins)) {
      it(`has no secret of ${kind} of ${name} in it`, () => {
        const octets = (said[at] as Said)[1];
        const damages: fc.Arbitrary<Damage> = fc.record({
          how: fc.constantFrom("changed", "lost", "twice"),
          place: fc.nat({ max: octets.length - 1 }),
          octet: fc.nat({ max: 255 }),
        });
        fc.assert(
          fc.property(fc.constantFrom(...WAYS), damages, (sayIn, damage) => {
            const [damaged, options] = sayIn(damagedLogin(name, damage, logins));
            const outputs = outputsOf(dissect(damaged, { ...options, explain: true }));
            for (const [output, shown] of Object.entries(outputs)) {
              expect(leakIn(shown, kind), output).to.equal(undefined);
            }
          }),
          { numRuns: 100 },
        );
      }).timeout(30_000);

      it(`has the secret of ${kind} of ${name} in each of them where it is asked for`, () => {
        const outputs = outputsOf(dissect([...said], { explain: true, showSecrets: true }));
        for (const [output, shown] of Object.entries(outputs)) {
          // Of a value that is no text people are shown the beginning.
          if (kind === "octets" && /^text|bytes|explain/.test(output)) continue;
          expect(leakIn(shown, kind), output).to.be.a("string");
        }
      });
    }
  }
});
