/** The eight octets with which a client begins (specification section 4.2.2). */
import { PROTOCOL_HEADER } from "../../../wire/generated/constants.ts";

/** Takes the protocol header off the beginning of the stream. */
export class Greeting {
  readonly #octets: number[] = [];

  /** Whether all of it is there. */
  get complete(): boolean {
    return this.#octets.length === PROTOCOL_HEADER.length;
  }

  /** Whether it is AMQP 0-9-1's, and not another protocol's or another version's. */
  get correct(): boolean {
    return this.#octets.every((octet, i) => octet === PROTOCOL_HEADER[i]);
  }

  /** Takes what belongs to the header; what is left over is returned. */
  receive(piece: Uint8Array): Uint8Array {
    const wanted = PROTOCOL_HEADER.length - this.#octets.length;
    this.#octets.push(...piece.subarray(0, wanted));
    return piece.subarray(wanted);
  }
}
