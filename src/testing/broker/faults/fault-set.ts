/** The faults of one broker: what stands behind `broker.faults`. */
import type { Duplex } from "node:stream";
import { UsageError } from "../../../errors.ts";
import type { ClientMethod, ContentMethod, ServerMethod } from "../../../wire/generated/methods.ts";
import { replyName } from "../refusal.ts";
import type * as options from "./broker-faults.ts";
import { checkMethod, checkReplyCode, checkShortText } from "./check.ts";
import { type ConfirmOptions, confirmStyle } from "./confirm-style.ts";
import { setCut } from "./cuts.ts";
import type { Fault, FaultTimes, FaultWaits } from "./fault.ts";
import type { LineRule } from "./faulty-line.ts";
import { HeldConfirmsFault } from "./held-confirms.ts";
import {
  type FaultPoints,
  type FaultyConnection,
  NO_FAULTS,
  type PublishVerdict,
} from "./points.ts";
import { strikePublishes } from "./publish-faults.ts";
import { SeededRandom } from "./random.ts";
import { operatorClose, orderedRefusal, setRefusal } from "./refusals.ts";
import { FaultRegistry } from "./registry.ts";
import { type FaultScope, type PublishFaultOptions, selects } from "./selection.ts";
import { Turnstile } from "./turnstile.ts";

/** Sets faults, and knows those that are set. */
export class FaultSet implements options.BrokerFaults {
  readonly points: FaultPoints;
  readonly #registry: FaultRegistry;
  readonly #turnstile: Turnstile;
  /** Faults that last when they strike no more: what they hold back is let go when all is cleared. */
  readonly #lasting = new Set<Fault>();
  #connections = 0;

  /** `confirms` holds for good. */
  constructor(seed: number, waits: FaultWaits, confirms?: ConfirmOptions) {
    const style = confirms === undefined ? undefined : confirmStyle(confirms);
    const always = style === undefined ? undefined : [() => style];
    this.points = { ...NO_FAULTS, seed, confirms: always };
    this.#registry = new FaultRegistry(this.points, waits);
    this.#turnstile = new Turnstile(this.#registry);
  }

  get active(): readonly Fault[] {
    return this.#registry.active;
  }

  nack({ store = false, ...which }: options.NackOptions = {}): Fault {
    return this.#publishes("nack", which, { store, confirm: "nack" }, true);
  }

  return({ replyCode = NO_ROUTE, replyText, ...which }: options.ReturnOptions = {}): Fault {
    checkReplyCode(replyCode);
    checkShortText("replyText", replyText);
    const returned = { replyCode, replyText: replyText ?? replyName(replyCode) };
    return this.#publishes("return", which, { store: false, confirm: "truthfully", returned });
  }

  lose(which: PublishFaultOptions = {}): Fault {
    return this.#publishes("lose", which, { store: false, confirm: "truthfully" });
  }

  dropConfirm({ store = true, ...which }: options.DropConfirmOptions = {}): Fault {
    return this.#publishes("dropConfirm", which, { store, confirm: "never" }, true);
  }

  duplicateConfirm(which: PublishFaultOptions = {}): Fault {
    const verdict = { store: true, confirm: "truthfully", twice: true } as const;
    return this.#publishes("duplicateConfirm", which, verdict, true);
  }

  holdConfirms(which: PublishFaultOptions = {}): options.HeldConfirms {
    const times = { count: Number.POSITIVE_INFINITY, ...defined(which) };
    const registry = this.#registry;
    const fault = registry.add(
      "holdConfirms",
      times,
      "publishes",
      (holding) => {
        const hold = (holding as HeldConfirmsFault).hold.bind(holding);
        return strikePublishes(holding, which, { store: true, confirm: "truthfully", hold }, true);
      },
      { make: (...of) => new HeldConfirmsFault(...of) },
    ) as HeldConfirmsFault;
    this.#lasting.add(fault);
    return fault;
  }

  confirms({ connection: selector, ...how }: ConfirmOptions & FaultScope): Fault {
    const style = confirmStyle(how);
    const strikes = ({ facts }: FaultyConnection) => (selects(selector, facts) ? style : undefined);
    return this.#registry.add("confirms", FOREVER, "confirms", () => strikes, {
      newestFirst: true,
      whenOver: () => this.#registry.sendConfirms(),
    });
  }

  refuse<N extends ClientMethod["name"]>(method: N, how: options.RefuseOptions<N>): Fault {
    return setRefusal(this.#registry, method, how);
  }

  closeChannels({ channel: number, ...how }: options.CloseChannelsOptions): Fault {
    const refused = orderedRefusal(how, "channel", null);
    return this.#registry.now("closeChannels", how, (connection) => {
      const channels = [...connection.channels].filter(
        (channel) => !channel.failed && (number ?? channel.number) === channel.number,
      );
      for (const channel of channels) connection.close(refused, channel);
      return channels.length;
    });
  }

  closeConnections(how: options.CloseConnectionsOptions = {}): Fault {
    checkShortText("replyText", how.replyText);
    const refused = operatorClose(how);
    return this.#registry.now("closeConnections", how, (connection) => {
      if (!connection.running) return 0;
      connection.close(refused);
      return 1;
    });
  }

  block({
    reason = "low on memory",
    atOnce = false,
    connection,
  }: options.BlockOptions = {}): Fault {
    checkShortText("reason", reason);
    return this.#registry.stand("block", FOREVER, {
      connection,
      whenOpen: true,
      attach(blocked, fault) {
        blocked.block(fault, { reason, atOnce, whenBlocked: () => fault.strikes() });
        return () => blocked.unblock(fault);
      },
    });
  }

  stopFlow({ connection }: FaultScope = {}): Fault {
    return this.#registry.stand("stopFlow", FOREVER, {
      connection,
      whenOpen: true,
      attach(asked, fault) {
        const channels = [...asked.channels].filter(({ failed }) => !failed);
        for (const channel of channels) {
          channel.askFlow(false);
          fault.strikes();
        }
        return () => {
          for (const channel of channels) channel.askFlow(true);
        };
      },
    });
  }

  stopReading({ connection }: FaultScope = {}): Fault {
    return this.#registry.stand("stopReading", FOREVER, {
      connection,
      attach(unread, fault) {
        fault.strikes();
        unread.stopReading(fault);
        return () => unread.goOnReading(fault);
      },
    });
  }

  stopWriting({ connection }: FaultScope = {}): Fault {
    return this.#line("stopWriting", connection, () => ({ silent: true }));
  }

  delay({ ms, jitterMs = 0, connection }: options.DelayOptions): Fault {
    for (const [name, value] of Object.entries({ ms, jitterMs })) {
      if (!(value >= 0 && value < 2 ** 31)) {
        throw new UsageError(`${name} is ${value}; it must be from 0 to ${2 ** 31 - 1}`);
      }
    }
    return this.#line("delay", connection, (random) => ({
      delayMs: () => ms + (jitterMs === 0 ? 0 : random.next() * jitterMs),
    }));
  }

  split({ octets = 1, random = false, connection }: options.SplitOptions = {}): Fault {
    if (!(Number.isSafeInteger(octets) && octets > 0)) {
      throw new UsageError(`octets is ${octets}; it must be an integer from 1 up`);
    }
    return this.#line("split", connection, (chance) => ({
      pieceSize: () => (random ? chance.integer(1, octets) : octets),
    }));
  }

  cut(how: options.CutOptions = {}): Fault {
    return setCut(this.#registry, how);
  }

  refuseConnections(how: options.RefuseConnectionsOptions = {}): Fault {
    const fault = this.#turnstile.set(how);
    this.#lasting.add(fault);
    return fault;
  }

  cancelConsumers(which: options.CancelOptions = {}): Fault {
    const { queue, consumerTag } = which;
    const picks = (name: string, tag: string): boolean =>
      (queue ?? name) === name && (consumerTag ?? tag) === tag;
    return this.#registry.now("cancelConsumers", which, ({ channels }) =>
      sum([...channels].map((channel) => channel.cancelConsumers(picks))),
    );
  }

  redeliver(which: options.ConsumerFaultOptions = {}): Fault {
    const picks = (name: string): boolean => (which.queue ?? name) === name;
    return this.#registry.now("redeliver", which, ({ channels }) =>
      sum([...channels].map((channel) => channel.redeliver(picks))),
    );
  }

  duplicateDelivery(which: options.ConsumerFaultOptions & FaultTimes = {}): Fault {
    return this.#registry.add(
      "duplicateDelivery",
      which,
      "deliveries",
      (fault) =>
        ({ facts }, queue) => {
          if ((which.queue ?? queue) !== queue || !selects(which.connection, facts))
            return undefined;
          return fault.strikes() || undefined;
        },
    );
  }

  send(method: Exclude<ServerMethod, ContentMethod>, to: options.FaultySendOptions = {}): Fault {
    checkMethod(method);
    const onConnection = method.name.startsWith("connection.");
    return this.#registry.now("send", to, (connection) => {
      if (!connection.running) return 0;
      if (onConnection || to.channel === 0) {
        connection.send(0, method);
        return 1;
      }
      const channels = [...connection.channels].filter(
        ({ failed, number }) => !failed && (to.channel ?? number) === number,
      );
      for (const channel of channels) {
        if (method.name === "channel.flow") channel.askFlow(method.active);
        else connection.send(channel.number, method);
      }
      return channels.length;
    });
  }

  clear(): void {
    this.#registry.clear();
    for (const fault of this.#lasting) fault.clear();
    this.#lasting.clear();
  }

  /** A socket was accepted: true if nobody is to look after it. */
  turnsAway(socket: Duplex): boolean {
    return this.#turnstile.turnsAway(socket);
  }

  /** The number of the next connection. */
  nextConnection(): number {
    return ++this.#connections;
  }

  /** A connection was accepted. */
  connected(connection: FaultyConnection): void {
    this.#registry.connected(connection);
  }

  /** It has logged in. */
  opened(connection: FaultyConnection): void {
    this.#registry.opened(connection);
  }

  /** It is gone. */
  disconnected(connection: FaultyConnection): void {
    this.#registry.disconnected(connection);
  }

  #publishes(
    name: string,
    which: PublishFaultOptions,
    verdict: PublishVerdict,
    inConfirmMode = false,
  ): Fault {
    return this.#registry.add(name, which, "publishes", (fault) =>
      strikePublishes(fault, which, verdict, inConfirmMode),
    );
  }

  /** A fault for what is written, with random numbers of each connection's own. */
  #line(
    name: string,
    connection: FaultScope["connection"],
    make: (random: SeededRandom) => LineRule,
  ): Fault {
    const number = this.#registry.count;
    return this.#registry.stand(name, FOREVER, {
      connection,
      attach: (slow, fault) => {
        const random = new SeededRandom(this.points.seed, number, slow.facts.id);
        const rule = { ...make(random), used: () => fault.strikes() };
        slow.line.add(rule);
        return () => slow.line.remove(rule);
      },
    });
  }
}

const FOREVER: FaultTimes = { count: Number.POSITIVE_INFINITY };
const NO_ROUTE = 312;

/** Without what is undefined, so that it does not hide a default. */
function defined({ count, after }: FaultTimes): FaultTimes {
  return { ...(count === undefined ? {} : { count }), ...(after === undefined ? {} : { after }) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
