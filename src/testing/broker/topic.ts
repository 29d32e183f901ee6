/**
 * Topic patterns (specification section 3.1.3.3): words with dots between them, where `*` stands
 * for exactly one word and `#` for any number of words, none included.
 *
 *     pattern  stock.*.nyse.#       matches  stock.usd.nyse, stock.usd.nyse.a.b
 *                                   not      stock.nyse, stock.usd.eur.nyse
 *
 * As in RabbitMQ an empty routing key has no words at all, while `a.` has two, the second empty.
 */

/** The words of a routing key or of a pattern. */
export function topicWords(text: string): readonly string[] {
  return text === "" ? NO_WORDS : text.split(".");
}

/**
 * Whether a pattern matches a key. At a mismatch only the latest `#` has to take one word more: what
 * an earlier one could take, the latest can take as well. So this is linear in practice and
 * quadratic at worst, where plain recursion would be exponential.
 */
export function topicMatches(pattern: readonly string[], key: readonly string[]): boolean {
  let p = 0;
  let k = 0;
  let retryPattern = -1;
  let retryKey = 0;
  while (k < key.length) {
    if (pattern[p] === "#") {
      retryPattern = ++p;
      retryKey = k;
    } else if (pattern[p] === "*" || pattern[p] === key[k]) {
      p++;
      k++;
    } else if (retryPattern >= 0) {
      p = retryPattern;
      k = ++retryKey;
    } else {
      return false;
    }
  }
  while (pattern[p] === "#") p++;
  return p === pattern.length;
}

const NO_WORDS: readonly string[] = [];
