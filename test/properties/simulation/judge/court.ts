/**
 * Computes, from the transcript alone, what the client must have said of each publish and when: the
 * strongest outcome that is proven the moment the publish is over. It shares no code with the client
 * above the fields of methods, and looks at what became of a publish afterwards for one thing only:
 * whether it was still written, because what lies encoded in the output can neither be seen in a
 * transcript nor be withdrawn.
 */
import { type Heard, readHeard } from "../heard.ts";
import type { Wording } from "../sentences.ts";
import type { Ending, Entry } from "../transcript.ts";
import { readWritten } from "../written.ts";
import { Batches } from "./batches.ts";
import { Calls } from "./calls.ts";
import { Docket, type Place } from "./docket.ts";
import { Ends } from "./ends.ts";
import { Requests } from "./requests.ts";
import { Time } from "./time.ts";
import { Waits } from "./waits.ts";
import { Windows } from "./windows.ts";
import { Wire } from "./wire.ts";
import { Words } from "./words.ts";

/** What the judge found. */
export interface Judgement {
  readonly problems: readonly string[];
  /** What was proven of each publish that has been told. */
  readonly endings: ReadonlyMap<number, Ending>;
  /** Where each publish was on the wire, if it was. */
  readonly places: ReadonlyMap<number, Place>;
  /** Publishes whose basic.ack has reached the client, and its entry. */
  readonly acked: ReadonlyMap<number, number>;
  /** Publishes with twins that came back: their own ack proves nothing of them. */
  readonly tangled: ReadonlySet<number>;
}

/** Judges a transcript. */
export function judge(transcript: readonly Entry[], wording: Wording, frameMax: number): Judgement {
  const court = new Court(transcript, wording, frameMax);
  transcript.forEach((entry, at) => {
    court.hear(entry, at);
  });
  return court;
}

class Court implements Judgement {
  readonly #heard: Heard;
  readonly #docket: Docket;
  readonly #ends: Ends;
  readonly #time: Time;
  readonly #windows: Windows;
  readonly #requests: Requests;
  readonly #words: Words;
  readonly #waits: Waits;
  readonly #batches: Batches;
  readonly #calls: Calls;
  readonly #wire: Wire;

  constructor(transcript: readonly Entry[], wording: Wording, frameMax: number) {
    const heard = readHeard(transcript, frameMax);
    const docket = new Docket(transcript, readWritten(transcript, heard, frameMax), wording);
    this.#heard = heard;
    const ends = new Ends(docket);
    const time = new Time(docket, ends);
    const windows = new Windows(docket);
    const words = new Words(docket);
    const calls = new Calls(docket);
    this.#docket = docket;
    this.#ends = ends;
    this.#time = time;
    this.#windows = windows;
    this.#requests = new Requests(docket, windows);
    this.#words = words;
    this.#waits = new Waits(docket, words);
    this.#batches = new Batches(docket, windows);
    this.#calls = calls;
    this.#wire = new Wire(docket, { ends, time, windows, calls, words });
  }

  get problems(): readonly string[] {
    return this.#docket.problems;
  }

  get endings(): ReadonlyMap<number, Ending> {
    return this.#words.endings;
  }

  get places(): ReadonlyMap<number, Place> {
    return this.#docket.places;
  }

  get acked(): ReadonlyMap<number, number> {
    return this.#docket.acked;
  }

  get tangled(): ReadonlySet<number> {
    const tangled = this.#docket.cases.filter(({ tangle }) => tangle !== undefined);
    return new Set(tangled.map(({ id }) => id));
  }

  hear(entry: Entry, at: number): void {
    const docket = this.#docket;
    docket.at = at;
    this.#hear(entry);
    this.#batches.look();
  }

  #hear(entry: Entry): void {
    const docket = this.#docket;
    switch (entry.what) {
      // The world.
      case "time":
        return this.#time.passes(entry.now);
      case "wrote":
        this.#time.wrote();
        this.#windows.socketHolds(entry.bufferedBytes);
        return this.#wire.wrote(docket.written.commands.get(docket.at) ?? []);
      case "flushed":
        return this.#windows.socketHolds(entry.bufferedBytes);
      case "ended":
      case "destroyed":
        return this.#time.hungUp();
      case "delivered":
        this.#time.delivered();
        return this.#wire.delivered(this.#heard.get(docket.at) ?? []);
      case "stream closed":
        return this.#ends.streamClosed();
      case "turn ends":
        docket.round++;
        return;
      case "quiet":
        return this.#quiet(entry);
      case "mistake":
        return docket.problem(entry.text);
      // The application.
      case "opens":
        return this.#requests.opens(entry);
      case "publishes": {
        const { batch } = entry;
        const late = batch !== undefined && this.#batches.isStopped(batch);
        const each = this.#requests.publishes(entry, late);
        if (batch !== undefined) this.#batches.published(each);
        return;
      }
      case "aborts":
        this.#requests.aborts(entry.signal);
        this.#windows.aborts(entry.signal);
        return this.#ends.aborts(entry.signal);
      case "closes member":
        return this.#ends.closesMember(entry);
      case "closes connection":
        return this.#ends.closesConnection(entry.timeoutMs);
      case "destroys":
        return this.#ends.destroys();
      case "waits":
        return this.#waits.begins(entry.wait, docket.member(entry.member));
      case "wants room":
        return this.#windows.wantsRoom(entry);
      case "publishes all":
        return this.#batches.begins(entry);
      case "source ends":
        return this.#batches.sourceEnds(entry);
      case "asks":
        return this.#calls.asks(entry);
      // The client.
      case "opened":
        docket.member(entry.member).opened = true;
        return;
      case "opening failed":
        return this.#ends.toldOpeningFailed(docket.member(entry.member), entry.reason);
      case "said":
        return this.#words.said(docket.case(entry.id), entry.saying);
      case "numbered":
        return this.#words.numbered(docket.case(entry.id), entry.deliveryTag);
      case "threw":
        return this.#words.threw(docket.case(entry.id), entry);
      case "waited":
        return this.#waits.told(entry);
      case "room":
        return this.#windows.toldRoom(entry);
      case "reads":
        return this.#batches.reads(entry.batch);
      case "gives up":
        return this.#batches.givesUp(entry.batch);
      case "batch over":
        return this.#batches.told(entry);
      case "answered":
        return this.#calls.told(entry);
      case "event":
        return this.#words.event(docket.member(entry.member), entry.event);
      case "member closed":
        return this.#ends.toldMemberClosed(docket.member(entry.member), entry.reason);
      case "connection closed":
        return this.#ends.toldConnectionClosed(entry.reason);
      case "connection failed":
        return this.#ends.handshakeFailed(entry.reason);
    }
  }

  /** Nothing is left to do at this moment: whatever is proven must have been said. */
  #quiet(entry: Extract<Entry, { what: "quiet" }>): void {
    this.#words.quiet();
    this.#waits.quiet();
    this.#windows.quiet(entry);
    this.#batches.quiet(entry.bufferedBytes);
    this.#calls.quiet();
    this.#ends.quiet();
    this.#time.quiet();
  }
}
