/** Hexadecimal in and out, so that the tests can show octets as the specification draws them. */
import { Writer } from "../../src/wire/writer.ts";

/** Octets from hexadecimal digits; white space between them is free. */
export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replace(/\s+/g, ""), "hex"));
}

/** Octets as hexadecimal digits with a space between: what assertions compare and print. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join(" ");
}

/** What `write` wrote, as hexadecimal digits. */
export function written(write: (writer: Writer) => void): string {
  return toHex(encoded(write));
}

/** What `write` wrote, as a copy. */
export function encoded(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(16);
  write(writer);
  return writer.written.slice();
}

/** All pieces one behind the other. */
export function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

/** What `action` raises; fails if it raises nothing, or something that is no `type`. */
export function raised<E extends Error>(
  type: abstract new (...args: never[]) => E,
  action: () => unknown,
): E {
  let result: unknown;
  try {
    result = action();
  } catch (error) {
    if (error instanceof type) return error;
    throw error;
  }
  throw new Error(`nothing was raised; the result is ${String(result)}`);
}
