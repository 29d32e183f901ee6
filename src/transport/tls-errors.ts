/** What a TLS session failed for, in words, and what can be done about it. */

/** The reason of an error: without OpenSSL's numbers, and of all addresses that were tried. */
export function describeCause(cause: unknown): string {
  // With several addresses Node gives an AggregateError, whose own message is empty.
  if (cause instanceof AggregateError) return cause.errors.map(describeCause).join("; ");
  if (!(cause instanceof Error)) return String(cause);
  // OpenSSL's errors have a message of one line with files and numbers in it, and this beside it.
  const { reason, code } = cause as Error & { readonly reason?: unknown; readonly code?: unknown };
  return typeof reason === "string" && isOpensslCode(code) ? reason : cause.message;
}

/** What to do about a failure that Node names with a code; undefined for one that is not known. */
export function tlsAdvice(cause: unknown): string | undefined {
  const code = codeOf(cause);
  return ADVICE.find(([pattern]) => pattern.test(code))?.[1];
}

/**
 * Whether it is the peer's refusal of a TLS session. With TLS 1.3 one that is about the client's
 * certificate comes only after the client has taken the session for open (RFC 8446, section 4.4.2.4).
 */
export function isTlsAlert(cause: unknown): boolean {
  return /^ERR_SSL_.*_ALERT_/.test(codeOf(cause));
}

/** The codes of Node and OpenSSL, and what to do; the first that fits. */
const ADVICE: readonly (readonly [code: RegExp, advice: string])[] = [
  [
    /SELF_SIGNED_CERT|^UNABLE_TO_(GET_ISSUER_CERT|VERIFY_LEAF_SIGNATURE)|^CERT_(UNTRUSTED|REJECTED)/,
    "nobody trusted here vouches for the broker's certificate; give that of its authority in the " +
      "option tls.ca, or cacertfile in the URI",
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    "connect by a name that the certificate has, or say which of them to expect in the option " +
      "tls.servername, or server_name_indication in the URI",
  ],
  [
    /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    "the broker's certificate has to be renewed, or a clock is wrong",
  ],
  [
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/,
    "the peer does not speak TLS on this port; is it one for amqp: without TLS?",
  ],
  [
    /ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|NO_CERTIFICATE)/,
    "the broker may want a client certificate, or another one: options tls.cert and tls.key, or " +
      "certfile and keyfile in the URI",
  ],
  [
    /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|ACCESS_DENIED)/,
    "the broker does not accept the client certificate; does it trust the authority that issued it?",
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/,
    "the two have no version of TLS in common; see the options tls.minVersion and tls.maxVersion",
  ],
  [
    /^ECONNRESET$/,
    "the peer hung up; does it speak TLS on this port, and take this client's certificate?",
  ],
];

function codeOf(cause: unknown): string {
  return String((cause as { readonly code?: unknown } | null | undefined)?.code);
}

function isOpensslCode(code: unknown): boolean {
  return typeof code === "string" && code.startsWith("ERR_SSL_");
}
