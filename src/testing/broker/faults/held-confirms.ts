/** Confirms that are kept back until a test lets them go. */
import { UsageError } from "../../../errors.ts";
import type { HeldConfirms } from "./broker-faults.ts";
import { ActiveFault } from "./fault.ts";
import type { HeldConfirm } from "./points.ts";

/** The fault of `holdConfirms()`. */
export class HeldConfirmsFault extends ActiveFault implements HeldConfirms {
  #confirms: HeldConfirm[] = [];
  /** With how many it looks for dead ones again, where nobody asks. */
  #lookAt = FIRST_LOOK;

  get held(): number {
    this.#forgetDead();
    return this.#confirms.length;
  }

  /** Keeps one more. */
  hold(confirm: HeldConfirm): void {
    if (this.#confirms.length >= this.#lookAt) {
      this.#forgetDead();
      this.#lookAt = Math.max(FIRST_LOOK, 2 * this.#confirms.length);
    }
    this.#confirms.push(confirm);
  }

  release(count: number = this.held): void {
    if (!(Number.isSafeInteger(count) && count >= 0)) {
      throw new UsageError(`count is ${count}; it must be an integer from 0 up`);
    }
    this.#forgetDead();
    const released = this.#confirms.splice(0, count);
    for (const { confirms, tag, answer } of released) confirms.due(tag, answer);
    for (const confirms of new Set(released.map((each) => each.confirms))) confirms.wake();
  }

  override clear(): void {
    this.release();
    super.clear();
  }

  /** What a channel was owed that is over: nobody waits for it, and it would count as released. */
  #forgetDead(): void {
    if (this.#confirms.some(({ confirms }) => confirms.stopped)) {
      this.#confirms = this.#confirms.filter(({ confirms }) => !confirms.stopped);
    }
  }
}

const FIRST_LOOK = 1024;
