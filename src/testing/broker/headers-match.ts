/**
 * What a headers exchange asks of a message (specification section 3.1.3.4; RabbitMQ's page on
 * exchanges, "Headers Exchange"). The arguments of the binding name headers and the values that they
 * must have; the argument `x-match` says whether all of them must agree or any. Names that begin
 * with `x-` do not count unless it is one of RabbitMQ's `all-with-x` and `any-with-x`.
 */
import type { FieldTable } from "../../wire/field-value.ts";
import { erlangTerm, erlangTypeOf, sameValue } from "./erlang-terms.ts";
import { refusal } from "./refusal.ts";

/** Refuses binding arguments that no message could be matched with. */
export function checkHeadersBinding(args: FieldTable): void {
  const match = args["x-match"];
  if (match === undefined || MODES.has(match)) return;
  throw refusal(
    "preconditionFailed",
    typeof match === "string"
      ? `Invalid x-match field value ${erlangTerm(match)}; expected all, any, all-with-x, or any-with-x`
      : `Invalid x-match field type ${erlangTypeOf(match)} (value ${erlangTerm(match)}); expected longstr`,
  );
}

/** Whether the headers of a message are what the arguments of a binding ask for. */
export function headersMatch(args: FieldTable, headers: FieldTable): boolean {
  const mode = String(args["x-match"] ?? "all");
  const withX = mode.endsWith("-with-x");
  const names = Object.keys(args).filter(
    (name) => name !== "x-match" && (withX || !name.startsWith("x-")),
  );
  const agrees = (name: string): boolean => {
    const wanted = args[name];
    // A void value only asks that the header is there.
    if (wanted === null) return Object.hasOwn(headers, name);
    return sameValue(wanted, headers[name]);
  };
  return mode.startsWith("any") ? names.some(agrees) : names.every(agrees);
}

const MODES: ReadonlySet<unknown> = new Set(["all", "any", "all-with-x", "any-with-x"]);
