/** One login: which of the credentials it goes with, and their answers to what the server asks. */
import { CredentialsError } from "../errors.ts";
import { type Credentials, chooseCredentials } from "../protocol/sasl.ts";

/** An answer for connection.start-ok or connection.secure-ok. */
export interface Answer {
  readonly mechanism: string;
  readonly response: Uint8Array;
}

/** The choice is made at the server's first word and holds for the rest of the attempt. */
export class Login {
  readonly #choice: readonly [Credentials, ...Credentials[]];
  #chosen: Credentials | undefined;

  constructor(choice: readonly [Credentials, ...Credentials[]]) {
    this.#choice = choice;
  }

  /**
   * What to answer to a challenge; undefined is connection.start.
   *
   * @throws CredentialsError where the credentials throw, or where none has a mechanism on offer.
   */
  async answer(challenge: Uint8Array | undefined, offered: readonly string[]): Promise<Answer> {
    this.#chosen ??= chooseCredentials(this.#choice, offered);
    const { mechanism } = this.#chosen;
    try {
      return { mechanism, response: await this.#chosen.respond(challenge) };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CredentialsError(`the credentials gave no response for ${mechanism}: ${why}`, {
        cause,
      });
    }
  }
}
