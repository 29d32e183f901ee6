/**
 * What the specification says of what is on the wire, for people who look at it. The texts come
 * from spec/amqp-0-9-1.json; only those of the frame itself, which is in no table, are here.
 */
import {
  DOMAIN_DOCS,
  FIELD_DOCS,
  METHOD_DOCS,
  PROPERTY_DOCS,
  REPLY_CODE_DOCS,
} from "./generated/explanations.ts";
import type { EventType, Field } from "./model.ts";

/** What a method does; undefined where there is no such method. */
export function explainMethod(name: string): string | undefined {
  return own(METHOD_DOCS, name);
}

/** What an event of that type is. */
export function explainType(type: EventType): string {
  return TYPE_DOCS[type];
}

/** What a field of a frame of that method means; undefined where nothing is known of it. */
export function explainField(method: string | undefined, field: Field): string | undefined {
  const { name, part, domain, type, value } = field;
  if (domain === "field-value") return own(LETTER_DOCS, type);
  if (part === "frame" || part === "ids") return own(FRAME_DOCS, name);
  if (part === "property") return own(PROPERTY_DOCS, name);
  const texts = [own(FIELD_DOCS, `${method}.${name}`) ?? own(DOMAIN_DOCS, domain)];
  if (domain === "reply-code") {
    const meaning = own(REPLY_CODE_DOCS, String(value));
    if (meaning !== undefined) texts.push(`${value}: ${meaning}`);
  }
  return texts.filter((text) => text !== undefined).join(" ") || undefined;
}

/** The fields with their explanations in them; the entries of tables too. */
export function explainFields(method: string | undefined, fields: readonly Field[]): Field[] {
  return fields.map((field) => {
    const doc = explainField(method, field);
    const explained = doc === undefined ? field : { ...field, doc };
    const { children } = field;
    return children === undefined
      ? explained
      : { ...explained, children: explainFields(method, children) };
  });
}

function own(texts: { readonly [name: string]: string }, name: string): string | undefined {
  return Object.hasOwn(texts, name) ? texts[name] : undefined;
}

const TYPE_DOCS: { readonly [T in EventType]: string } = {
  method: "A method frame: one side tells the other to do something, or what came of it.",
  header: "A content header frame: the size and the properties of the message that was announced.",
  body: "A body frame: a piece of a message, at most as large as frame-max allows.",
  heartbeat: "A heartbeat: the sender is alive, and has nothing else to say.",
  "protocol-header": "The first eight octets: the client says which protocol it speaks.",
  undecodable: "Octets that are no frame.",
  encrypted: "TLS: what is in it cannot be read here.",
  gap: "Octets that are missing from what was captured.",
};

const FRAME_DOCS: { readonly [name: string]: string } = {
  type: "What the frame is: 1 a method, 2 a content header, 3 a body, 8 a heartbeat (spec 2.3.5).",
  channel: "The channel that the frame belongs to; 0 is the connection itself (spec 2.3.5).",
  size: "Octets of the payload: all of the frame but these seven and the end (spec 2.3.5).",
  end: "The last octet of every frame, 0xCE: a check that the size was right (spec 2.3.5).",
  classId: "The class that the method or the content belongs to.",
  methodId: "The method, within its class.",
  weight: "Unused; it must be 0 (spec 2.3.5.2).",
  bodySize: "Octets of the whole body, which follows in as many frames as it takes; 0: none.",
  flags: "Which properties follow, the first in the highest bit (spec 2.3.5.2).",
  protocol: "The name of the protocol: the letters AMQP (spec 4.2.2).",
  id: "The protocol's number; 0 is AMQP itself.",
  major: "Major version of the protocol.",
  minor: "Minor version of the protocol.",
  revision: "Revision of the protocol.",
  content: "A piece of the message, as the application gave it.",
};

/** The letters of RabbitMQ's errata, section 3. */
const LETTER_DOCS: { readonly [letter: string]: string } = {
  t: "Boolean: an octet.",
  b: "Signed integer of 8 bits.",
  B: "Unsigned integer of 8 bits.",
  s: "Signed integer of 16 bits.",
  u: "Unsigned integer of 16 bits.",
  I: "Signed integer of 32 bits.",
  i: "Unsigned integer of 32 bits.",
  l: "Signed integer of 64 bits.",
  L: "Integer of 64 bits; RabbitMQ reads it as signed.",
  f: "Floating point number of 32 bits.",
  d: "Floating point number of 64 bits.",
  D: "Decimal: an octet that scales a signed integer of 32 bits.",
  S: "Long string: four octets of length and the text.",
  A: "Array: four octets of length and the values.",
  T: "Time in whole seconds since 1970, 64 bits.",
  F: "Table: four octets of length and the entries.",
  V: "Nothing: no octets.",
  x: "Octets: four octets of length and as many octets.",
};
