/** Text and times, from which everything else is made. */
import type { Arbitrary, FastCheck } from "./fast-check.ts";

/** Text of at most 255 octets of UTF-8: mostly short, from all of Unicode, well-formed. */
export function shortstr(fc: FastCheck): Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 63 }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 63, size: "max" }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 255, size: "max" }) },
  );
}

/** Well-formed text of any length that is practical. */
export function text(fc: FastCheck): Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: "binary" }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200, size: "max" }) },
  );
}

/** Octets that are no UTF-8: the first one begins nothing. */
export function malformedText(fc: FastCheck, maxLength = 20): Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength: maxLength - 1 }).map((rest) => Uint8Array.of(0xff, ...rest));
}

/** A point in time at a whole second, from 1970 to as far as a `Date` reaches. */
export function timestamp(fc: FastCheck): Arbitrary<Date> {
  return seconds(fc).map((s) => new Date(s * 1000));
}

/** Seconds since 1970, as far as a `Date` reaches. */
export function seconds(fc: FastCheck): Arbitrary<number> {
  return fc.integer({ min: 0, max: LAST_SECOND });
}

/** 0 to 255. */
export function octet(fc: FastCheck): Arbitrary<number> {
  return fc.integer({ min: 0, max: 0xff });
}

/** The last second that a `Date` can hold. */
export const LAST_SECOND = 8_640_000_000_000;
