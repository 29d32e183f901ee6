/** Confirms that are kept back until a test lets them go. */
import type { HeldConfirms } from "./broker-faults.ts";
import { ActiveFault } from "./fault.ts";
import type { HeldConfirm } from "./points.ts";

/** The fault of `holdConfirms()`. */
export class HeldConfirmsFault extends ActiveFault implements HeldConfirms {
  #confirms: HeldConfirm[] = [];

  get held(): number {
    return this.#confirms.length;
  }

  /** Keeps one more. */
  hold(confirm: HeldConfirm): void {
    this.#confirms.push(confirm);
  }

  release(count: number = this.held): void {
    const released = this.#confirms.splice(0, count);
    for (const { confirms, tag, answer } of released) confirms.due(tag, answer);
    for (const confirms of new Set(released.map((each) => each.confirms))) confirms.wake();
  }

  override clear(): void {
    this.release();
    super.clear();
  }
}
