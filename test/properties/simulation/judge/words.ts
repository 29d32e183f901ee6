/** What the client says of single publishes, against what is proven. */
import type { Ending, Entry, Saying } from "../transcript.ts";
import type { Case, Docket, Member } from "./docket.ts";

/** Hears what publishes are told. */
export class Words {
  /** What was proven of each publish that has been told. */
  readonly endings: Map<number, Ending> = new Map();
  readonly #docket: Docket;

  constructor(docket: Docket) {
    this.#docket = docket;
  }

  said(each: Case, saying: Saying): void {
    const docket = this.#docket;
    const { id, proven, why } = each;
    const { ending } = saying;
    if (each.said !== undefined) docket.problem(`publish ${id} was told twice`);
    each.said = saying;
    if (this.#isOfTwins(each, ending)) {
      docket.prove(each, "so many of its twins are", ending);
    } else if (proven === undefined) {
      return docket.problem(`publish ${id} was told ${saying.text}, and is not over`);
    } else if (!proven.includes(ending)) {
      return docket.problem(
        `publish ${id} was told ${ending}, and is ${proven.join(" or ")} (${why}): ${saying.text}`,
      );
    }
    this.#checkDetails(each, saying);
  }

  /** basicPublish() returned a delivery tag. */
  numbered(each: Case, deliveryTag: number): void {
    const docket = this.#docket;
    const { id, member, message } = each;
    member.cases.push(each);
    if (message.bad) docket.problem(`publish ${id} should have thrown`);
    if (member.refuses || docket.isDead) {
      docket.problem(`publish ${id} was taken although the channel is closed`);
    }
    if (deliveryTag !== member.cases.length) {
      docket.problem(`publish ${id} has tag ${deliveryTag}, not ${member.cases.length}`);
    }
  }

  /** basicPublish() threw. */
  threw({ member, message }: Case, entry: Extract<Entry, { what: "threw" }>): void {
    const { refuses, life } = member;
    if (message.bad || refuses || this.#docket.isDead) return;
    // basicPublish() cannot wait: neither for the broker nor for the socket.
    if (life?.pausedIn !== undefined || entry.bufferedBytes > SOCKET_LIMIT / 4) return;
    this.#docket.problem(`basicPublish() threw for nothing: ${entry.error}`);
  }

  /** A publish has been written and has a tag now. */
  checkTag({ id, tag, said }: Case): void {
    if (said === undefined || said.deliveryTag === tag) return;
    this.#docket.problem(`publish ${id} was told tag ${said.deliveryTag} and has ${tag}`);
  }

  /** A low-level channel emitted something. */
  event(member: Member, event: string): void {
    // Once our channel.close is on its way, flow does not matter any more.
    if (event !== member.events[0] && event.startsWith("flow") && member.refuses) return;
    const expected = member.events.shift();
    if (event !== expected) {
      this.#docket.problem(`channel event "${event}", not "${expected}"`);
    }
  }

  quiet(): void {
    const docket = this.#docket;
    for (const { id, member, proven, said, why } of docket.cases) {
      if (proven !== undefined && said === undefined && member.opening.kind === "publisher") {
        docket.problem(`publish ${id} is ${proven[0]} (${why}) and was not told`);
      }
    }
    for (const tangle of new Set(docket.cases.map((each) => each.tangle))) {
      const missing = tangle?.missing ?? 0;
      if (missing > 0) docket.problem(`${missing} of identical publishes were not told: confirmed`);
    }
    for (const { events, index } of docket.members) {
      for (const event of events.splice(0)) docket.problem(`no event on ${index}: ${event}`);
    }
  }

  /** Whether it is told what is proven of its twins, though not of this one. */
  #isOfTwins({ id, tangle, proven, isEnded }: Case, ending: Ending): boolean {
    if (tangle === undefined || (proven !== undefined && !isEnded)) return false;
    if (proven?.includes(ending)) return false;
    return tangle.allows(ending, this.#docket.acked.has(id));
  }

  #checkDetails(each: Case, { ending, deliveryTag, mayBeDelivered, causeCode }: Saying): void {
    const docket = this.#docket;
    this.endings.set(each.id, ending);
    if (each.tag > 0 && deliveryTag !== each.tag) {
      docket.problem(`publish ${each.id} was told tag ${deliveryTag} and has ${each.tag}`);
    }
    if (MAY_BE_DELIVERED.has(ending) !== mayBeDelivered) {
      docket.problem(`publish ${each.id} is ${ending} and mayBeDelivered is ${mayBeDelivered}`);
    }
    if (ending === "refused" && causeCode !== each.replyCode) {
      docket.problem(`the cause of publish ${each.id} has ${causeCode}, not ${each.replyCode}`);
    }
  }
}

const MAY_BE_DELIVERED: ReadonlySet<Ending> = new Set(["confirmed", "nacked", "unknown"]);

/** Over this many octets in the socket, nothing is written to it any more. */
const SOCKET_LIMIT = 2 * 1_048_576;
