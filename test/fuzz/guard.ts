/**
 * Ends what does not end by itself. JavaScript cannot interrupt a loop from within, but the virtual
 * machine can: a script that takes too long is stopped wherever it is, in whatever it has called.
 */
import { createContext, Script } from "node:vm";
import { stopCounting } from "./allocations.ts";
import { Fault } from "./fault.ts";

/** Runs `action`; a fault if it has not come back after so many milliseconds. */
export function guarded<T>(timeoutMs: number, action: () => T): T {
  let result: { readonly value: T } | undefined;
  CONTEXT["action"] = () => {
    result = { value: action() };
  };
  const { stackTraceLimit } = Error;
  try {
    CALL.runInContext(CONTEXT, { timeout: timeoutMs });
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    // What was stopped has not even run its `finally`.
    Error.stackTraceLimit = stackTraceLimit;
    throw new Fault("it hangs", `no end after ${timeoutMs} ms`);
  } finally {
    CONTEXT["action"] = undefined;
    stopCounting();
  }
  return (result as { readonly value: T }).value;
}

const CONTEXT = createContext({ action: undefined });
const CALL = new Script("action()");
