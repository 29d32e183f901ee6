/**
 * Bytes into lines.
 *
 * A line ends before the byte 0x0A, and nothing else is looked at: no encoding is assumed and no
 * carriage return is taken away, so `a CR LF b` is the two lines `a CR` and `b`. A last line need not
 * be terminated. So the lines joined by 0x0A are the input without its final 0x0A, if it has one, and
 * that final terminator is the only byte that no line has. An empty line is a line; an empty input
 * has none.
 *
 *     chunks   "on" "e\ntw" "o\n\nthr" "ee"
 *     lines     "one" "two" "" "three"
 */

/** Cuts chunks into lines. A line within one chunk is a view of it, not a copy. */
export class LineSplitter {
  /** Of a line that has begun. Joined once, at its end: that stays linear for a line of any length. */
  #pieces: Uint8Array[] = [];

  /** The lines that end in this chunk. */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      const piece = chunk.subarray(start, end);
      start = end + 1;
      yield this.#finish(piece);
    }
    if (start < chunk.length) this.#pieces.push(chunk.subarray(start));
  }

  /** The last line, where it is not terminated. */
  end(): Uint8Array | undefined {
    return this.#pieces.length === 0 ? undefined : this.#finish(NOTHING);
  }

  #finish(piece: Uint8Array): Uint8Array {
    if (this.#pieces.length === 0) return piece;
    const line = Buffer.concat([...this.#pieces, piece]);
    this.#pieces = [];
    return line;
  }
}

/** The lines of a stream, read as they are asked for. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield* splitter.push(chunk);
  const last = splitter.end();
  if (last !== undefined) yield last;
}

const LF = 0x0a;
const NOTHING = new Uint8Array(0);
