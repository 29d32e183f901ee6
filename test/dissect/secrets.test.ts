import { expect } from "chai";
import fc from "fast-check";
import { itemToJson } from "../../src/dissect/json.ts";
import type { Item, Side } from "../../src/dissect/model.ts";
import { concat } from "../wire/octets.ts";
import { dissect, eventsOf, methodFrame } from "./support.ts";

const SECRET = "hunter2-hunter2";
const octets = new TextEncoder().encode(SECRET);

const START_OK = methodFrame(0, {
  ...({ name: "connection.start-ok", clientProperties: { product: "test" } } as const),
  ...{ mechanism: "PLAIN", response: octets, locale: "en_US" },
});
const SECURE_OK = methodFrame(0, { name: "connection.secure-ok", response: octets });
const UPDATE = methodFrame(0, {
  ...({ name: "connection.update-secret", newSecret: octets, reason: "because" } as const),
});

/** Whether any part of the secret that is long enough to tell is in the items. */
function leaks(items: readonly Item[]): boolean {
  const shown = items.map(itemToJson).join("\n");
  const digits = Buffer.from(octets.subarray(0, 6)).toString("hex");
  return shown.includes(SECRET.slice(0, 6)) || shown.includes(digits);
}

describe("secrets", () => {
  for (const [name, frame] of Object.entries({ START_OK, SECURE_OK, UPDATE })) {
    it(`of ${name} are hidden, in the value and in the octets, unless they were asked for`, () => {
      const items = dissect([["client", frame]]);
      expect(leaks(items)).to.equal(false);
      const [event] = eventsOf(items);
      expect(event?.bytes).to.have.length(frame.length);
      expect(event?.error).to.equal(undefined);
      const secret = event?.fields.find((field) => field.secret);
      expect(secret).to.include({ value: undefined, meaning: "hidden" });
      expect(leaks(dissect([["client", frame]], { showSecrets: true }))).to.equal(true);
    });

    it(`of ${name} stay hidden wherever an octet before them is wrong or the frame is cut`, () => {
      const before = Buffer.from(frame).indexOf(octets);
      const cut = fc.integer({ min: 0, max: frame.length });
      const place = fc.integer({ min: 11, max: before - 1 });
      fc.assert(
        fc.property(cut, place, fc.nat({ max: 255 }), fc.boolean(), (end, at, octet, midstream) => {
          const damaged = frame.with(at, octet);
          expect(leaks(dissect([["client", damaged]], { midstream }))).to.equal(false);
          expect(leaks(dissect([["client", damaged.subarray(0, end)]], { midstream }))).to.equal(
            false,
          );
        }),
        { numRuns: 400 },
      );
    });

    it(`of ${name} stay hidden where the size or the end of the frame is wrong`, () => {
      for (const at of [3, 4, 5, 6, frame.length - 1]) {
        for (const octet of [0, 1, 0x20, 0xff]) {
          const damaged = frame.with(at, octet);
          const said: [Side, Uint8Array][] = [["client", concat(damaged, new Uint8Array(9000))]];
          expect(leaks(dissect(said)), `${at} ${octet}`).to.equal(false);
        }
      }
    });
  }

  it("stay hidden where a wrong size makes them part of what is before them", () => {
    const mechanism = Buffer.from(START_OK).indexOf("PLAIN");
    for (const size of [6, 12, 15, 20]) {
      expect(leaks(dissect([["client", START_OK.with(mechanism - 1, size)]]))).to.equal(false);
    }
    const table = 14;
    for (const size of [17 + 9, 17 + 20, 17 + 29]) {
      expect(leaks(dissect([["client", START_OK.with(table, size)]]))).to.equal(false);
    }
  });

  it("have the same value whatever their length, and the frame is as long as it was", () => {
    const values = [0, 1, 40].map((length) => {
      const response = new Uint8Array(length).fill(0x61);
      const octets = methodFrame(0, { name: "connection.secure-ok", response });
      const [event] = eventsOf(dissect([["client", octets]]));
      expect(event?.bytes).to.have.length(octets.length);
      const { value, meaning } = event?.fields.find(({ secret }) => secret) ?? {};
      return { value, meaning };
    });
    expect(new Set(values.map((each) => JSON.stringify(each)))).to.have.property("size", 1);
  });

  it("are nothing else: the rest of the frame is there", () => {
    const [event] = eventsOf(dissect([["client", START_OK]]));
    expect(event?.fields.find(({ name }) => name === "mechanism")?.value).to.equal("PLAIN");
    expect(event?.fields.find(({ name }) => name === "locale")?.value).to.equal("en_US");
  });
});
