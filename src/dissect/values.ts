/** Small questions to an event. */
import type { EventItem, Field } from "./model.ts";

/** The value of a field, by its name; undefined where there is no such field. */
export function fieldValue(event: EventItem, name: string): Field["value"] {
  return event.fields.find((field) => field.name === name)?.value;
}

/** The same as text: octets that are no UTF-8 one character each. */
export function textOf(event: EventItem, name: string): string {
  const value = fieldValue(event, name);
  if (value instanceof Uint8Array) return String.fromCharCode(...value.subarray(0, 255));
  return typeof value === "string" ? value : "";
}

/** Milliseconds from one time to another, where both are known; to the microsecond. */
export function latency(from: number | undefined, to: number | undefined): number | undefined {
  if (from === undefined || to === undefined) return undefined;
  return Math.round((to - from) * 1000) / 1000;
}
