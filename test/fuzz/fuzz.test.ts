import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { brokerTarget } from "./broker/target.ts";
import { campaign, campaignFor, type Marks, printMarks, type Target } from "./campaign.ts";
import { Flood } from "./client/flood.ts";
import { play as playClient } from "./client/player.ts";
import { clientSession } from "./client/session.ts";
import { clientTarget } from "./client/target.ts";
import { chop } from "./disturb.ts";
import { Random } from "./random.ts";
import { printSteps } from "./steps.ts";
import { wireTarget } from "./wire/target.ts";

/**
 * Octets that are nearly right, for the codec, the client core and the embedded broker. Nothing may
 * come out but protocol errors, nothing may hang, and nobody may keep more than was negotiated.
 *
 *     npm run fuzz                                                 longer, see main.ts
 *     AMQP091_FUZZ_SECONDS=60 npx mocha test/fuzz/fuzz.test.ts     so long for each target
 *     AMQP091_FUZZ_SEED=7 npx mocha test/fuzz/fuzz.test.ts         the same inputs again
 */
const SECONDS = process.env["AMQP091_FUZZ_SECONDS"];
const SEED = Number(process.env["AMQP091_FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

const TARGETS: readonly {
  readonly what: string;
  readonly target: Target;
  readonly runs: number;
  /** What the runs must have come to, or they do not reach what they are meant to. */
  readonly marks: readonly string[];
}[] = [
  {
    what: "the codec decodes, or says which rule is broken",
    target: wireTarget(),
    runs: 2500,
    marks: [
      ...["decoded", "frame 501", "method read", "method 501", "method 502", "method 503"],
      ...["header read", "header 501", "header 502"],
    ],
  },
  {
    what: "the client core ends in order and tells everybody once",
    target: clientTarget(),
    runs: 1500,
    marks: [
      ...[
        "still open",
        "closed by us",
        "closed by peer",
        "lost",
        "501",
        "502",
        "503",
        "504",
        "505",
      ],
      ...["channel 406", "channel closed by peer"],
      ...["confirmed", "returned", "nacked", "refused", "unprocessed", "unsent", "unknown"],
    ],
  },
  {
    what: "the embedded broker answers, or closes",
    target: brokerTarget(),
    runs: 700,
    marks: [
      ...["still open", "ended", "dropped", "silent", "greeted with the version"],
      ...["501", "502", "503", "504", "505", "320", "channel closed"],
      ...["confirmed", "basic.return", "basic.get-ok"],
    ],
  },
];

describe("fuzzing", () => {
  for (const { what, target, runs, marks: expected } of TARGETS) {
    it(`${what}, in ${SECONDS === undefined ? `${runs} runs` : `${SECONDS} seconds`}`, () => {
      const marks: Marks = new Map();
      const count =
        SECONDS === undefined ? runs : campaignFor(target, SEED, Number(SECONDS), marks);
      if (SECONDS === undefined) campaign(target, { seed: SEED, first: 0, end: runs }, marks);
      console.log(`      ${count} runs, seed ${SEED}: ${printMarks(marks, count)}`);
      expect([...marks.keys()]).to.include.members(expected);
    }).timeout(60_000 + 20 * runs + 2000 * Number(SECONDS ?? 0));
  }

  it("the client core has nothing against a server that is in order, however it is cut", () => {
    for (let run = 0; run < 200; run++) {
      const random = new Random(SEED, run);
      const steps = chop(random, clientSession(random, true), false);
      const marks = [...playClient(steps)];
      const refusals = marks.filter((mark) => mark === "channel 406" || /^5\d\d$/.test(mark));
      expect(refusals, `seed ${SEED}\n${printSteps(steps)}`).to.deep.equal([]);
    }
  }).timeout(60_000);

  describe("leaves nothing behind", () => {
    let collect: () => void;
    before(() => {
      setFlagsFromString("--expose-gc");
      collect = runInNewContext("gc");
    });

    /** How many octets more are kept after `action`. */
    function growth(action: () => void): number {
      const before = kept();
      action();
      return kept() - before;
    }

    function kept(): number {
      collect();
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    }

    for (const { target } of TARGETS) {
      it(`when ${target.name} is done`, async () => {
        const marks: Marks = new Map();
        campaign(target, { seed: SEED, first: 0, end: 150 }, marks);
        const before = kept();
        campaign(target, { seed: SEED, first: 150, end: 450 }, marks);
        // What one connection causes on another is written when the first one has had its turn.
        await Promise.resolve();
        expect(kept() - before).to.be.lessThan(MEBIBYTE);
      }).timeout(60_000);
    }

    it("on a connection that lives long", () => {
      const flood = new Flood(new Random(SEED));
      flood.go(3000);
      expect(growth(() => flood.go(8000))).to.be.lessThan(MEBIBYTE);
    }).timeout(60_000);
  });
});

const MEBIBYTE = 1_048_576;
