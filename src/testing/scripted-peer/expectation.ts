/** The kinds of expectation: each says of what comes whether it is what it waits for. */
import { BASIC_CLASS_ID } from "../../wire/generated/constants.ts";
import { bodyMismatch, mismatch } from "./match.ts";
import type {
  ContentMethodName,
  ExpectedBody,
  ExpectedFields,
  ExpectedProperties,
  MethodName,
  MethodNamed,
} from "./method-types.ts";
import { hexOf } from "./octets.ts";
import type { Received, ReceivedContent, ReceivedHeader, ReceivedMethod } from "./received.ts";
import { plural, showValue } from "./show.ts";

/** What an expectation says of what came. */
export type Verdict<T> =
  /** Not for me; with the reason where it is not plain to see. */
  | { readonly verdict: "no"; readonly why?: string | undefined }
  /** Mine, and more is to come. */
  | { readonly verdict: "more" }
  /** Mine, and wrong. */
  | { readonly verdict: "wrong"; readonly why: string }
  /** Mine, and complete; of octets that are no frames, the rest is somebody else's. */
  | { readonly verdict: "met"; readonly value: T; readonly rest?: Received };

/** What a script waits for. */
export interface Expectation<T> {
  /** In words, for the message when it does not come. */
  readonly what: string;
  /** Looks at the next thing that came. */
  judge(received: Received): Verdict<T>;
}

const NO = { verdict: "no" } as const;
const MORE = { verdict: "more" } as const;

/** A method frame. */
export function expectMethod<N extends MethodName>(
  name: N,
  fields: ExpectedFields<N> | undefined,
  channel: number | undefined,
): Expectation<ReceivedMethod<N>> {
  return {
    what: describe(name, fields, channel),
    judge(received) {
      if (received.kind !== "method" || received.method.name !== name) return NO;
      const why = wrongChannel(received, channel) ?? mismatch(fields, received.method);
      if (why !== undefined) return { verdict: "no", why };
      return { verdict: "met", value: received as unknown as ReceivedMethod<N> };
    },
  };
}

/** A method, its header and its body: all frames of it, with others between on no channel. */
export function expectContent<N extends ContentMethodName>(
  name: N,
  fields: ExpectedFields<N> | undefined,
  content: {
    readonly body?: ExpectedBody | undefined;
    readonly properties?: ExpectedProperties | undefined;
  },
  channel: number | undefined,
): Expectation<ReceivedContent<N>> {
  const opening = expectMethod(name, fields, channel);
  let method: ReceivedMethod<N> | undefined;
  let header: ReceivedHeader | undefined;
  const pieces: Uint8Array[] = [];
  let missing = 0;
  const finish = (): Verdict<ReceivedContent<N>> => {
    if (missing > 0) return MORE;
    const body = Uint8Array.from(Buffer.concat(pieces));
    const why = bodyMismatch(content.body, body);
    if (why !== undefined) return { verdict: "wrong", why };
    const { channel, method: opened } = method as ReceivedMethod<N>;
    const { properties } = header as ReceivedHeader;
    return {
      verdict: "met",
      value: { channel, method: opened as MethodNamed<N>, properties, body },
    };
  };
  return {
    what: `${opening.what} with its content`,
    judge(received) {
      if (method === undefined) {
        const verdict = opening.judge(received);
        if (verdict.verdict !== "met") return verdict as Verdict<never>;
        method = verdict.value;
        return MORE;
      }
      const { kind } = received;
      if ((kind !== "header" && kind !== "body") || received.channel !== method.channel) {
        return { verdict: "no", why: `${name} has come; the rest of its content was due` };
      }
      if (received.kind === "header") {
        if (header !== undefined) return { verdict: "wrong", why: "a second header" };
        header = received;
        missing = header.bodySize;
        const why = mismatch(content.properties, header.properties);
        return why === undefined
          ? finish()
          : { verdict: "wrong", why: `in the properties, ${why}` };
      }
      if (header === undefined) return { verdict: "wrong", why: "a body frame before the header" };
      missing -= received.body.length;
      pieces.push(received.body);
      if (missing < 0) {
        const over = plural(-missing, "octet");
        return { verdict: "wrong", why: `the body is ${over} longer than its header says` };
      }
      return finish();
    },
  };
}

/** A thing of one kind, perhaps with more that is to be true of it. */
export function expectKind<K extends Received["kind"]>(
  kind: K,
  what: string,
  wrong: (received: Extract<Received, { readonly kind: K }>) => string | undefined = () =>
    undefined,
): Expectation<Extract<Received, { readonly kind: K }>> {
  return {
    what,
    judge(received) {
      if (received.kind !== kind) return NO;
      const value = received as Extract<Received, { readonly kind: K }>;
      const why = wrong(value);
      return why === undefined ? { verdict: "met", value } : { verdict: "no", why };
    },
  };
}

/** These octets and no others, however they are cut into frames. */
export function expectOctets(expected: Buffer): Expectation<Uint8Array> {
  let had = 0;
  return {
    what: `the octets ${hexOf(expected, 64)}`,
    judge(received) {
      const { octets, kind } = received;
      const due = expected.subarray(had, had + octets.length);
      // Frames are taken whole; octets that are none come in pieces that mean nothing.
      const taken = kind === "octets" ? octets.subarray(0, due.length) : octets;
      if (taken.length === 0 || !due.equals(taken)) {
        const before = had === 0 ? "" : ` after the first ${plural(had, "octet")}`;
        return { verdict: "no", why: `${hexOf(octets, 64)} came${before}` };
      }
      had += taken.length;
      if (had < expected.length) return MORE;
      if (taken.length === octets.length) return { verdict: "met", value: expected };
      const rest = { ...received, octets: octets.subarray(taken.length) } as Received;
      return { verdict: "met", value: expected, rest };
    },
  };
}

/** Whatever comes next. */
export function expectAnything(): Expectation<Received> {
  return { what: "anything", judge: (value) => ({ verdict: "met", value }) };
}

/** Why this does not come on that channel; undefined if it does or any will do. */
export function wrongChannel(
  received: { readonly channel: number },
  channel: number | undefined,
): string | undefined {
  if (channel === undefined || received.channel === channel) return undefined;
  return `it was to come on channel ${channel}`;
}

/** What may help whoever wrote `expect()` where `expectContent()` was meant. */
export function hint(received: Received): string {
  if (received.kind !== "header" && received.kind !== "body") return "";
  return `\n(expectContent() takes a method of class ${BASIC_CLASS_ID} together with its content)`;
}

function describe(name: string, fields: unknown, channel: number | undefined): string {
  const on = channel === undefined ? "" : ` on channel ${channel}`;
  const rest = showValue(fields ?? {});
  return `${name}${rest === "{}" ? "" : ` ${rest}`}${on}`;
}
