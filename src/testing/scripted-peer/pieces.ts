/** How octets are cut into pieces. */

/** Where to cut. */
export interface ChopOptions {
  /** Pieces of so many octets each; the last one may be shorter. */
  readonly size?: number | undefined;
  /** Cuts before these octets, counted from 0: `[3, 9]` makes pieces of 3, 6 and the rest. */
  readonly at?: readonly number[] | undefined;
}

/** The pieces, none of them empty. Throws a `RangeError` on a size that is not at least 1. */
export function cut(octets: Uint8Array, { size, at = [] }: ChopOptions): Uint8Array[] {
  if (size !== undefined && !(Number.isInteger(size) && size > 0)) {
    throw new RangeError(`a piece has at least one octet, so the size cannot be ${size}`);
  }
  const cuts = new Set([...at, octets.length]);
  if (size !== undefined) for (let i = size; i < octets.length; i += size) cuts.add(i);
  const places = [...cuts]
    .filter((place) => place > 0 && place <= octets.length)
    .sort((a, b) => a - b);
  return places.map((end, i) => octets.subarray(places[i - 1] ?? 0, end));
}
