/**
 * What a conversation looks like when it is taken apart: the values that the dissector gives, and
 * that the command, the viewer and a live proxy show.
 *
 *     conversation   items in the order in which they became known, each with a `kind`:
 *       connection   who speaks with whom, and in which state; given again when something changes
 *       event        octets of one direction: a frame, or whatever else was there
 *       message      content put together: the method, the header and the bodies, by event
 *       link         two events that belong together: a publish and its return or confirm, a
 *                    synchronous method and its reply
 *       notice       what has to be said of the input, such as a packet that was cut, and of a connection,
 *                    such as who reset it
 *
 * The octets of the events of one direction, one after the other, are all that direction's octets:
 * nothing is left out, and nothing is in two events. Only secrets are replaced, by as many `*`.
 *
 * As JSON (json.ts) an item is an object with the same members. Those that are undefined are left
 * out; octets are `{"hex": "…"}`, except `bytes` of an event and `body` of a message, which are the
 * hex digits alone; a 64-bit integer beyond 2^53 is `{"bigint": "…"}` with its decimal digits; a
 * float that JSON cannot tell is `{"float": "NaN"}`, `"Infinity"`, `"-Infinity"` or `"-0"`.
 */

/** Who sent something. */
export type Side = "client" | "server";

/** One thing that the dissector has found out. */
export type Item = ConnectionItem | EventItem | MessageItem | LinkItem | NoticeItem;

/**
 * How far a connection is: `handshake` until connection.open-ok, `open`, `closing` from
 * connection.close on, `closed` from its close-ok or the end of the streams on. `encrypted`: TLS,
 * nothing of which can be read. `unknown`: the beginning was not seen.
 */
export type ConnectionState = "unknown" | "handshake" | "open" | "closing" | "closed" | "encrypted";

/** A connection, as far as it is known by now. */
export interface ConnectionItem {
  readonly kind: "connection";
  /** From 1, in the order of appearance. */
  readonly id: number;
  /** Address and port, as in `127.0.0.1:40122` or `[::1]:40122`, where there are any. */
  readonly client: string | undefined;
  readonly server: string | undefined;
  readonly state: ConnectionState;
  /** The time of what changed it. */
  readonly time: number | undefined;
}

/**
 * What the octets of an event are: one of the four frame types; the `AMQP` header that opens a
 * connection; `undecodable`, which is no frame; `encrypted`, a piece of TLS; or a `gap`, where octets
 * are missing from the input (it has none itself).
 */
export type EventType =
  | "method"
  | "header"
  | "body"
  | "heartbeat"
  | "protocol-header"
  | "undecodable"
  | "encrypted"
  | "gap";

/** Octets of one direction, annotated. */
export interface EventItem {
  readonly kind: "event";
  /** From 1, over all connections, in the order in which the events were complete. */
  readonly id: number;
  /** The id of its connection. */
  readonly connection: number;
  readonly from: Side;
  /**
   * Milliseconds since 1970, with a fraction, when the last of its octets came; undefined where the
   * input has no times.
   */
  readonly time: number | undefined;
  /** How many octets came before it in its direction, those of gaps included. */
  readonly offset: number;
  /** All of its octets, a frame's header and end included. */
  readonly bytes: Uint8Array;
  readonly type: EventType;
  /** Of a frame: 0 to 65,535. */
  readonly channel: number | undefined;
  /**
   * Of a method: its name, as in `basic.publish`, or its numbers, as in `60.99`, where there is no
   * such method. Of a header and a body: the method that it belongs to, where that is known.
   */
  readonly method: string | undefined;
  /** In the order of the octets; together they are all octets of the event. */
  readonly fields: readonly Field[];
  /** What is wrong with it: the first thing that is. */
  readonly error: EventError | undefined;
  /** Of a gap: how many octets are missing; 0 where nobody knows how many. */
  readonly missing: number | undefined;
}

/** A mistake in the octets. */
export interface EventError {
  /** Of the octet that is wrong, counted from the first octet of the event. */
  readonly offset: number;
  readonly message: string;
}

/**
 * What a field is part of: the `frame` itself (type, channel, size, end), the numbers that say what
 * the payload is (`ids`), a method's `argument`, a `property` of a content header, the `body`, or
 * `undecoded` octets.
 */
export type FieldPart = "frame" | "ids" | "argument" | "property" | "body" | "undecoded";

/** A field, with the place of its octets. */
export interface Field {
  /** In camel case, as in `routingKey`; of an entry of a table its name, of an array its index. */
  readonly name: string;
  readonly part: FieldPart;
  /** The domain of the specification, such as `queue-name`; of an entry: `field-value`. */
  readonly domain: string;
  /**
   * The elementary type: `octet`, `short`, `long`, `longlong`, `bit`, `shortstr`, `longstr`,
   * `timestamp`, `table`, or `octets`; of an entry its letter, as in field-value.ts of the codec.
   */
  readonly type: string;
  /**
   * Exactly what is there. Integers: a number where it is safe, else a bigint. Strings: text where
   * they are UTF-8, else octets. Times: seconds. `D`: the unscaled integer. A table or an array:
   * undefined, its `children` have it. A boolean in a table that is neither 0 nor 1: the octet. Octets
   * of which nothing is known, or that are a body's: undefined, the event's `bytes` have them. A
   * secret that is hidden: undefined.
   */
  readonly value: bigint | number | boolean | string | Uint8Array | null | undefined;
  /** Of its first octet, counted from the first octet of the event. */
  readonly offset: number;
  /** How many octets it has, its name, type and length included; 1 for a bit, which shares it. */
  readonly length: number;
  /** Where, in the event, the value itself begins: behind its name, type letter and length. */
  readonly valueOffset: number;
  /** Of a bit: which one of its octet, from 0, the lowest. */
  readonly bit?: number;
  /** Reserved by the specification: no meaning. */
  readonly reserved?: true;
  /** What the value stands for: the name of a class, of a reply code, a date, a decimal number. */
  readonly meaning?: string;
  /** A password or the like; its value and its octets are hidden unless they were asked for. */
  readonly secret?: true;
  /** Of a table or an array. */
  readonly children?: readonly Field[];
  /** What the specification says of it, where explanations were asked for. */
  readonly doc?: string;
}

/** A message with all its parts, given when the last of them has come. */
export interface MessageItem {
  readonly kind: "message";
  readonly connection: number;
  readonly from: Side;
  readonly channel: number;
  /** Of its last frame. */
  readonly time: number | undefined;
  /** The method that carries it, such as `basic.publish`. */
  readonly method: string;
  /** The ids of the events: the method, the header and the first bodies (see `bodies`). */
  readonly events: readonly number[];
  /** How many body frames there are; only the first 1,024 are in `events`. */
  readonly bodies: number;
  /** In octets. */
  readonly size: number;
  /** The body, or its beginning where it is larger than what is kept. */
  readonly body: Uint8Array;
  /** Whether `body` is all of it. */
  readonly complete: boolean;
}

/**
 * Two events that belong together.
 *
 * - `return`: a basic.publish and the basic.return of its message;
 * - `confirm`: a basic.publish and the basic.ack or basic.nack that covers it;
 * - `reply`: a synchronous method (or the protocol header) and its reply.
 */
export interface LinkItem {
  readonly kind: "link";
  readonly link: "return" | "confirm" | "reply";
  readonly connection: number;
  readonly channel: number;
  /** The id of the earlier event, and of the later one. */
  readonly first: number;
  readonly second: number;
  /** From the one to the other, where times are known. */
  readonly latencyMs: number | undefined;
  /** Of a confirm: the number of the publish on its channel. */
  readonly deliveryTag?: number;
  /** Of a confirm: `ack` or `nack`. */
  readonly outcome?: "ack" | "nack";
  /** Of a confirm: whether it covers all publishes up to its delivery tag. */
  readonly multiple?: boolean;
  /** Of a confirm: the message had come back before. */
  readonly returned?: boolean;
}

/** Something about the input itself, or about a connection that is not in its octets. */
export interface NoticeItem {
  readonly kind: "notice";
  /** The connection that it is about, if it is about one; its message does not name it. */
  readonly connection: number | undefined;
  readonly time: number | undefined;
  readonly message: string;
}
