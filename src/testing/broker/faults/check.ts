/** Options of faults that cannot be: a fault that was misspelt would never strike, without a word. */
import { UsageError } from "../../../errors.ts";
import { writeMethod } from "../../../wire/generated/codec.ts";
import { METHODS } from "../../../wire/generated/method-table.ts";
import type { Method } from "../../../wire/generated/methods.ts";
import { encodeText } from "../../../wire/text.ts";
import { Writer } from "../../../wire/writer.ts";

/** Raises a `UsageError` unless it is absent or one of these. */
export function checkOneOf(
  name: string,
  value: string | undefined,
  allowed: readonly string[],
): void {
  if (value === undefined || allowed.includes(value)) return;
  const choice = allowed.map((each) => `"${each}"`).join(" or ");
  throw new UsageError(`${name} is "${value}"; it must be ${choice}`);
}

/** Raises a `UsageError` unless it is absent or a method that a client, or a server, sends. */
export function checkMethodName(
  name: string,
  value: string | undefined,
  from: "client" | "server",
): void {
  if (value === undefined) return;
  const described = Object.hasOwn(METHODS, value) ? METHODS[value as Method["name"]] : undefined;
  if (described?.from.includes(from)) return;
  throw new UsageError(`${name} is "${value}"; it must be a method that a ${from} sends`);
}

/** Raises a `UsageError` unless it is absent or fits in a short string. */
export function checkShortText(name: string, text: string | undefined): void {
  const length = text === undefined ? 0 : encodeText(text).length;
  if (length <= LONGEST_SHORTSTR) return;
  throw new UsageError(`${name} is ${length} octets long; it must be at most ${LONGEST_SHORTSTR}`);
}

/** Raises a `UsageError` unless it is a reply code. */
export function checkReplyCode(replyCode: number): void {
  if (Number.isInteger(replyCode) && replyCode >= 0 && replyCode <= 0xffff) return;
  throw new UsageError(`replyCode is ${replyCode}; it must be an integer from 0 to 65535`);
}

/** Raises a `UsageError` unless a server can send it, right or wrong. */
export function checkMethod(method: Method): void {
  checkMethodName("method.name", method.name, "server");
  try {
    writeMethod(new Writer(256), method);
  } catch (error) {
    throw new UsageError(`${method.name} cannot be encoded: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Specification section 4.2.5.3. */
const LONGEST_SHORTSTR = 255;
