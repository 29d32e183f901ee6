/** Connections that are not let in. */
import type { Duplex } from "node:stream";
import { resetStream } from "../session/stream.ts";
import type { RefuseConnectionsOptions } from "./broker-faults.ts";
import { checkOneOf } from "./check.ts";
import { ActiveFault } from "./fault.ts";
import type { FaultRegistry } from "./registry.ts";

/** Stands at the port. */
export class Turnstile {
  readonly #registry: FaultRegistry;
  readonly #refusals = new Map<ActiveFault, Refusing>();

  constructor(registry: FaultRegistry) {
    this.#registry = registry;
  }

  /** Sets the fault of `refuseConnections()`. */
  set({ count = FOREVER, after, how = "reset" }: RefuseConnectionsOptions): ActiveFault {
    checkOneOf("how", how, ["reset", "end", "silence"]);
    const silent = new Set<Duplex>();
    const fault = this.#registry.set(
      "refuseConnections",
      { count, after },
      () => this.#refusals.delete(fault),
      (...of) => new RefusedConnections(silent, ...of),
    );
    this.#refusals.set(fault, { how, silent });
    return fault;
  }

  /** A socket was accepted: true if it was turned away. */
  turnsAway(socket: Duplex): boolean {
    for (const [fault, { how, silent }] of this.#refusals) {
      if (!fault.strikes()) continue;
      socket.on("error", () => {}); // whoever was turned away may say so
      if (how === "reset") resetStream(socket);
      else if (how === "end") socket.resume().end();
      else keepSilent(socket, silent);
      return true;
    }
    return false;
  }
}

/** The fault; once cleared, those that nobody answered are dropped. */
class RefusedConnections extends ActiveFault {
  readonly #silent: ReadonlySet<Duplex>;

  constructor(silent: ReadonlySet<Duplex>, ...of: ConstructorParameters<typeof ActiveFault>) {
    super(...of);
    this.#silent = silent;
  }

  override clear(): void {
    super.clear();
    for (const socket of this.#silent) socket.destroy();
  }
}

interface Refusing {
  readonly how: RefuseConnectionsOptions["how"];
  readonly silent: Set<Duplex>;
}

/** What it says is thrown away. */
function keepSilent(socket: Duplex, silent: Set<Duplex>): void {
  silent.add(socket);
  socket.on("close", () => silent.delete(socket));
  socket.resume();
}

const FOREVER = Number.POSITIVE_INFINITY;
