/**
 * Text from elsewhere (input, brokers, command lines) made fit for a terminal.
 *
 * Two things must not reach it: control characters, which could move the cursor, recolour or retitle
 * the user's terminal, and the password in a URL that was given in the wrong place.
 */

/** The text without secrets, and with control characters (but for line ends) written as escapes. */
export function printable(text: string): string {
  return text.replace(USER_INFO, "$1...@").replace(CONTROL, escapeCharacter);
}

/** Up to the last `@`: an "@" or "/" in a password is a mistake, but not a reason to show the rest. */
const USER_INFO = /\b(amqps?:\/\/)\S*@/gi;
const CONTROL = /(?!\n)\p{Cc}/gu;

function escapeCharacter(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
