/** What all parts of a run share: the time, the network, the broker, and the transcript. */
import { VirtualClock } from "../clock.ts";
import { type BrokerConfig, ModelBroker } from "../model-broker.ts";
import { Network } from "../network.ts";
import { type Entry, type Reason, reasonOf } from "../transcript.ts";

/** The world of one run. */
export class World {
  readonly transcript: Entry[] = [];
  readonly clock: VirtualClock = new VirtualClock();
  readonly network: Network;
  readonly broker: ModelBroker;
  /** Promises of the client that are not settled yet, by what they are for. */
  readonly pending: Map<Promise<unknown>, string> = new Map();

  /** Nothing was asked of the client since the last turn: its output is written. */
  isQuiet = true;
  /** Openings that are under way. */
  openings = 0;

  constructor(config: BrokerConfig) {
    this.network = new Network((entry) => this.record(entry));
    this.broker = new ModelBroker(config, (octets) => this.network.say(octets));
  }

  record(entry: Entry): void {
    this.transcript.push(entry);
  }

  /** Records something that is wrong whatever else is true. */
  mistake(text: string): void {
    this.record({ what: "mistake", text });
  }

  /** The promise must settle before the run is over. */
  expect(what: string, promise: Promise<unknown>): void {
    this.pending.set(promise, what);
    const settled = (): boolean => this.pending.delete(promise);
    promise.then(settled, settled);
  }

  /** The promise must settle, and `tell` makes the entry that says how. */
  recordEnd(what: string, promise: Promise<unknown>, tell: (reason: Reason) => Entry): void {
    promise.then(
      () => this.record(tell(undefined)),
      (error) => this.record(tell(reasonOf(error))),
    );
    this.expect(what, promise);
  }

  /** `closed` must resolve, and `tell` makes the entry that says what it gives. */
  recordClosed(what: string, closed: Promise<unknown>, tell: (reason: Reason) => Entry): void {
    closed.then(
      (error) => this.record(tell(reasonOf(error))),
      () => this.mistake(`${what} was rejected`),
    );
    this.expect(what, closed);
  }
}
