/** Makes a sentence fit for a close method: reply texts hold at most 255 octets of UTF-8. */
import { encodeText, isWellFormed } from "../wire/text.ts";

/** Cuts a text to 255 octets, at a character's boundary. */
export function replyText(text: string): string {
  if (encodeText(text).length <= MAX_OCTETS && isWellFormed(text)) return text;
  let cut = "";
  let octets = 0;
  for (const character of text) {
    const shown = isWellFormed(character) ? character : "\uFFFD";
    octets += encodeText(shown).length;
    if (octets > MAX_OCTETS) break;
    cut += shown;
  }
  return cut;
}

const MAX_OCTETS = 255;
