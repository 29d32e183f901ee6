/** Faults for messages that are published, and for their confirms. */
import type { ActiveFault } from "./fault.ts";
import type { FaultyConnection, Publish, PublishFault, PublishVerdict } from "./points.ts";
import { type PublishFaultOptions, selects, selectsPublish } from "./selection.ts";

/** Gives publishes that the options pick a verdict, in confirm mode only or in any. */
export function strikePublishes(
  fault: ActiveFault,
  options: PublishFaultOptions,
  verdict: PublishVerdict,
  inConfirmMode: boolean,
): PublishFault {
  return (connection, publish) => {
    if (inConfirmMode && !publish.confirming) return undefined;
    if (!selectsMessage(options, connection, publish)) return undefined;
    return fault.strikes() ? verdict : undefined;
  };
}

function selectsMessage(
  options: PublishFaultOptions,
  { facts }: FaultyConnection,
  publish: Publish,
): boolean {
  if (!selects(options.connection, facts)) return false;
  if (!selectsPublish(options, publish.method)) return false;
  return options.predicate === undefined || options.predicate(publish);
}
