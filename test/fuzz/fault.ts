/** What the fuzzer looks for: a rule that did not hold. */
export class Fault extends Error {
  /** Which rule; making an input smaller must not change it. */
  readonly rule: string;

  constructor(rule: string, detail = "", cause?: unknown) {
    super(detail === "" ? rule : `${rule}: ${detail}`, cause === undefined ? {} : { cause });
    this.rule = rule;
  }
  override get name(): string {
    return "Fault";
  }
}

/** Raises a fault unless `holds`. The detail may be costly, so it is asked for when it is needed. */
export function check(holds: boolean, rule: string, detail?: () => string): asserts holds {
  if (!holds) throw new Fault(rule, detail?.());
}

/** What was raised, as a fault: whatever it is, nobody expected it. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const name = error instanceof Error ? error.name : typeof error;
  return new Fault(`an exception came out (${name})`, messageOf(error), error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
