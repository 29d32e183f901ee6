/**
 * Whether octets look like the beginning of a frame: how the dissector finds its way back after
 * something that was none, and where a capture begins in the middle of a connection.
 *
 * Each check looks at a fixed number of octets, so that a search takes time in proportion to what
 * it searches, whatever is there.
 */
import { FRAME_HEADER_SIZE, FRAME_OVERHEAD } from "../wire/frame.ts";
import { BASIC_CLASS_ID, FRAME_END, FRAME_TYPE } from "../wire/generated/constants.ts";
import { METHODS, type MethodDescription, methodName } from "../wire/generated/method-table.ts";
import { PROPERTY_FLAG } from "../wire/generated/properties.ts";

/** How many octets {@link looksLikeFrame} may want to see: those of a content header's flags. */
export const LOOK_AHEAD: number = FRAME_HEADER_SIZE + 14;

/**
 * `yes` and `no`, or how many octets from `start` on it takes to tell. The end of the frame is not
 * looked at.
 */
export function looksLikeFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxFrameSize: number,
): "yes" | "no" | number {
  const available = end - start;
  if (available < 1) return 1;
  const type = bytes[start] as number;
  if (!isFrameType(type)) return "no";
  if (available < FRAME_HEADER_SIZE) return FRAME_HEADER_SIZE;
  const channel = readShort(bytes, start + 1);
  const size = frameSize(bytes, start) - FRAME_OVERHEAD;
  if (size + FRAME_OVERHEAD > maxFrameSize) return "no";
  switch (type) {
    case FRAME_TYPE.heartbeat:
      return channel === 0 && size === 0 ? "yes" : "no";
    case FRAME_TYPE.body:
      return channel > 0 && size > 0 ? "yes" : "no";
    case FRAME_TYPE.method:
      if (size < 4) return "no";
      if (available < FRAME_HEADER_SIZE + 4) return FRAME_HEADER_SIZE + 4;
      return looksLikeMethod(bytes, start + FRAME_HEADER_SIZE, channel, size) ? "yes" : "no";
    default:
      if (channel === 0 || size < 14) return "no";
      if (available < LOOK_AHEAD) return LOOK_AHEAD;
      return looksLikeHeader(bytes, start + FRAME_HEADER_SIZE) ? "yes" : "no";
  }
}

/** The same for a whole frame, its end included. */
export function looksLikeWholeFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxFrameSize: number,
): "yes" | "no" | number {
  const look = looksLikeFrame(bytes, start, end, maxFrameSize);
  if (look !== "yes") return look;
  const size = frameSize(bytes, start);
  if (end - start < size) return size;
  return bytes[start + size - 1] === FRAME_END ? "yes" : "no";
}

/** Whether this is the first octet of a frame. */
export function isFrameType(octet: number): boolean {
  return FRAME_TYPES.has(octet);
}

/** The size of the frame whose header begins at `start`, with its header and its end. */
export function frameSize(bytes: Uint8Array, start: number): number {
  return readShort(bytes, start + 3) * 0x10000 + readShort(bytes, start + 5) + FRAME_OVERHEAD;
}

/** An unsigned integer of 16 bits. */
export function readShort(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function looksLikeMethod(bytes: Uint8Array, at: number, channel: number, size: number): boolean {
  const name = methodName(readShort(bytes, at), readShort(bytes, at + 2));
  if (name === undefined) return false;
  const method = METHODS[name];
  const [least, most] = SIZES.get(method) as readonly [number, number];
  return (method.classId === CONNECTION) === (channel === 0) && size >= least && size <= most;
}

function looksLikeHeader(bytes: Uint8Array, at: number): boolean {
  const weight = readShort(bytes, at + 2);
  const bodySizeBeyond2To53 = readShort(bytes, at + 4) > 0x1f;
  const flags = readShort(bytes, at + 12);
  return (
    readShort(bytes, at) === BASIC_CLASS_ID &&
    weight === 0 &&
    !bodySizeBeyond2To53 &&
    (flags & ~KNOWN_FLAGS) === 0
  );
}

const FRAME_TYPES: ReadonlySet<number> = new Set(Object.values(FRAME_TYPE));
const CONNECTION: number = METHODS["connection.start"].classId;
const KNOWN_FLAGS: number = Object.values(PROPERTY_FLAG).reduce((all, flag) => all | flag, 0);

/** The least and the most octets that each type takes. */
const TYPE_SIZES: { readonly [type: string]: readonly [number, number] } = {
  octet: [1, 1],
  short: [2, 2],
  long: [4, 4],
  longlong: [8, 8],
  timestamp: [8, 8],
  shortstr: [1, 256],
  longstr: [4, Number.POSITIVE_INFINITY],
  table: [4, Number.POSITIVE_INFINITY],
};

const SIZES: ReadonlyMap<MethodDescription, readonly [number, number]> = new Map(
  Object.values(METHODS).map((method) => [method, sizeOf(method)]),
);

function sizeOf({ fields }: MethodDescription): readonly [number, number] {
  let least = 4;
  let most = 4;
  let bits = 0;
  for (const { type } of fields) {
    bits = type === "bit" ? bits + 1 : 0;
    // A bit begins an octet, or is in one already.
    const [low, high] = type === "bit" ? bitSize(bits) : (TYPE_SIZES[type] as [number, number]);
    least += low;
    most += high;
  }
  return [least, most];
}

function bitSize(bits: number): readonly [number, number] {
  return bits % 8 === 1 ? [1, 1] : [0, 0];
}
