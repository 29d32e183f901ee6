/**
 * Which faults are set, and which connections there are: puts each fault where it strikes, takes it
 * away when it is over, and tells standing faults of connections that come.
 */
import { ActiveFault, type Fault, type FaultTimes, type FaultWaits } from "./fault.ts";
import type { FaultPoints, FaultyConnection } from "./points.ts";
import { type FaultScope, selects } from "./selection.ts";

type Kind = Exclude<keyof FaultPoints, "seed">;
type FaultOf<K extends Kind> = NonNullable<FaultPoints[K]>[number];

/** A fault that does something with each connection as long as it is set. */
export interface StandingFault extends FaultScope {
  /** Whether it waits for connection.open; else it begins with the first octet, where it can. */
  readonly whenOpen?: boolean | undefined;
  /** Begins; what it returns ends it. */
  attach(connection: FaultyConnection, fault: ActiveFault): () => void;
}

/** Faults and connections. */
export class FaultRegistry {
  /** Where the broker looks for faults. */
  readonly points: FaultPoints;
  readonly #waits: FaultWaits;
  readonly #active = new Set<Fault>();
  readonly #standing = new Map<ActiveFault, Standing>();
  readonly #connections = new Set<FaultyConnection>();
  #count = 0;

  constructor(points: FaultPoints, waits: FaultWaits) {
    this.points = points;
    this.#waits = waits;
  }

  /** What is set, the oldest first. */
  get active(): Fault[] {
    return [...this.#active];
  }

  /** How many faults were ever set: a number for each. */
  get count(): number {
    return this.#count;
  }

  /** A fault that is asked at one of the points. */
  add<K extends Kind>(
    name: string,
    times: FaultTimes,
    kind: K,
    strike: (fault: ActiveFault) => FaultOf<K>,
    { newestFirst = false, whenOver = () => {}, make }: AddOptions = {},
  ): ActiveFault {
    const over = (): void => {
      this.#change(kind, (all) => all.filter((each) => each !== asked));
      whenOver();
    };
    const fault = this.set(name, times, over, make);
    const asked = strike(fault);
    this.#change(kind, (all) => (newestFirst ? [asked, ...all] : [...all, asked]));
    return fault;
  }

  /** A fault that goes on until it is cleared. */
  stand(name: string, times: FaultTimes, standing: StandingFault): ActiveFault {
    const fault = this.set(name, times, () => {
      const attached = this.#standing.get(fault)?.attached.values() ?? [];
      this.#standing.delete(fault);
      for (const detach of attached) detach();
    });
    this.#standing.set(fault, { standing, attached: new Map() });
    for (const connection of [...this.#connections]) this.#attach(fault, connection);
    return fault;
  }

  /** A fault that strikes now and is over. `strike` returns how often it does. */
  now(
    name: string,
    { connection }: FaultScope,
    strike: (connection: FaultyConnection) => number,
  ): ActiveFault {
    const fault = this.set(name, { count: Number.POSITIVE_INFINITY }, () => {});
    for (const each of [...this.#connections]) {
      if (!selects(connection, each.facts)) continue;
      for (let strikes = strike(each); strikes > 0; strikes--) fault.strikes();
    }
    fault.clear();
    return fault;
  }

  /** Keeps a fault among those that are set, until it is over. */
  set(
    name: string,
    times: FaultTimes,
    whenOver: () => void,
    make: FaultMaker = (...of) => new ActiveFault(...of),
  ): ActiveFault {
    const over = (): void => {
      this.#active.delete(fault);
      whenOver();
    };
    const fault = make(name, times, over, this.#waits);
    this.#active.add(fault);
    this.#count++;
    return fault;
  }

  /** A connection was accepted. */
  connected(connection: FaultyConnection): void {
    this.#connections.add(connection);
    this.#attachAll(connection);
  }

  /** It has logged in. */
  opened(connection: FaultyConnection): void {
    this.#attachAll(connection);
  }

  /** It is gone. */
  disconnected(connection: FaultyConnection): void {
    this.#connections.delete(connection);
    for (const { attached } of this.#standing.values()) attached.delete(connection);
  }

  /** Has confirms sent that were late for a fault that is over. */
  sendConfirms(): void {
    for (const { channels } of this.#connections) for (const channel of channels) channel.sendAck();
  }

  /** Clears all. */
  clear(): void {
    for (const fault of this.active) fault.clear();
  }

  #attachAll(connection: FaultyConnection): void {
    for (const fault of [...this.#standing.keys()]) this.#attach(fault, connection);
  }

  #attach(fault: ActiveFault, connection: FaultyConnection): void {
    const { standing, attached } = this.#standing.get(fault) ?? {};
    if (standing === undefined || attached === undefined || attached.has(connection)) return;
    // Who it is, nobody knows before connection.open.
    const waits = standing.whenOpen === true || standing.connection !== undefined;
    if (waits && !connection.running) return;
    if (!selects(standing.connection, connection.facts)) return;
    attached.set(connection, standing.attach(connection, fault));
  }

  #change<K extends Kind>(
    kind: K,
    change: (all: readonly FaultOf<K>[]) => readonly FaultOf<K>[],
  ): void {
    const points = this.points as Record<Kind, unknown>;
    const changed = change((this.points[kind] ?? []) as readonly FaultOf<K>[]);
    points[kind] = changed.length > 0 ? changed : undefined;
  }
}

/** Makes the fault itself, where it is a special one. */
export type FaultMaker = (...of: ConstructorParameters<typeof ActiveFault>) => ActiveFault;

interface AddOptions {
  /** Whether the newest of a kind is asked first, not the oldest. */
  readonly newestFirst?: boolean | undefined;
  readonly whenOver?: (() => void) | undefined;
  readonly make?: FaultMaker | undefined;
}

interface Standing {
  readonly standing: StandingFault;
  /** What ends it, for each connection that has it. */
  readonly attached: Map<FaultyConnection, () => void>;
}
