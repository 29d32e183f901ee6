/**
 * Counts what is allocated for octets. `process.memoryUsage()` would tell less: what was allocated
 * may be collected before one looks. Only what `new Uint8Array()` makes is counted, which is how
 * everything under test makes room for something whose size a peer has told it.
 */

/** How many octets were allocated so far, while they were counted. */
export function allocatedOctets(): number {
  return allocated;
}

/** Counts while `action` runs. */
export function countAllocations<T>(action: () => T): T {
  globalThis.Uint8Array = COUNTING;
  try {
    return action();
  } finally {
    stopCounting();
  }
}

/** Ends counting, for whoever has stopped what was to run to its end. */
export function stopCounting(): void {
  globalThis.Uint8Array = ORIGINAL;
}

let allocated = 0;

const ORIGINAL = Uint8Array;

const COUNTING: Uint8ArrayConstructor = new Proxy(ORIGINAL, {
  construct(target, args: unknown[]) {
    // Counted before it is made, because it may be too much to be made.
    const [source] = args;
    if (typeof source === "number" && source > 0) allocated += source;
    const array = Reflect.construct(target, args);
    if (typeof source !== "number" && !(source instanceof ArrayBuffer)) allocated += array.length;
    return array;
  },
});
