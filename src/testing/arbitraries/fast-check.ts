/**
 * The types of fast-check, which is an optional peer dependency: nothing here is imported at run time,
 * and whoever does not have it installed compiles all the same.
 */
// Where fast-check is not installed, an import that the compiler is not told to pass over fails in
// everybody's type check who imports `amqp091/testing`. An expected error will not do: we have it.
// biome-ignore lint/suspicious/noTsIgnore: see above
/** @ts-ignore fast-check is optional; without it its types are `any` */
import type fc from "fast-check";

/** The module fast-check: `import fc from "fast-check"`. As much of it as the arbitraries need. */
export type FastCheck = Pick<
  typeof fc,
  | "array"
  | "bigInt"
  | "boolean"
  | "constant"
  | "constantFrom"
  | "double"
  | "float"
  | "integer"
  | "letrec"
  | "maxSafeInteger"
  | "maxSafeNat"
  | "nat"
  | "oneof"
  | "option"
  | "record"
  | "string"
  | "tuple"
  | "uint8Array"
  | "uniqueArray"
>;

/** fast-check's own `Arbitrary`. */
export type Arbitrary<T> = fc.Arbitrary<T>;
