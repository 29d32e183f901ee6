/** Methods and properties, made from the protocol table. */
import { METHODS } from "../../wire/generated/method-table.ts";
import type {
  ClientMethod,
  ContentMethod,
  Method,
  ServerMethod,
} from "../../wire/generated/methods.ts";
import { type BasicProperties, PROPERTY_TYPES } from "../../wire/generated/properties.ts";
import type { MethodNamed } from "../scripted-peer/method-types.ts";
import type { Arbitrary, FastCheck } from "./fast-check.ts";
import { fieldTable } from "./field-tables.ts";
import { shortstr, timestamp } from "./text.ts";

/** The properties of a message, each there or not; all of them are such as RabbitMQ accepts. */
export function basicProperties(fc: FastCheck): Arbitrary<BasicProperties> {
  const members = PROPERTY_TYPES.map(([name, type]) => [name, propertyValue(fc, name, type)]);
  return fc.record(Object.fromEntries(members), { requiredKeys: [], noNullPrototype: true });
}

/** A method by its name, with any arguments. */
export function method<N extends Method["name"]>(
  fc: FastCheck,
  name: N,
): Arbitrary<MethodNamed<N>> {
  const members: Record<string, Arbitrary<unknown>> = { name: fc.constant(name) };
  for (const field of METHODS[name].fields) {
    if (!field.reserved) members[field.name] = fieldOfType(fc, field.type);
  }
  return fc.record(members, { noNullPrototype: true }) as Arbitrary<unknown> as Arbitrary<
    MethodNamed<N>
  >;
}

/** Any method. */
export function anyMethod(fc: FastCheck): Arbitrary<Method> {
  return fc.oneof(...METHOD_NAMES.map((name) => method(fc, name)));
}

/** Any method that a client may send. */
export function clientMethod(fc: FastCheck): Arbitrary<ClientMethod> {
  return fc.oneof(
    ...METHOD_NAMES.filter(sentBy("client")).map((name) => method(fc, name)),
  ) as Arbitrary<never>;
}

/** Any method that a server may send. */
export function serverMethod(fc: FastCheck): Arbitrary<ServerMethod> {
  return fc.oneof(
    ...METHOD_NAMES.filter(sentBy("server")).map((name) => method(fc, name)),
  ) as Arbitrary<never>;
}

/** Any method that content follows. */
export function contentMethod(fc: FastCheck): Arbitrary<ContentMethod> {
  const names = METHOD_NAMES.filter((name) => METHODS[name].content);
  return fc.oneof(...names.map((name) => method(fc, name))) as Arbitrary<never>;
}

const METHOD_NAMES = Object.keys(METHODS) as Method["name"][];

function sentBy(sender: "client" | "server"): (name: Method["name"]) => boolean {
  return (name) => METHODS[name].from.includes(sender);
}

function fieldOfType(fc: FastCheck, type: string): Arbitrary<unknown> {
  switch (type) {
    case "bit":
      return fc.boolean();
    case "octet":
      return fc.integer({ min: 0, max: 0xff });
    case "short":
      return fc.integer({ min: 0, max: 0xffff });
    case "long":
      return fc.integer({ min: 0, max: 0xffffffff });
    case "longlong":
      return fc.maxSafeNat();
    case "shortstr":
      return shortstr(fc);
    case "longstr":
      return fc.uint8Array();
    case "table":
      return fieldTable(fc);
    case "timestamp":
      return timestamp(fc);
    default:
      throw new Error(`the protocol table has a type that is new: ${type}`);
  }
}

function propertyValue(
  fc: FastCheck,
  name: keyof BasicProperties,
  type: string,
): Arbitrary<unknown> {
  if (name === "deliveryMode") return fc.constantFrom(1, 2);
  if (name === "expiration") return fc.nat().map(String);
  return fieldOfType(fc, type);
}
