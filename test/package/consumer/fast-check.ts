// Compiled with and run beside fast-check, which is not there for the other files.

import { type Arbitrary, arbitraries, encodeMethod, type MethodNamed } from "amqp091/testing";
import fc from "fast-check";

const { method, clientMethod, chopped } = arbitraries(fc);
const acks: fc.Arbitrary<MethodNamed<"basic.ack">> = method("basic.ack");
const pieces: Arbitrary<Uint8Array[]> = chopped(
  clientMethod().map((any) => encodeMethod(1, any.name, any)),
);

// @ts-expect-error the types are fast-check's own and not any
export const wrong: fc.Arbitrary<string> = acks;
// @ts-expect-error nor is the module
arbitraries({});

let sum = 0;
fc.assert(fc.property(pieces, (octets) => octets.length > 0));
fc.assert(
  fc.property(acks, ({ deliveryTag }) => {
    sum += deliveryTag;
  }),
);
console.log("with fast-check", sum > 0);
