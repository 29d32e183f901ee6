/** What this client publishes for others to read, and what each of them makes of it. */
import type { BasicProperties, FieldValue } from "../../../src/index.ts";
import { tagged } from "../../../src/index.ts";

/** A header: what we give, what amqplib gives its users, and Python's repr() of what pika gives. */
export interface FieldCase {
  readonly ours: FieldValue;
  readonly amqplib: unknown;
  readonly pika: string;
}

const text = (value: string): FieldCase => ({ ours: value, amqplib: value, pika: `'${value}'` });
/** pika shows 64 bits with an L. */
const number = (ours: FieldValue, amqplib: number, pika = `${amqplib}`): FieldCase => {
  return { ours, amqplib, pika };
};
const decimal = (scale: number, value: number, digits: number, pika: string): FieldCase => ({
  ours: tagged("D", { scale, value }),
  amqplib: { "!": "decimal", value: { places: scale, digits } },
  pika: `Decimal('${pika}')`,
});
const time = (ours: Date, pika: string): FieldCase => ({
  ours,
  amqplib: { "!": "timestamp", value: Math.floor(ours.getTime() / 1000) },
  pika: `datetime.datetime(${pika})`,
});

/**
 * Every type of the wire that both read. They are not alike: amqplib gives 64-bit integers as
 * doubles and decimals without a sign; pika 1.2 takes `b` for unsigned and `B` for signed, `l` for
 * unsigned, and cuts floats to integers. A negative decimal is one by the errata (section 3), which
 * we follow and so does pika.
 */
export const FIELDS: { readonly [name: string]: FieldCase } = {
  text: text("hello"),
  unicode: text("grüße 兎 🐇"),
  emptyText: text(""),
  longText: text("x".repeat(1000)),
  textThatIsNoUtf8: {
    ours: tagged("S", Uint8Array.of(0x61, 0xff)),
    amqplib: "a\ufffd",
    pika: "b'a\\xff'",
  },
  yes: { ours: true, amqplib: true, pika: "True" },
  no: { ours: false, amqplib: false, pika: "False" },
  nothing: { ours: null, amqplib: null, pika: "None" },
  int8: number(tagged("b", -128), -128, "128"),
  uint8: number(tagged("B", 255), 255, "-1"),
  int16: number(tagged("s", -32768), -32768),
  uint16: number(tagged("u", 65535), 65535),
  zero: number(0, 0),
  int32: number(-2147483648, -2147483648),
  uint32: number(tagged("i", 4294967295), 4294967295),
  aboveInt32: number(2147483648, 2147483648, "2147483648L"),
  safest: number(2 ** 53 - 1, 2 ** 53 - 1, "9007199254740991L"),
  leastSafe: number(1 - 2 ** 53, 1 - 2 ** 53, "18437736874454810625L"),
  notSafe: number(2n ** 53n + 1n, 2 ** 53, "9007199254740993L"),
  most: number(2n ** 63n - 1n, 2 ** 63, "9223372036854775807L"),
  least: number(-(2n ** 63n), -(2 ** 63), "9223372036854775808L"),
  double: number(Math.PI, Math.PI, "3L"),
  negativeZero: number(-0, -0, "0L"),
  float: number(tagged("f", -1.5), -1.5, "-1L"),
  decimal: decimal(2, 31415, 31415, "314.15"),
  integralDecimal: decimal(0, 5, 5, "5"),
  scaledDecimal: decimal(255, 2147483647, 2147483647, "2.147483647E-246"),
  negativeDecimal: decimal(1, -1, 4294967295, "-0.1"),
  epoch: time(new Date(0), "1970, 1, 1, 0, 0"),
  time: time(new Date("2024-02-29T12:30:45.999Z"), "2024, 2, 29, 12, 30, 45"),
  after2038: time(new Date("9999-12-31T23:59:59Z"), "9999, 12, 31, 23, 59, 59"),
  octets: {
    ours: Uint8Array.of(0, 0xff, 0xfe),
    amqplib: Buffer.from([0, 0xff, 0xfe]),
    pika: "b'\\x00\\xff\\xfe'",
  },
  noOctets: { ours: new Uint8Array(0), amqplib: Buffer.alloc(0), pika: "b''" },
  list: {
    ours: [1, "two", [true, null, Uint8Array.of(3)], { four: 4n }],
    amqplib: [1, "two", [true, null, Buffer.from([3])], { four: 4 }],
    pika: "[1, 'two', [True, None, b'\\x03'], {'four': 4L}]",
  },
  emptyList: { ours: [], amqplib: [], pika: "[]" },
  table: {
    ours: { nested: { deeper: { still: ["here", new Date(0)] } }, empty: {} },
    amqplib: {
      nested: { deeper: { still: ["here", { "!": "timestamp", value: 0 }] } },
      empty: {},
    },
    pika:
      "{'nested': {'deeper': {'still': ['here', datetime.datetime(1970, 1, 1, 0, 0)]}}, " +
      "'empty': {}}",
  },
  emptyTable: { ours: {}, amqplib: {}, pika: "{}" },
  "": text("without a name"),
  ["n".repeat(255)]: text("with a long name"),
  ключ: text("with letters from elsewhere"),
};

/** One of the readings of {@link FIELDS}. */
export function fieldsFor<R extends keyof FieldCase>(reader: R): Record<string, FieldCase[R]> {
  return Object.fromEntries(Object.entries(FIELDS).map(([name, each]) => [name, each[reader]]));
}

/** All 14. */
export const EVERY_PROPERTY: { [P in keyof BasicProperties]-?: NonNullable<BasicProperties[P]> } = {
  contentType: "text/plain",
  contentEncoding: "identity",
  headers: { answer: 42 },
  deliveryMode: 2,
  priority: 9,
  correlationId: "correlation ✓",
  replyTo: "a.reply",
  expiration: "3600000",
  messageId: "m".repeat(255),
  timestamp: new Date("2024-02-29T12:30:45Z"),
  type: "kind",
  userId: "guest",
  appId: "interoperation",
  clusterId: "cluster",
};

/** Those that may be empty or 0, and are. */
export const EMPTY_PROPERTIES: BasicProperties = {
  contentType: "",
  contentEncoding: "",
  headers: {},
  priority: 0,
  correlationId: "",
  replyTo: "",
  messageId: "",
  timestamp: new Date(0),
  type: "",
  appId: "",
  clusterId: "",
};

/** Octets in a body frame of the default frame-max, 131,072. */
const ONE_FRAME = 131_072 - 8;

/** No frame, one, exactly one, one and an octet, several; text, and what is none. */
export const BODIES: { readonly [what: string]: Uint8Array } = {
  "of no octets": new Uint8Array(0),
  "of text": Buffer.from("grüße 🐇"),
  "of all octets": Uint8Array.from({ length: 256 }, (_, i) => i),
  "of one full frame": pattern(ONE_FRAME),
  "of a frame and an octet": pattern(ONE_FRAME + 1),
  "of many frames": pattern(5 * ONE_FRAME + 77),
};

/** Octets that show when some are missing or in another's place. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8) * 17) & 0xff);
}
