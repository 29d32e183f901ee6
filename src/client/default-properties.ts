/** The properties that a publisher gives to every publish: taken once, then merged with its own. */
import { UsageError } from "../errors.ts";
import { type FieldTable, type FieldValue, fieldTypeOf, TaggedTable } from "../wire/field-value.ts";
import type { BasicProperties } from "../wire/generated/properties.ts";
import { NO_PROPERTIES } from "../wire/properties.ts";
import { describe } from "../wire/writer.ts";

/**
 * Takes defaults as they are now, to the bottom: what their owner does to them later changes no
 * publish. Whether they can be sent is seen when they are. Raises `UsageError` where they cannot be
 * read.
 */
export function fixDefaults(defaults: BasicProperties | undefined): BasicProperties {
  if (defaults === undefined) return NO_PROPERTIES;
  if (typeof defaults !== "object" || defaults === null) {
    throw new UsageError(`the default properties must be an object, not ${describe(defaults)}`);
  }
  try {
    const { headers, timestamp } = defaults;
    const own = {
      headers: copyValue(headers) as FieldTable | undefined,
      timestamp: copyValue(timestamp) as Date | undefined,
    };
    return Object.freeze(merge(defaults, own));
  } catch (cause) {
    throw new UsageError("the default properties cannot be read", { cause });
  }
}

/** Properties with defaults: a publish's own win, and headers are merged key by key. */
export function withDefaults(defaults: BasicProperties, own: BasicProperties): BasicProperties {
  if (hasNoProperties(own)) return defaults;
  if (defaults === NO_PROPERTIES) return own;
  return merge(defaults, own, mergeHeaders(defaults.headers, own.headers));
}

/** Written out, because objects that are always made alike are read several times faster. */
function merge(
  defaults: BasicProperties,
  own: BasicProperties,
  headers: FieldTable | undefined = own.headers,
): BasicProperties {
  return {
    contentType: own.contentType ?? defaults.contentType,
    contentEncoding: own.contentEncoding ?? defaults.contentEncoding,
    headers,
    deliveryMode: own.deliveryMode ?? defaults.deliveryMode,
    priority: own.priority ?? defaults.priority,
    correlationId: own.correlationId ?? defaults.correlationId,
    replyTo: own.replyTo ?? defaults.replyTo,
    expiration: own.expiration ?? defaults.expiration,
    messageId: own.messageId ?? defaults.messageId,
    timestamp: own.timestamp ?? defaults.timestamp,
    type: own.type ?? defaults.type,
    userId: own.userId ?? defaults.userId,
    appId: own.appId ?? defaults.appId,
    clusterId: own.clusterId ?? defaults.clusterId,
  } satisfies { readonly [P in keyof Required<BasicProperties>]: unknown };
}

/** Whether none of the 14 is there. */
export function hasNoProperties(p: BasicProperties): boolean {
  return (
    p.contentType === undefined &&
    p.contentEncoding === undefined &&
    p.headers === undefined &&
    p.deliveryMode === undefined &&
    p.priority === undefined &&
    p.correlationId === undefined &&
    p.replyTo === undefined &&
    p.expiration === undefined &&
    p.messageId === undefined &&
    p.timestamp === undefined &&
    p.type === undefined &&
    p.userId === undefined &&
    p.appId === undefined &&
    p.clusterId === undefined
  );
}

/** What is no table is left as it is, to be refused when it is encoded. */
function mergeHeaders(
  defaults: FieldTable | undefined,
  own: FieldTable | undefined,
): FieldTable | undefined {
  if (own === undefined || defaults === undefined) return own ?? defaults;
  return isPlainTable(defaults) && isPlainTable(own) ? { ...defaults, ...own } : own;
}

/** A tagged table has its entries in their order: nothing can be merged into it. */
function isPlainTable(value: unknown): boolean {
  return fieldTypeOf(value) === "F" && !(value instanceof TaggedTable);
}

/** A copy of what can be changed in place; what nobody can send is left as it is. */
function copyValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyValue);
  if (value instanceof Date) return new Date(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (!isPlainTable(value)) return value;
  const table = Object.entries(value as FieldTable);
  return Object.fromEntries(table.map(([name, each]) => [name, copyValue(each)])) as FieldValue;
}
