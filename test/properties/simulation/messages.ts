/** What is published, by what a broker makes of it. */
import { CHANGING_KEY, EXCHANGE } from "./model-broker.ts";
import type { Message } from "./transcript.ts";

/** A kind of message. */
export type MessageKind = keyof typeof KINDS;

/** The nth message of a member. */
export function messageOf(kind: MessageKind, member: number, n: number): Message {
  const plain: Message = {
    exchange: "",
    routingKey: "queue",
    body: `${kind} ${n}`,
    mandatory: false,
    immediate: false,
    properties: { appId: `member ${member}` },
    bad: false,
  };
  const { properties, weight: _frequency, ...rest }: Kind = KINDS[kind];
  return { ...plain, ...rest, properties: { ...plain.properties, ...properties } };
}

/** Refusals of these are cut at 252 octets: behind the last letter, or within it. */
const LONG_NAME = `${"long ".repeat(45)}é`;
const LONGER_NAME = `.${LONG_NAME}`;

/** All of one member are alike, so that they cannot be told apart when they come back. */
const ALIKE = { routingKey: CHANGING_KEY, mandatory: true, body: "alike" };

/** How each kind differs from a plain message, and how often it is published. */
export const KINDS = {
  routed: { weight: 30 },
  "to an exchange": { exchange: EXCHANGE, weight: 12 },
  "to nobody": { routingKey: "nobody", weight: 4 },
  "routed, mandatory": { mandatory: true, weight: 6 },
  "to nobody, mandatory": { routingKey: "nobody", mandatory: true, weight: 12 },
  alike: { ...ALIKE, weight: 14 },
  // Brokers take BCC out before anybody sees it, but route by it: these are no twins of the others.
  "alike but for BCC": { ...ALIKE, properties: { headers: { BCC: ["b"] } }, weight: 2 },
  "alike but for a header": { ...ALIKE, properties: { headers: { n: 5 } }, weight: 3 },
  "alike but not mandatory": { ...ALIKE, mandatory: false, weight: 2 },
  "alike and immediate": { ...ALIKE, immediate: true, weight: 1 },
  changing: { routingKey: CHANGING_KEY, mandatory: true, weight: 5 },
  "with CC and BCC": {
    routingKey: "nobody",
    mandatory: true,
    properties: { headers: { CC: ["a"], BCC: ["b"], n: 5 }, deliveryMode: 2 },
    weight: 3,
  },
  empty: { body: "", weight: 3 },
  large: { body: "large ".repeat(1600), weight: 3 },
  immediate: { immediate: true, weight: 2 },
  "to a missing exchange": { exchange: "missing", weight: 2 },
  "to one whose name is longer": { exchange: "missing too", weight: 1 },
  "to a long name": { exchange: `${LONG_NAME} 1`, weight: 1 },
  "to another long name": { exchange: `${LONG_NAME} 2`, weight: 1 },
  "to a longer name": { exchange: `${LONGER_NAME} 1`, weight: 1 },
  "to another longer name": { exchange: LONGER_NAME.replace("é", "è"), weight: 1 },
  "to a locked exchange": { exchange: "locked", weight: 1 },
  "to a locked topic": { exchange: "locked topic", weight: 1 },
  "to an internal exchange": { exchange: "internal", weight: 1 },
  "too large": { body: "too large ".repeat(1001), weight: 1 },
  "of a foreign user": { properties: { userId: "mallory" }, weight: 1 },
  "with a bad key": { routingKey: "k".repeat(256), bad: true, weight: 2 },
  "with bad properties": {
    properties: { headers: { big: "h".repeat(5000) } },
    bad: true,
    weight: 2,
  },
} as const satisfies { [kind: string]: Kind };

/** Whether brokers close a channel or a connection because of such a message. */
export function isRefused(kind: MessageKind): boolean {
  const { exchange, immediate, properties }: Kind = KINDS[kind];
  const isKnown = exchange === undefined || exchange === EXCHANGE;
  return !isKnown || immediate === true || kind === "too large" || properties?.userId !== undefined;
}

type Kind = Partial<Message> & { readonly weight: number };
