/** Where a connection is cut when so many octets of it have been read. */
import type { CutKind } from "./points.ts";

/** The places that are ahead. */
export class ReadCuts {
  #cuts: { left: number; readonly cut: () => CutKind | undefined }[] = [];

  /** One more, so many octets from here; `cut` has the last word when they are read. */
  add(octets: number, cut: () => CutKind | undefined): void {
    this.#cuts.push({ left: octets, cut });
  }

  /** Where in the next so many octets the connection is cut, if it is. */
  in(length: number): { readonly octets: number; readonly kind: CutKind } | undefined {
    const reached = this.#cuts.filter(({ left }) => left <= length);
    this.#cuts = this.#cuts.filter(({ left }) => left > length);
    for (const ahead of this.#cuts) ahead.left -= length;
    for (const { left, cut } of reached.sort((a, b) => a.left - b.left)) {
      const kind = cut();
      if (kind !== undefined) return { octets: left, kind };
    }
    return undefined;
  }
}
