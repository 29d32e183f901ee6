/** Logins with one octet that is wrong, and the search for their password in what is shown. */
import { concat } from "../wire/octets.ts";
import { methodFrame, publishFrames, type Said } from "./support.ts";

/** What may be nowhere: any five octets of it have the same three in them. */
export const SECRET: string = "qZ7".repeat(90);

/** The same of other octets: what is text, what has to be escaped, and what is neither. */
export const SECRETS: { readonly [name: string]: Uint8Array } = {
  letters: Buffer.from(SECRET),
  quotes: Buffer.from('é"'.repeat(90)),
  octets: Buffer.from("9b07f1".repeat(90), "hex"),
};

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const startOk = (mechanism: string, response: Uint8Array): Uint8Array =>
  methodFrame(0, {
    ...({ name: "connection.start-ok", clientProperties: { product: "test" } } as const),
    ...{ mechanism, response, locale: "en_US" },
  });
const START: Said = [
  "server",
  methodFrame(0, {
    ...({ name: "connection.start", versionMajor: 0, versionMinor: 9 } as const),
    ...{ serverProperties: {}, mechanisms: text("PLAIN"), locales: text("en_US") },
  }),
];
const tuning = { channelMax: 2047, frameMax: 131_072, heartbeat: 60 };
const TUNE: Said = ["server", methodFrame(0, { name: "connection.tune", ...tuning })];
const HEADER: Said = ["client", text("AMQP\0\0\x09\x01")];
const OPENING: Said = [
  "client",
  concat(
    methodFrame(0, { name: "connection.tune-ok", ...tuning }),
    methodFrame(0, { name: "connection.open", virtualHost: "/" }),
  ),
];
const OPENED: readonly Said[] = [
  ["server", methodFrame(0, { name: "connection.open-ok" })],
  ["client", methodFrame(1, { name: "channel.open" })],
  ["client", publishFrames(1, { body: "in the open" })],
];

/** A conversation with a secret in one frame; `at` is the index of what holds it. */
export interface Login {
  readonly said: readonly Said[];
  readonly at: number;
}

/** Such conversations with a secret of 270 octets. */
export const loginsWith = (octets: Uint8Array): { readonly [name: string]: Login } => ({
  PLAIN: {
    said: [
      ...[HEADER, START, ["client", startOk("PLAIN", concat(text("\0guest\0"), octets))] as Said],
      ...[TUNE, OPENING, ...OPENED],
    ],
    at: 2,
  },
  AMQPLAIN: {
    said: [
      ...[HEADER, START],
      [
        "client",
        startOk(
          "AMQPLAIN",
          concat(text("\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\x01\x0e"), octets),
        ),
      ] as Said,
      ...[TUNE, OPENING, ...OPENED],
    ],
    at: 2,
  },
  "a challenge": {
    said: [
      ...[HEADER, START, ["client", startOk("RABBIT-CR-DEMO", text("guest"))] as Said],
      ["server", methodFrame(0, { name: "connection.secure", challenge: text("Tell me") })],
      ["client", methodFrame(0, { name: "connection.secure-ok", response: octets })],
      ...[TUNE, OPENING, ...OPENED],
    ],
    at: 4,
  },
  "update-secret": {
    said: [
      ...[HEADER, START, ["client", startOk("PLAIN", text("\0guest\0guest"))] as Said],
      ...[TUNE, OPENING, ...OPENED],
      [
        "client",
        methodFrame(0, {
          ...({ name: "connection.update-secret", newSecret: octets, reason: "because" } as const),
        }),
      ],
      ["client", publishFrames(1, { body: "and on" })],
    ],
    at: 8,
  },
});

export const LOGINS: { readonly [name: string]: Login } = loginsWith(
  SECRETS["letters"] as Uint8Array,
);

/** One octet changed, lost or sent twice. */
export interface Damage {
  readonly how: "changed" | "lost" | "twice";
  readonly place: number;
  /** What a changed one becomes. */
  readonly octet: number;
}

/** The octets with that damage. */
export function damaged(bytes: Uint8Array, { how, place, octet }: Damage): Uint8Array {
  if (how === "changed") return bytes.with(place, octet);
  const behind = how === "lost" ? place + 1 : place;
  return concat(bytes.subarray(0, place + 1 - (how === "lost" ? 1 : 0)), bytes.subarray(behind));
}

/** The conversation with the damage in all that its client says up to the secret. */
export function damagedLogin(name: string, damage: Damage, logins = LOGINS): Said[] {
  const { said, at } = logins[name] as Login;
  const [from, frame] = said[at] as Said;
  const whole = damaged(frame, damage);
  return said.map((each, i) => (i === at ? [from, whole] : each));
}

/** What holds the secret. */
export function secretFrame(name: string): Uint8Array {
  const { said, at } = LOGINS[name] as (typeof LOGINS)[string];
  return (said[at] as Said)[1];
}

/**
 * How a piece of a secret is shown: as text, escaped, in hexadecimal digits, in base64, or in decimal
 * numbers.
 */
export function leakIn(shown: string, of = "letters"): string | undefined {
  return SIGNS[of]?.find((sign) => shown.includes(sign));
}

function signsOf(secret: Uint8Array): string[] {
  const signs = [0, 1, 2].flatMap((at) => {
    const piece = Buffer.from(secret.subarray(at, at + 3));
    const four = Buffer.from(secret.subarray(at, at + 4));
    const eight = Buffer.from(secret.subarray(at, at + 8));
    const digits = piece.toString("hex");
    const latin1 = piece.toString("latin1");
    return [
      ...[latin1, JSON.stringify(latin1).slice(1, -1), escaped(latin1)],
      ...[digits, digits.toUpperCase(), digits.replaceAll(/..(?=.)/g, "$& ")],
      piece.toString("base64"),
      ...[piece.join(","), piece.join(", "), piece.join("."), piece.join(" ")],
      ...[String(four.readUInt32BE()), String(eight.readBigUInt64BE())],
      ...[".", ", ", " "].map((by) => [four.readUInt16BE(), four.readUInt16BE(2)].join(by)),
    ];
  });
  const asText = Buffer.from(secret).toString().slice(0, 2);
  const isText = !asText.includes("\ufffd");
  return isText ? [...signs, asText, JSON.stringify(asText).slice(1, -1)] : signs;
}

/** As `printable()` writes control characters. */
function escaped(latin1: string): string {
  return latin1.replaceAll(/\p{Cc}/gu, (it) => `\\x${Buffer.from(it, "latin1").toString("hex")}`);
}

const SIGNS: { readonly [name: string]: readonly string[] } = Object.fromEntries(
  Object.entries(SECRETS).map(([name, secret]) => [name, signsOf(secret)]),
);
