/** Calling an application's own functions from inside the library. */

/**
 * Calls listeners. One that throws causes an uncaught exception, as with any emitter, but does not
 * stop what else is to be told or done.
 */
export function callListeners(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
