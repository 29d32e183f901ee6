/** Cutting connections: the ways that `cut()` has to find its place. */
import { UsageError } from "../../../errors.ts";
import type { CutOptions } from "./broker-faults.ts";
import { checkMethodName, checkOneOf } from "./check.ts";
import type { ActiveFault } from "./fault.ts";
import type { CutKind, FaultyConnection } from "./points.ts";
import { SeededRandom } from "./random.ts";
import type { FaultRegistry } from "./registry.ts";
import { selects, selectsPublish } from "./selection.ts";

/** Sets the fault. */
export function setCut(registry: FaultRegistry, options: CutOptions): ActiveFault {
  check(options);
  const { on, inside, afterRead, afterWritten, how = "end" } = options;
  const strike = (fault: ActiveFault): CutKind | undefined => (fault.strikes() ? how : undefined);
  if (on === "basic.publish") {
    return registry.add("cut", options, "publishes", (fault) => (connection, { method }) => {
      if (!selects(options.connection, connection.facts)) return undefined;
      if (!selectsPublish(options, method) || !fault.strikes()) return undefined;
      return { instead: how, store: false, confirm: "never" };
    });
  }
  if (on !== undefined) {
    return registry.add("cut", options, "methods", (fault) => (connection, { name }) => {
      if (name !== on || !selects(options.connection, connection.facts)) return undefined;
      return strike(fault);
    });
  }
  if (inside === "basic.publish") {
    return registry.add("cut", options, "bodies", (fault) => (connection, method) => {
      if (!selects(options.connection, connection.facts)) return undefined;
      return selectsPublish(options, method) ? strike(fault) : undefined;
    });
  }
  if (inside !== undefined) return cutInsideOfAnswer(registry, options, how);
  if (afterRead !== undefined || afterWritten !== undefined) {
    return registry.stand("cut", options, {
      connection: options.connection,
      attach(connection, fault) {
        const cut = () => strike(fault);
        if (afterRead !== undefined) connection.cutAfterReading(afterRead, cut);
        else connection.line.cutAt(connection.given + (afterWritten ?? 0), cut);
        return () => {}; // once the fault is over, it strikes no more
      },
    });
  }
  return registry.now("cut", options, (connection) => {
    connection.cut(how);
    return 1;
  });
}

/** Finds the octets of a method of ours in what is to be written, and cuts in the middle. */
function cutInsideOfAnswer(
  registry: FaultRegistry,
  options: CutOptions,
  how: CutKind,
): ActiveFault {
  const { inside, at } = options;
  const number = registry.count;
  return registry.stand("cut", options, {
    connection: options.connection,
    attach(connection: FaultyConnection, fault) {
      const random = new SeededRandom(registry.points.seed, number, connection.facts.id);
      const watcher = (name: string, size: number): void => {
        if (name !== inside || !fault.strikes()) return;
        const offset = at === undefined ? random.integer(1, size - 1) : Math.min(at, size - 1);
        connection.line.cutAt(connection.given - size + offset, () => how);
      };
      connection.watch(watcher);
      return () => connection.unwatch(watcher);
    },
  });
}

function check(options: CutOptions): void {
  const { how, on, inside, afterRead, afterWritten, at } = options;
  checkOneOf("how", how, ["end", "reset"]);
  checkMethodName("on", on, "client");
  if (inside !== "basic.publish") checkMethodName("inside", inside, "server");
  const places = [on, inside, afterRead, afterWritten].filter((place) => place !== undefined);
  if (places.length > 1) {
    throw new UsageError("cut() takes one of on, inside, afterRead and afterWritten");
  }
  for (const [name, octets] of Object.entries({ afterRead, afterWritten, at })) {
    if (octets !== undefined && !(Number.isSafeInteger(octets) && octets > 0)) {
      throw new UsageError(`${name} is ${octets}; it must be an integer from 1 up`);
    }
  }
  if (at !== undefined && (inside === undefined || inside === "basic.publish")) {
    throw new UsageError("at goes with inside and a method of the broker's");
  }
  // What picks a place and is not looked at would cut everybody, at once.
  const { exchange, routingKey, count, after } = options;
  if (on !== "basic.publish" && inside !== "basic.publish") {
    refuse({ exchange, routingKey }, 'on or inside "basic.publish"');
  }
  if (places.length === 0) refuse({ count, after }, "on, inside, afterRead or afterWritten");
}

/** Raises a `UsageError` if one of these options was given without those that it goes with. */
function refuse(options: { readonly [name: string]: unknown }, without: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) throw new UsageError(`${name} goes with ${without}`);
  }
}
