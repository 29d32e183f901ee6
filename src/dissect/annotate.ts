/**
 * A frame with the place of each of its fields, from the protocol table alone.
 *
 *     [type 1][channel 2][size 4][payload: size octets][end 1 = 0xCE]
 *
 *     method    [class 2][method 2][arguments]
 *     header    [class 2][weight 2][body size 8][property flags 2][properties]
 *     body      [octets]
 *     heartbeat
 *
 * Whatever is there is annotated as far as it goes: a frame may be cut, have an end that is none, or
 * a payload that breaks off. The fields always cover all octets, each once but for bits, which share
 * theirs.
 */
import { FRAME_HEADER_SIZE } from "../wire/frame.ts";
import {
  BASIC_CLASS_ID,
  FRAME_END,
  FRAME_TYPE,
  PROTOCOL_HEADER,
  REPLY_CODES,
} from "../wire/generated/constants.ts";
import {
  type FieldDescription,
  METHODS,
  type MethodDescription,
  methodName,
} from "../wire/generated/method-table.ts";
import { PROPERTY_FLAG, PROPERTY_TYPES } from "../wire/generated/properties.ts";
import { Annotation, field, octets } from "./annotate-values.ts";
import type { EventError, EventType, Field, Side } from "./model.ts";
import { frameSize, readShort } from "./plausible.ts";

/** What is known of the octets of one event. */
export interface Annotated {
  readonly type: EventType;
  readonly channel: number | undefined;
  readonly method: string | undefined;
  readonly fields: readonly Field[];
  readonly error: EventError | undefined;
}

/** Annotates a frame, of which the first octet must be a frame type; the rest may be cut off. */
export function annotateFrame(bytes: Uint8Array, from: Side | undefined): Annotated {
  const whole = bytes.length >= FRAME_HEADER_SIZE && bytes.length === frameSize(bytes, 0);
  const payloadEnd = whole ? bytes.length - 1 : bytes.length;
  const a = new Annotation(bytes, payloadEnd);
  const type = FRAME_NAMES[bytes[0] as number] as EventType;
  const hasHeader =
    a.add(() => ({ ...a.value("type", "frame", "octet", "octet"), meaning: type })) &&
    a.add(() => a.value("channel", "frame", "short", "short")) &&
    a.add(() => a.value("size", "frame", "long", "long"));
  const channel = bytes.length < 3 ? undefined : readShort(bytes, 1);
  let method: string | undefined;
  if (!hasHeader) a.addRest("undecoded");
  else if (type === "method") method = annotateMethod(a, channel as number, from);
  else if (type === "header") annotateHeader(a, channel as number);
  else if (type === "body") annotateBody(a, channel as number);
  else annotateHeartbeat(a, channel as number);
  if (whole) annotateEnd(a, bytes, payloadEnd);
  return { type, channel, method, fields: a.fields, error: a.error };
}

/** Annotates the header that opens a connection: eight octets that begin with `AMQP`. */
export function annotateProtocolHeader(bytes: Uint8Array): Annotated {
  const a = new Annotation(bytes, bytes.length);
  const protocol = { name: "protocol", part: "frame", domain: "octets", type: "octets" } as const;
  a.fields.push({ ...protocol, value: "AMQP", offset: 0, length: 4, valueOffset: 0 });
  a.reader.offset = 4;
  for (const name of ["id", "major", "minor", "revision"]) {
    a.add(() => a.value(name, "frame", "octet", "octet"));
  }
  for (let i = 4; i < PROTOCOL_HEADER.length; i++) {
    if (bytes[i] !== PROTOCOL_HEADER[i]) {
      const octets = [...bytes.subarray(4)].join(".");
      a.mark(i, `the header is that of AMQP ${octets} (${protocolName(bytes)}), not of 0.0.9.1`);
    }
  }
  const { fields, error } = a;
  return { type: "protocol-header", channel: undefined, method: undefined, fields, error };
}

/**
 * Which protocol a header is of: `AMQP 0-9-1`, or what the octets behind `AMQP` say elsewhere (AMQP
 * 1.0, sections 2.2, 5.2 and 5.3; AMQP 0-9, section 4.2.2).
 */
export function protocolName(bytes: Uint8Array): string {
  const [id, ...version] = bytes.subarray(4);
  const octets = version.join("-");
  if (id === 0 && octets === "0-9-1") return "AMQP 0-9-1";
  if (id === 1 && version[0] === 1) return `AMQP ${version.slice(1).join("-")}`;
  if (octets !== "1-0-0") return `AMQP ${[id, ...version].join(" ")}`;
  return (
    { 0: "AMQP 1.0", 2: "AMQP 1.0 with TLS", 3: "AMQP 1.0 with SASL" }[id as number] ??
    `AMQP ${id} ${octets}`
  );
}

/** Octets of which nothing is known. */
export function annotateOctets(
  bytes: Uint8Array,
  type: "undecodable" | "encrypted" | "gap",
  error: EventError | undefined,
): Annotated {
  const a = new Annotation(bytes, bytes.length);
  a.addRest("undecoded");
  return { type, channel: undefined, method: undefined, fields: a.fields, error };
}

/** Whether a field of a method is a password or what takes its place. */
export function isSecret(method: string, name: string): boolean {
  return method.startsWith("connection.") && SECRETS.has(`${method}.${name}`);
}

const SECRETS: ReadonlySet<string> = new Set([
  "connection.start-ok.response",
  "connection.secure-ok.response",
  "connection.update-secret.newSecret",
]);

const FRAME_NAMES: { readonly [type: number]: EventType } = {
  [FRAME_TYPE.method]: "method",
  [FRAME_TYPE.header]: "header",
  [FRAME_TYPE.body]: "body",
  [FRAME_TYPE.heartbeat]: "heartbeat",
};

const CLASS_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(METHODS).map(([name, { classId }]) => [classId, name.split(".", 1)[0] as string]),
);

/** Gives the method's name, or its numbers where there is no such method. */
function annotateMethod(
  a: Annotation,
  channel: number,
  from: Side | undefined,
): string | undefined {
  const { reader } = a;
  const start = reader.offset;
  if (!addIds(a, ["classId", "methodId"])) {
    a.addRest("undecoded");
    return undefined;
  }
  const classId = readShort(reader.bytes, start);
  const methodId = readShort(reader.bytes, start + 2);
  const name = methodName(classId, methodId);
  if (name === undefined) {
    const known = CLASS_NAMES.has(classId);
    a.mark(known ? start + 2 : start, `there is no method ${classId}.${methodId}`);
    a.addRest("undecoded");
    return `${classId}.${methodId}`;
  }
  const method = METHODS[name];
  const ids = a.fields.at(-1) as Field;
  a.fields[a.fields.length - 1] = { ...ids, meaning: name.slice(name.indexOf(".") + 1) };
  if ((classId === CONNECTION) !== (channel === 0)) {
    const where = channel === 0 ? "a channel of its own" : "channel 0";
    a.mark(1, `${name} belongs on ${where}, not on channel ${channel}`);
  }
  if (from !== undefined && !method.from.includes(from)) {
    a.mark(start, `${name} is not for a ${from} to send`);
  }
  annotateArguments(a, name, method);
  return name;
}

function annotateArguments(a: Annotation, name: string, method: MethodDescription): void {
  const { reader } = a;
  const { fields } = method;
  for (let i = 0; i < fields.length; ) {
    const first = fields[i] as FieldDescription;
    const bits = first.type === "bit" ? bitRun(fields, i) : 0;
    if (bits === 0 ? !addArgument(a, name, first) : !addBits(a, fields.slice(i, i + bits))) {
      a.addRest("undecoded");
      return;
    }
    i += Math.max(bits, 1);
  }
  if (reader.remaining > 0) {
    a.mark(reader.offset, `${name} goes on after its last field`);
    a.addRest("undecoded");
  }
}

function addArgument(a: Annotation, method: string, description: FieldDescription): boolean {
  const { name, domain, type, reserved } = description;
  return a.add(() => {
    const value = a.value(name, "argument", domain, type);
    const meaning = meaningOf(domain, value.value);
    const secret = isSecret(method, name);
    // Most fields are neither, and need no copy.
    if (meaning === undefined && !reserved && !secret) return value;
    return {
      ...value,
      ...(meaning === undefined ? {} : { meaning }),
      ...(reserved ? { reserved } : {}),
      ...(secret ? { secret } : {}),
    };
  });
}

function meaningOf(domain: string, value: Field["value"]): string | undefined {
  if (domain === "reply-code") return REPLY_CODES.get(value as number)?.name;
  return domain === "class-id" ? CLASS_NAMES.get(value as number) : undefined;
}

/** Bits that follow each other share octets, the first one the lowest bit (section 4.2.5.2). */
function bitRun(fields: readonly FieldDescription[], start: number): number {
  let length = 0;
  while (length < 8 && fields[start + length]?.type === "bit") length++;
  return length;
}

function addBits(a: Annotation, bits: readonly FieldDescription[]): boolean {
  const { reader } = a;
  const offset = reader.offset;
  let octet = 0;
  const read = (bit: number): Field => {
    const { name, domain, reserved } = bits[bit] as FieldDescription;
    if (bit === 0) octet = reader.readOctet();
    const value = ((octet >> bit) & 1) === 1;
    const place = { offset, length: 1, valueOffset: offset, bit };
    const base: Field = { name, part: "argument", domain, type: "bit", value, ...place };
    return reserved ? { ...base, reserved } : base;
  };
  return bits.every((_, bit) => a.add(() => read(bit)));
}

function annotateHeader(a: Annotation, channel: number): void {
  const { reader } = a;
  const start = reader.offset;
  if (channel === 0) a.mark(1, "content belongs on a channel of its own, not on channel 0");
  const complete =
    addIds(a, ["classId", "weight"]) &&
    a.add(() => a.value("bodySize", "ids", "longlong", "longlong")) &&
    addFlags(a);
  if (complete) {
    if (readShort(reader.bytes, start) !== BASIC_CLASS_ID) {
      a.mark(start, `only class ${BASIC_CLASS_ID} (basic) has content`);
    }
    if (readShort(reader.bytes, start + 2) !== 0) a.mark(start + 2, "the weight must be 0");
    const flags = readShort(reader.bytes, start + 12);
    if ((flags & ~KNOWN_FLAGS) !== 0) {
      a.mark(start + 12, "the flags announce properties that do not exist");
    }
    addProperties(a, flags);
  }
  if (complete && reader.remaining > 0 && a.error === undefined) {
    a.mark(reader.offset, "the content header goes on after its last property");
  }
  a.addRest("undecoded");
}

function addFlags(a: Annotation): boolean {
  return a.add(() => {
    const flags = a.value("flags", "ids", "short", "short");
    const names = PROPERTY_TYPES.filter(
      ([name]) => ((flags.value as number) & PROPERTY_FLAG[name]) !== 0,
    );
    return field({ ...flags, meaning: names.map(([name]) => name).join(", ") || undefined });
  });
}

function addProperties(a: Annotation, flags: number): void {
  for (const [name, type] of PROPERTY_TYPES) {
    if ((flags & PROPERTY_FLAG[name]) === 0) continue;
    if (!a.add(() => a.value(name, "property", type, type))) return;
  }
}

const KNOWN_FLAGS: number = Object.values(PROPERTY_FLAG).reduce((all, flag) => all | flag, 0);
const CONNECTION: number = METHODS["connection.start"].classId;

/** A class, and the number of a method of it or the weight. */
function addIds(a: Annotation, [first, second]: readonly [string, string]): boolean {
  return (
    a.add(() => {
      const id = a.value(first, "ids", "class-id", "short");
      return field({ ...id, meaning: CLASS_NAMES.get(id.value as number) });
    }) &&
    a.add(() => a.value(second, "ids", second === "methodId" ? "method-id" : "short", "short"))
  );
}

function annotateBody(a: Annotation, channel: number): void {
  if (channel === 0) a.mark(1, "content belongs on a channel of its own, not on channel 0");
  if (a.reader.remaining > 0) a.fields.push(octets(a.reader, "content", "body"));
}

function annotateHeartbeat(a: Annotation, channel: number): void {
  if (channel !== 0) a.mark(1, `a heartbeat belongs on channel 0, not on channel ${channel}`);
  if (a.reader.remaining > 0) {
    a.mark(a.reader.offset, "a heartbeat has no payload");
    a.addRest("undecoded");
  }
}

function annotateEnd(a: Annotation, bytes: Uint8Array, offset: number): void {
  const value = bytes[offset] as number;
  if (value !== FRAME_END) {
    a.mark(offset, `the frame ends with ${hex(value)} instead of ${hex(FRAME_END)}`);
  }
  const place = { offset, length: 1, valueOffset: offset };
  a.fields.push({ name: "end", part: "frame", domain: "octet", type: "octet", value, ...place });
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, "0")}`;
}
