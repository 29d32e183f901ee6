/** What all methods of a channel are made of: sending one, and waiting for what answers it. */
import { EventEmitter } from "node:events";
import type { Reply } from "../protocol/call-queue.ts";
import type { ChannelMachine } from "../protocol/channel.ts";
import type { ClientMethod, Method } from "../wire/generated/methods.ts";
import { callMethod, sendMethod } from "./calls.ts";
import type { ChannelEvents } from "./channel-events.ts";
import type { Driver } from "./driver.ts";
import type { WaitBounds } from "./waiting.ts";

/** What a method takes that the broker need not answer. */
export interface NowaitOptions extends WaitBounds {
  /**
   * Asks the broker for no reply: the promise resolves when the method is in the connection's
   * output. Should the broker refuse it, it closes the channel, and nothing else tells. Default
   * false.
   */
  readonly nowait?: boolean | undefined;
}

/** Calls of one channel, one at a time: a method is sent when the one before was answered. */
export abstract class ChannelCalls extends EventEmitter<ChannelEvents> {
  readonly #machine: ChannelMachine;
  readonly #driver: Driver;

  /** @internal */
  constructor(machine: ChannelMachine, driver: Driver) {
    super();
    this.#machine = machine;
    this.#driver = driver;
  }

  /** @internal A call; `late` gets the reply if a bound is hit first. */
  protected call(
    method: ClientMethod,
    bounds: WaitBounds,
    late?: (reply: Reply) => void,
  ): Promise<Reply> {
    return callMethod(this.#machine, this.#driver, method, bounds, late);
  }

  /** @internal A call with one kind of reply, which the call queue has checked. */
  protected async callFor<N extends Method["name"]>(
    _reply: N,
    method: ClientMethod,
    bounds: WaitBounds,
  ): Promise<Extract<Method, { name: N }>> {
    return (await this.call(method, bounds)).method as Extract<Method, { name: N }>;
  }

  /** @internal A call whose reply says nothing, or with `nowait` none at all. */
  protected async callOrSend(
    method: ClientMethod & { readonly nowait: boolean },
    bounds: WaitBounds,
  ): Promise<void> {
    if (method.nowait) await sendMethod(this.#machine, this.#driver, method, bounds);
    else await this.call(method, bounds);
  }

  /** @internal Sends a method that has no reply. */
  protected send(method: ClientMethod): void {
    this.#machine.send(method);
    this.#driver.driveOutput();
  }
}
