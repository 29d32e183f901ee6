import { expect } from "chai";
import { ConnectionMachine } from "../../src/protocol/connection.ts";
import { FrameDecoder, type RawFrame } from "../../src/wire/frame-decoder.ts";
import { readClientMethod, readServerMethod } from "../../src/wire/generated/codec.ts";
import { readContentHeader } from "../../src/wire/properties.ts";
import { Reader } from "../../src/wire/reader.ts";
import { brokerTarget } from "./broker/target.ts";
import { campaign, faultIn, type Patience, type Target } from "./campaign.ts";
import type { MakeMachine } from "./client/player.ts";
import { clientTarget } from "./client/target.ts";
import { guarded } from "./guard.ts";
import { longAt } from "./octets/envelope.ts";
import { Random } from "./random.ts";
import { shrink } from "./shrink.ts";
import { type Action, parseSteps, printSteps, type Steps } from "./steps.ts";
import { type Codec, wireTarget } from "./wire/target.ts";

/** Mistakes that somebody could make one day: a fuzzer that does not find them is none. */
describe("the fuzzer notices", () => {
  describe("a codec that", () => {
    notices(
      "does not look at the end of a frame",
      wireTarget(
        codec({
          FrameDecoder: class extends FrameDecoder {
            override push(piece: Uint8Array): void {
              super.push(mended(piece));
            }
          },
        }),
      ),
      /a frame that is none: a frame ends with \d+/,
    );

    notices(
      "says nothing of what is broken",
      wireTarget(
        codec({
          FrameDecoder: class extends FrameDecoder {
            override next(): RawFrame | undefined {
              try {
                return super.next();
              } catch {
                return undefined;
              }
            }
          },
        }),
      ),
      /a broken frame: .* is answered with nothing/,
    );

    notices(
      "goes as deep into a table as it is nested",
      wireTarget(
        codec({
          readServerMethod: (reader) => {
            const { bytes, offset, end } = reader;
            const nested = (at: number): number => {
              return at < end && bytes[at] === LETTER_A ? 1 + nested(at + 5) : 0;
            };
            nested(bytes.indexOf(LETTER_A, offset));
            return readServerMethod(reader);
          },
        }),
      ),
      /an exception came out \(RangeError\): Maximum call stack size exceeded/,
    );

    notices(
      "makes room for as much as is declared",
      wireTarget(
        codec({
          readContentHeader: (reader) => {
            const declared = longAt(reader.bytes, reader.offset + 8);
            new Uint8Array(Math.min(declared, LARGE));
            return readContentHeader(reader);
          },
        }),
      ),
      /memory: \d+ octets were allocated for \d+ that came/,
    );

    notices(
      "reads beyond the end of the payload",
      wireTarget(
        codec({
          readClientMethod: (reader) => {
            const unbounded = new Reader(reader.bytes, reader.offset);
            const method = readClientMethod(unbounded);
            reader.offset = Math.min(unbounded.offset, reader.end);
            return method;
          },
        }),
      ),
      /reading beyond the payload|a malformed payload/,
    );

    notices(
      "trips over a header that it does not expect",
      wireTarget(
        codec({
          readContentHeader: (reader) => {
            const header = readContentHeader(reader);
            if (header.bodySize === 3) (header.properties.headers as { x: string }).x.trim();
            return header;
          },
        }),
      ),
      /an exception came out \(TypeError\)/,
    );
  });

  describe("a client that", () => {
    notices(
      "does not look at the end of a frame",
      clientOf(
        class extends ConnectionMachine {
          override receive(bytes: Uint8Array, now: number): void {
            super.receive(mended(bytes), now);
          }
        },
      ),
      /a broken rule is let pass: a frame ends with \d+/,
    );

    notices(
      "trips over what it does not expect",
      clientOf(
        class extends ConnectionMachine {
          override receive(bytes: Uint8Array, now: number): void {
            super.receive(bytes, now);
            const surprised = this.state === "closing" && this.blockedReason !== undefined;
            if (surprised) throw new TypeError("blocked and closing");
          }
        },
      ),
      /an exception came out \(TypeError\): blocked and closing/,
    );

    notices(
      "does not mind that the stream has ended",
      clientOf(
        class extends ConnectionMachine {
          override receiveEnd(): void {}
        },
      ),
      /it is not told to be over/,
    );

    notices(
      "forgets the publishes of a channel",
      clientOf(
        class extends ConnectionMachine {
          override openChannel(...args: Parameters<ConnectionMachine["openChannel"]>) {
            const channel = super.openChannel(...args);
            channel.ledger.closeAll = () => {};
            return channel;
          }
        },
      ),
      /publishes are kept after the end|a publish is not told once/,
    );

    notices(
      "believes every delivery tag",
      clientOf(
        class extends ConnectionMachine {
          override openChannel(...args: Parameters<ConnectionMachine["openChannel"]>) {
            const channel = super.openChannel(...args);
            const { ledger } = channel;
            ledger.ack = (last: number): number => {
              for (let tag = 1; tag <= last; tag++) ledger.openPublications();
              return 0;
            };
            return channel;
          }
        },
      ),
      /it hangs: no end after \d+ ms/,
      { batchMs: 1500, runMs: 200, shrinkMs: 1500 },
    );

    notices(
      "says a publish was not sent although it was",
      clientOf(
        class extends ConnectionMachine {
          override openChannel(...args: Parameters<ConnectionMachine["openChannel"]>) {
            const channel = super.openChannel(...args);
            channel.ledger.markWritten = () => {};
            return channel;
          }
        },
      ),
      /a publish that was written is unsent/,
    );

    notices(
      "makes room for a frame as soon as its size is there",
      clientOf(
        class extends ConnectionMachine {
          override receive(bytes: Uint8Array, now: number): void {
            if (bytes.length > 7) new Uint8Array(Math.min(longAt(bytes, 3), LARGE));
            super.receive(bytes, now);
          }
        },
      ),
      /memory: \d+ octets were allocated/,
    );

    notices(
      "wants to be woken again and again",
      clientOf(
        class extends ConnectionMachine {
          override nextTimeout(): number | undefined {
            const next = super.nextTimeout();
            return next === undefined ? undefined : Math.min(next, 1_000_000);
          }
        },
      ),
      /it wants to be woken at once/,
    );
  });

  describe("a broker that", () => {
    notices(
      "lets an exception out of its data handler",
      brokerTarget((deliver, octets) => {
        deliver();
        if (octets[0] === 3 && octets.length === 8) throw new TypeError("an empty body frame");
      }),
      /an exception came out \(TypeError\): an empty body frame/,
    );
  });

  /** Within so few runs; what is printed is enough to have it again. */
  function notices(
    mistake: string,
    target: Target,
    explanation: RegExp,
    patience: Patience = { batchMs: 20_000, runMs: 2000, shrinkMs: 1000 },
  ): void {
    it(mistake, () => {
      let message = "";
      try {
        campaign(target, { seed: 1, first: 0, end: 3000 }, new Map(), patience);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).to.match(explanation);
      const run = /, seed 1, run (\d+):/.exec(message)?.[1];
      expect(message).to.include(`npm run fuzz -- --target ${target.name} --seed 1 --run ${run}`);
      const printed = parseSteps(message);
      expect(faultIn(target, printed, patience.runMs)?.message).to.match(explanation);
    }).timeout(60_000);
  }
});

describe("the fuzzer's own tools", () => {
  it("end what hangs, and let through what comes back", () => {
    expect(() =>
      guarded(50, () => {
        for (;;);
      }),
    ).to.throw("it hangs");
    expect(guarded(20_000, () => 5)).to.equal(5);
    expect(() =>
      guarded(20_000, () => {
        throw new TypeError("x");
      }),
    ).to.throw(TypeError);
  });

  it("make an input as small as it can be", () => {
    const random = new Random(1);
    const steps: Steps = Array.from({ length: 40 }, (_, i) => ({
      do: "octets",
      octets: random.octets(20),
      cuts: [3, 9],
      hold: i % 2 === 0,
      was: Uint8Array.of(i),
    }));
    const needed = steps.with(17, {
      do: "octets",
      octets: Uint8Array.of(1, 2, 3, 99, 5),
      cuts: [2],
    });
    const small = shrink(needed, (each) => printSteps(each).includes("63"));
    expect(printSteps(small)).to.match(/^\{"do":"octets","octets":"(00)*63"\}$/);
  });

  it("choose the same again for the same seed, and something else for another", () => {
    const [a, b, c, d] = [
      [1, 0],
      [1, 0],
      [1, 1],
      [2, 0],
    ].map(([seed, stream]) => {
      return new Random(seed as number, stream).octets(8).join();
    });
    expect(a).to.equal(b);
    expect(new Set([a, c, d]).size).to.equal(3);
  });

  it("print steps that can be read again", () => {
    const generated = clientTarget().generate(new Random(1));
    const steps: Steps = [{ do: "stall", octets: 5 } as Action, ...generated];
    const again = parseSteps(printSteps(steps));
    expect(printSteps(again)).to.equal(printSteps(steps));
    expect(again).to.have.length(steps.length);
  });
});

function codec(broken: Partial<Codec>): Codec {
  return { FrameDecoder, readClientMethod, readServerMethod, readContentHeader, ...broken };
}

function clientOf(Machine: new (...args: Parameters<MakeMachine>) => ConnectionMachine): Target {
  return clientTarget((settings, now) => new Machine(settings, now));
}

/** A frame that came in one piece, with the right end. */
function mended(piece: Uint8Array): Uint8Array {
  if (piece.length < 8 || longAt(piece, 3) + 8 !== piece.length) return piece;
  return piece.with(-1, 0xce);
}

/** More than any run may allocate, and little enough to be had. */
const LARGE = 16_777_216;

const LETTER_A = 65;
