/** Refusing what clients ask, and closing their channels and connections. */

import { REPLY_CODE } from "../../../wire/generated/constants.ts";
import type { ClientMethod } from "../../../wire/generated/methods.ts";
import { Refusal, type RefusalScope, replyName } from "../refusal.ts";
import type { CloseConnectionsOptions, RefuseOptions, ReplyOptions } from "./broker-faults.ts";
import { checkMethodName, checkOneOf, checkReplyCode, checkShortText } from "./check.ts";
import type { ActiveFault } from "./fault.ts";
import type { FaultRegistry } from "./registry.ts";
import { selects } from "./selection.ts";

/** Sets the fault of `refuse()`. */
export function setRefusal<N extends ClientMethod["name"]>(
  registry: FaultRegistry,
  name: N,
  options: RefuseOptions<N>,
): ActiveFault {
  const { connection: selector, predicate, scope } = options;
  checkMethodName("method", name, "client");
  checkOneOf("scope", scope, ["channel", "connection"]);
  const refused = orderedRefusal(options, scope, undefined);
  const isMeant = (method: ClientMethod): boolean =>
    method.name === name &&
    (predicate === undefined || predicate(method as Extract<ClientMethod, { name: N }>));
  if (name === "basic.publish") {
    return registry.add("refuse", options, "publishes", (fault) => (connection, { method }) => {
      if (!selects(selector, connection.facts) || !isMeant(method)) return undefined;
      return fault.strikes() ? { instead: refused, store: false, confirm: "never" } : undefined;
    });
  }
  return registry.add("refuse", options, "methods", (fault) => (connection, method) => {
    if (!selects(selector, connection.facts) || !isMeant(method)) return undefined;
    return fault.strikes() ? refused : undefined;
  });
}

/** How an operator closes a connection: by default with the words of RabbitMQ's management plugin. */
export function operatorClose({
  replyCode,
  replyText,
}: Pick<CloseConnectionsOptions, "replyCode" | "replyText">): Refusal {
  const code = replyCode ?? REPLY_CODE.connectionForced;
  checkReplyCode(code);
  const text = replyText ?? `${replyName(code)} - Closed via management plugin`;
  return new Refusal(code, text, { scope: "connection", method: null });
}

/** A refusal that blames a method: the one being handled if undefined, none if null. */
export function orderedRefusal(
  { replyCode, replyText }: ReplyOptions,
  scope: RefusalScope | undefined,
  method: null | undefined,
): Refusal {
  checkReplyCode(replyCode);
  checkShortText("replyText", replyText);
  return new Refusal(replyCode, replyText ?? replyName(replyCode), { scope, method });
}
