/**
 * Where faults strike. Whoever handles methods, messages and octets has one question to ask at his
 * place, and where no fault is set there is nobody to ask: the list is undefined, not empty, so that
 * a broker without faults pays one comparison.
 */
import type { BasicPublish, ClientMethod, ServerMethod } from "../../../wire/generated/methods.ts";
import type { Channel } from "../channel.ts";
import type { Refusal } from "../refusal.ts";
import type { BlockingReason } from "../session/blocking.ts";
import type { SendWatcher } from "../session/output.ts";
import type { ConfirmStyle } from "./confirm-style.ts";
import type { FaultyLine } from "./faulty-line.ts";
import type { Answer, IrregularConfirms } from "./irregular-confirms.ts";
import type { FaultyConnectionFacts, PublishedMessage } from "./selection.ts";

/** How a connection is cut: with a FIN, as by somebody who hangs up, or with a RST. */
export type CutKind = "end" | "reset";

/** What comes of a method: it is refused, or the connection is cut. */
export type MethodVerdict = Refusal | CutKind;

/** What comes of a message that was published. */
export interface PublishVerdict {
  /** The publish is refused, or the connection is cut: nothing else counts then. */
  readonly instead?: MethodVerdict | undefined;
  /** Whether its queues get it. */
  readonly store: boolean;
  /** How it is confirmed: as its queues say, nacked, or never. */
  readonly confirm: "truthfully" | "nack" | "never";
  /** Whether it is confirmed twice. */
  readonly twice?: boolean | undefined;
  /** With what it is sent back. */
  readonly returned?: { readonly replyCode: number; readonly replyText: string } | undefined;
  /** Takes its confirm, to give it back later. */
  readonly hold?: ((held: HeldConfirm) => void) | undefined;
}

/** The confirm of one message. */
export interface HeldConfirm {
  readonly confirms: IrregularConfirms;
  readonly tag: number;
  readonly answer: Answer;
}

/** A message that came whole, and whether its channel confirms. */
export interface Publish extends PublishedMessage {
  readonly method: BasicPublish;
  readonly confirming: boolean;
}

/** A fault that looks at methods, basic.publish excepted. */
export type MethodFault = (
  connection: FaultyConnection,
  method: ClientMethod,
) => MethodVerdict | undefined;

/** A fault that looks at messages that were published. */
export type PublishFault = (
  connection: FaultyConnection,
  publish: Publish,
) => PublishVerdict | undefined;

/** A fault that cuts a connection when the header of a message is there and its body is not. */
export type BodyFault = (connection: FaultyConnection, method: BasicPublish) => CutKind | undefined;

/** A fault that has a message delivered twice. */
export type DeliveryFault = (connection: FaultyConnection, queue: string) => true | undefined;

/** A fault that says when and how confirms are sent. */
export type ConfirmFault = (connection: FaultyConnection) => ConfirmStyle | undefined;

/** What is set; undefined where nothing is. */
export interface FaultPoints {
  readonly seed: number;
  methods: readonly MethodFault[] | undefined;
  publishes: readonly PublishFault[] | undefined;
  bodies: readonly BodyFault[] | undefined;
  deliveries: readonly DeliveryFault[] | undefined;
  confirms: readonly ConfirmFault[] | undefined;
}

/** Nothing is set. */
export const NO_FAULTS: Readonly<FaultPoints> = {
  seed: 0,
  ...{ methods: undefined, publishes: undefined, bodies: undefined },
  ...{ deliveries: undefined, confirms: undefined },
};

/** What faults can do with a connection. */
export interface FaultyConnection {
  readonly facts: FaultyConnectionFacts;
  /** Whether connection.open is through and nobody has closed it. */
  readonly running: boolean;
  /** Its open channels. */
  readonly channels: Iterable<Channel>;
  /** What it writes goes through this from now on. */
  readonly line: FaultyLine;
  /** How many octets were given to the line, and those that will be next. */
  readonly given: number;
  /** Tells of every method that is written. */
  watch(watcher: SendWatcher): void;
  unwatch(watcher: SendWatcher): void;
  /** Reads nothing for this reason. */
  stopReading(reason: object): void;
  /** Reads again, unless there is another reason not to. */
  goOnReading(reason: object): void;
  /** Cuts it when so many octets more were read. */
  cutAfterReading(octets: number, cut: () => CutKind | undefined): void;
  /** One alarm more, by which the connection is blocked; `key` tells it from others. */
  block(key: object, reason: BlockingReason): void;
  /** One alarm less. */
  unblock(key: object): void;
  /** Drops the socket and forgets what was to be written. */
  cut(kind: CutKind): void;
  /** Cuts it when all that came before is answered, and that is written. */
  cutAfterWriting(kind: CutKind): void;
  /** Closes one of its channels, or all of it. */
  close(refused: Refusal, channel?: Channel): void;
  /** Sends whatever a test wants. */
  send(channel: number, method: ServerMethod): void;
}

/** The first answer that is not undefined. */
export function ask<A extends readonly unknown[], V>(
  faults: readonly ((...args: A) => V | undefined)[],
  ...args: A
): V | undefined {
  for (const fault of faults) {
    const verdict = fault(...args);
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}
