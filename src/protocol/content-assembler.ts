/**
 * Content, incoming: puts a method, its header and its body frames together again (specification
 * section 2.3.5.2). One assembler serves one channel.
 *
 *     idle --method with content--> header --header frame--> body --last body frame--> idle
 *                                          (empty body) ------------------------------> idle
 *
 * Between the three no other frame of the channel may come; peers may split a body as they like,
 * short frames included.
 */
import { ProtocolError } from "../errors.ts";
import { REPLY_CODE } from "../wire/generated/constants.ts";
import type { ContentMethod } from "../wire/generated/methods.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import { readContentHeader } from "../wire/properties.ts";
import { Reader } from "../wire/reader.ts";
import { readTaggedProperties, type TaggedProperties } from "../wire/tagged-properties.ts";

/** A method with the content that came after it. */
export class Content<M extends ContentMethod = ContentMethod> {
  readonly method: M;
  readonly properties: BasicProperties;
  /** A copy of its own; nobody else writes to it. */
  readonly body: Uint8Array;
  readonly #propertyBytes: Uint8Array;

  constructor(method: M, properties: BasicProperties, body: Uint8Array, propertyBytes: Uint8Array) {
    this.method = method;
    this.properties = properties;
    this.body = body;
    this.#propertyBytes = propertyBytes;
  }

  /** The flags and values of the properties as they came; a copy, for nobody to write to. */
  get propertyBytes(): Uint8Array {
    return this.#propertyBytes;
  }

  /** The properties without loss: written again, they are the octets that came. Read when asked. */
  get taggedProperties(): TaggedProperties {
    return readTaggedProperties(new Reader(this.#propertyBytes));
  }
}

/** Where the payload of a frame lies. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Assembles content for one channel. */
export class ContentAssembler<M extends ContentMethod = ContentMethod> {
  readonly #maxBodyBytes: number;
  #method: M | undefined;
  #properties: BasicProperties | undefined;
  #propertyBytes: Uint8Array = EMPTY;
  #body: Uint8Array = EMPTY;
  #filled = 0;

  /** Bodies of more than `maxBodyBytes` octets are refused at their header. */
  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Whether content is under way, so that only its next frame may come. */
  get busy(): boolean {
    return this.#method !== undefined;
  }

  /** A method with content arrived. */
  begin(method: M): void {
    this.refuseIfBusy(method.name);
    this.#method = method;
  }

  /** Raises unless a method may come now. */
  refuseIfBusy(got: string): void {
    if (this.#method === undefined) return;
    throw unexpected(this.#properties === undefined ? "a content header" : "a body frame", got);
  }

  /** A header frame arrived; returns the content if its body is empty. */
  header(payload: Payload): Content<M> | undefined {
    if (this.#method === undefined) throw unexpected("a method", "a content header");
    if (this.#properties !== undefined) throw unexpected("a body frame", "a content header");
    const header = readContentHeader(new Reader(payload.bytes, payload.start, payload.end));
    if (header.bodySize > this.#maxBodyBytes) {
      throw new ProtocolError("the body of a message is larger than maxBodyBytes allows", {
        replyCode: REPLY_CODE.preconditionFailed,
        expected: `at most ${this.#maxBodyBytes} octets`,
        got: String(header.bodySize),
      });
    }
    this.#properties = header.properties;
    this.#propertyBytes = copyPropertyBytes(payload);
    // Also an empty one is the application's alone: it may give its memory to a worker.
    this.#body = new Uint8Array(header.bodySize);
    return this.#finishIfComplete(this.#method, header.properties);
  }

  /** A body frame arrived; returns the content if it was the last one. */
  body(payload: Payload): Content<M> | undefined {
    if (this.#method === undefined) throw unexpected("a method", "a body frame");
    if (this.#properties === undefined) throw unexpected("a content header", "a body frame");
    const size = payload.end - payload.start;
    if (this.#filled + size > this.#body.length) {
      throw new ProtocolError("a body is longer than its header declared", {
        replyCode: REPLY_CODE.unexpectedFrame,
        expected: `${this.#body.length} octets`,
        got: `${this.#filled + size} or more`,
      });
    }
    this.#body.set(payload.bytes.subarray(payload.start, payload.end), this.#filled);
    this.#filled += size;
    return this.#finishIfComplete(this.#method, this.#properties);
  }

  #finishIfComplete(method: M, properties: BasicProperties): Content<M> | undefined {
    if (this.#filled < this.#body.length) return undefined;
    const content = new Content(method, properties, this.#body, this.#propertyBytes);
    this.#method = undefined;
    this.#properties = undefined;
    this.#propertyBytes = EMPTY;
    this.#body = EMPTY;
    this.#filled = 0;
    return content;
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);

/** Class id, weight and body size come before the properties (properties.ts). */
const PROPERTIES_AT = 12;
/** The flags of a message that has no properties. */
const NO_FLAGS: Uint8Array = new Uint8Array(2);

/** A copy, because the payload lies in a buffer that is used again, or that is far larger. */
function copyPropertyBytes({ bytes, start, end }: Payload): Uint8Array {
  const from = start + PROPERTIES_AT;
  return end - from === NO_FLAGS.length ? NO_FLAGS : new Uint8Array(bytes.subarray(from, end));
}

function unexpected(expected: string, got: string): ProtocolError {
  return new ProtocolError(`${expected} was due and ${got} came`, {
    replyCode: REPLY_CODE.unexpectedFrame,
    expected,
    got,
  });
}
