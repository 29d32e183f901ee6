/**
 * What a message brings is its own: the octets that it came in may be overwritten as soon as they
 * have been taken, whether it came whole in one piece or in many, and nothing of it changes.
 */
import { expect } from "chai";
import fc from "fast-check";
import type { Content } from "../../src/protocol/content-assembler.ts";
import type { BasicProperties } from "../../src/wire/generated/properties.ts";
import { writeProperties } from "../../src/wire/properties.ts";
import { basicProperties, chop, propertyBytes } from "../support/arbitraries.ts";
import { concat, encoded, toHex } from "../wire/octets.ts";
import { call, contentFrames, opened, rawFrame } from "./support.ts";

const AT = { redelivered: false, exchange: "", routingKey: "q" };
const DELIVER = { name: "basic.deliver", consumerTag: "c", deliveryTag: 1, ...AT } as const;
const GET_OK = { name: "basic.get-ok", deliveryTag: 1, messageCount: 0, ...AT } as const;
const RETURN = {
  ...({ name: "basic.return", replyCode: 312, replyText: "NO_ROUTE" } as const),
  ...{ exchange: "", routingKey: "q" },
};
type Carrier = typeof DELIVER | typeof GET_OK | typeof RETURN;

/** Puts the properties of a content header in the place of those that were written. */
function withProperties(frames: Uint8Array, properties: Uint8Array): Uint8Array {
  const at = 7 + new DataView(frames.buffer, frames.byteOffset).getUint32(3) + 1;
  const rest = at + 7 + 14 + 1; // a header without properties
  const fixed = frames.subarray(at + 7, at + 7 + 12);
  const header = rawFrame(2, 1, concat(fixed, properties));
  return concat(frames.subarray(0, at), header, frames.subarray(rest));
}

/** Takes the stream in pieces that all lie in the same memory, one after the other. */
function takeIn(method: Carrier, stream: Uint8Array, cuts: readonly number[]): Received {
  const talk = opened();
  const channel = talk.channel();
  channel.observed = true;
  channel.call(
    call({
      ...({ name: "basic.consume", queue: "q", consumerTag: "c", noLocal: false } as const),
      ...{ noAck: false, exclusive: false, nowait: false, arguments: {} },
    }),
  );
  talk.say(1, { name: "basic.consume-ok", consumerTag: "c" });
  const get = call({ name: "basic.get", queue: "q", noAck: false });
  if (method.name === "basic.get-ok") channel.call(get);
  const memory = Buffer.alloc(stream.length);
  for (const piece of chop(stream, cuts)) {
    const reused = memory.subarray(0, piece.length);
    reused.set(piece);
    talk.machine.receive(reused, talk.now);
    memory.fill(0xee);
  }
  talk.events.push(...talk.machine.takeEvents());
  const event = talk.channelEvents(channel).at(-1);
  if (event?.type === "deliver") return event.content;
  if (event?.type === "return") return event.message;
  const content = get.replies[0]?.content;
  if (content === undefined) throw new Error("no content came");
  return content;
}

type Received = Pick<Content, "properties" | "body"> & Partial<Pick<Content, "taggedProperties">>;

describe("a message that came", () => {
  const body = fc.uint8Array({ maxLength: 300 });
  const cuts = fc.array(fc.nat(), { maxLength: 8 });
  const frameMax = fc.constantFrom(9, 40, 4096);

  for (const method of [DELIVER, GET_OK, RETURN]) {
    it(`by ${method.name} keeps its values when the octets it came in are overwritten`, () => {
      fc.assert(
        fc.property(basicProperties(), body, frameMax, cuts, (properties, sent, size, places) => {
          const written = encoded((writer) => writeProperties(writer, properties));
          const whole = contentFrames(1, method, sent, {}, 131_072);
          const stream = withProperties(splitBody(whole, size), written);
          const got = takeIn(method, stream, places);
          expect(got.properties).to.deep.equal(properties satisfies BasicProperties);
          expect(toHex(got.body)).to.equal(toHex(sent));
          // A view would keep, and show, the whole buffer.
          expect(got.body.buffer.byteLength).to.equal(sent.length);
        }),
        { numRuns: 60 },
      );
    });
  }

  for (const method of [DELIVER, GET_OK]) {
    it(`by ${method.name} gives its properties without loss, octet for octet`, () => {
      fc.assert(
        fc.property(propertyBytes(), body, cuts, (properties, sent, places) => {
          const stream = withProperties(contentFrames(1, method, sent), properties);
          const { taggedProperties = {} } = takeIn(method, stream, places);
          const again = encoded((writer) => writeProperties(writer, taggedProperties));
          expect(toHex(again)).to.equal(toHex(properties));
        }),
        { numRuns: 60 },
      );
    });
  }

  it("with an empty body has one of its own, whose memory may be given away", () => {
    const [one, other] = [1, 2].map(() => takeIn(DELIVER, contentFrames(1, DELIVER), []).body);
    expect(one).to.have.length(0);
    expect(one?.buffer).not.to.equal(other?.buffer);
  });
});

/** Splits the one body frame at the end into frames of at most `frameMax`. */
function splitBody(frames: Uint8Array, frameMax: number): Uint8Array {
  const view = new DataView(frames.buffer, frames.byteOffset);
  let at = 0;
  for (let i = 0; i < 2; i++) at += view.getUint32(at + 3) + 8;
  if (at === frames.length) return frames;
  const body = frames.subarray(at + 7, frames.length - 1);
  const pieces: Uint8Array[] = [];
  for (let from = 0; from < body.length; from += frameMax - 8) {
    pieces.push(rawFrame(3, 1, body.subarray(from, from + frameMax - 8)));
  }
  return concat(frames.subarray(0, at), ...pieces);
}
