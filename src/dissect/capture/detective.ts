/**
 * Whether a TCP connection speaks AMQP, and which side is the client, from its first octets.
 *
 * Where its beginning was captured, SYN says who the client is, and the `AMQP` header that it is
 * AMQP. Elsewhere frames are searched in both directions: a method that only one side may send tells
 * the sides apart; without one, the port does.
 */
import { PORT, PROTOCOL_HEADER, TLS_PORT } from "../../wire/generated/constants.ts";
import { METHODS, methodName } from "../../wire/generated/method-table.ts";
import { Framer, type Piece } from "../framer.ts";
import type { Side } from "../model.ts";
import { readShort } from "../plausible.ts";
import { type End, other } from "./sequence-space.ts";

/** What has been found out; undefined while it is open. */
export type Verdict = { readonly client: End } | "other" | undefined;

/** How many octets are looked at before a connection is taken for something else. */
const ENOUGH = 1_048_576;

/** How many octets of a connection whose beginning was seen: the header, or TLS, or neither. */
const ENOUGH_OF_BEGINNING = 8;

/** Looks at one connection. */
export class Detective {
  readonly #ports: readonly [number, number];
  /** Who sent the SYN, if that was captured. */
  readonly #opener: End | undefined;
  /** Whoever asked for this port says that it is AMQP. */
  readonly #certain: boolean;
  readonly #framers: readonly [Framer, Framer];
  readonly #seen: [number, number] = [0, 0];
  readonly #evidence: [Evidence, Evidence] = [new Evidence(), new Evidence()];

  constructor(ports: readonly [number, number], opener: End | undefined, certain: boolean) {
    this.#ports = ports;
    this.#opener = opener;
    this.#certain = certain;
    const midstream = opener === undefined;
    this.#framers = [new Framer(midstream), new Framer(midstream)];
  }

  /** Takes octets of one end. */
  push(end: End, octets: Uint8Array): Verdict {
    const framer = this.#framers[end];
    this.#seen[end] += octets.length;
    framer.push(octets);
    for (let piece = framer.next(); piece; piece = framer.next()) this.#evidence[end].add(piece);
    return this.#verdict(false);
  }

  /** Octets of one end are missing. */
  gap(end: End, missing: number): Verdict {
    const framer = this.#framers[end];
    for (let piece = framer.finish("gap"); piece; piece = framer.finish("gap")) {
      this.#evidence[end].add(piece);
    }
    framer.gap(missing);
    return this.#verdict(false);
  }

  /** Nothing more comes. */
  end(): Verdict {
    for (const end of [0, 1] as const) {
      const framer = this.#framers[end];
      for (let piece = framer.finish("end"); piece; piece = framer.finish("end")) {
        this.#evidence[end].add(piece);
      }
    }
    return this.#verdict(true) ?? "other";
  }

  #verdict(last: boolean): Verdict {
    const [a, b] = this.#evidence;
    const [seenA, seenB] = this.#seen;
    const known = this.#opener ?? this.#clientByFrames();
    const found = a.isAmqp || b.isAmqp || this.#certain || this.#isTlsOfAmqp();
    if (found && known !== undefined && seenA + seenB > 0) return { client: known };
    if (this.#opener !== undefined) {
      const enough = last || Math.min(seenA, seenB) >= ENOUGH_OF_BEGINNING;
      // A server that speaks first, or a client that sends something else.
      return enough || Math.max(seenA, seenB) > ENOUGH ? "other" : undefined;
    }
    if (!last && seenA + seenB < ENOUGH) return undefined;
    return found && seenA + seenB > 0 ? { client: this.#clientByPort() } : "other";
  }

  #clientByFrames(): End | undefined {
    for (const end of [0, 1] as const) {
      const { side } = this.#evidence[end];
      if (side !== undefined) return side === "client" ? end : other(end);
    }
    // It is known who listens at AMQP's own ports.
    const [a, b] = this.#ports.map((port) => port === PORT || port === TLS_PORT);
    if (a === b) return undefined;
    return a ? 1 : 0;
  }

  #clientByPort(): End {
    const [a, b] = this.#ports;
    return a < b ? 1 : 0;
  }

  /** TLS of anybody else is not our business. */
  #isTlsOfAmqp(): boolean {
    const isTls = this.#evidence.some(({ encrypted }) => encrypted);
    return isTls && this.#ports.some((port) => port === TLS_PORT || port === PORT);
  }
}

/** What the pieces of one direction say. */
class Evidence {
  isAmqp = false;
  encrypted = false;
  /** Who sends in this direction. */
  side: Side | undefined;
  #frames = 0;

  add({ kind, bytes }: Piece): void {
    if (kind === "protocol-header") {
      // A server may send one too, to refuse a client that speaks something else.
      if (bytes.every((octet, i) => octet === PROTOCOL_HEADER[i])) this.side ??= "client";
      this.isAmqp = true;
    } else if (kind === "encrypted") {
      this.encrypted = true;
    } else if (kind === "frame") {
      this.#frames++;
      const isBody = bytes[0] === 3;
      // One body frame may be an accident, two that follow each other are not.
      if (!isBody || this.#frames > 1) this.isAmqp = true;
      if (bytes[0] === 1 && bytes.length >= 11) this.#addMethod(bytes);
    } else {
      this.#frames = 0;
    }
  }

  #addMethod(bytes: Uint8Array): void {
    const name = methodName(readShort(bytes, 7), readShort(bytes, 9));
    if (name === undefined) return;
    const [side, second] = METHODS[name].from;
    if (second === undefined) this.side ??= side;
  }
}
