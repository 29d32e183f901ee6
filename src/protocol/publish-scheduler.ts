/**
 * Whose turn it is to publish on a connection. Windows that wait for room get it in turns, a burst
 * each, so that no publisher starves another.
 */
import type { ChannelMachine } from "./channel.ts";
import type { Tuning } from "./negotiation.ts";
import { PublishWindow, type WindowLimits, type WindowLink } from "./publish-window.ts";

/** What the scheduler needs of its connection. */
export interface SchedulerLink {
  readonly tuning: Tuning;
  /** Whether publishes may be written now. */
  readonly canPublish: boolean;
}

/** The windows of one connection. */
export class PublishScheduler implements WindowLink {
  readonly #link: SchedulerLink;
  /** These two are made for the first window: a connection may stay without one for long. */
  #windows: Map<ChannelMachine, PublishWindow> | undefined;
  #wantRoom: Set<PublishWindow> | undefined;

  constructor(link: SchedulerLink) {
    this.#link = link;
  }

  get frameMax(): number {
    return this.#link.tuning.frameMax;
  }

  get canPublish(): boolean {
    return this.#link.canPublish;
  }

  wantsRoom(window: PublishWindow): void {
    this.#wantRoom ??= new Set();
    this.#wantRoom.add(window);
  }

  /** Gives a channel a window, through which its publishes then go. */
  openWindow(channel: ChannelMachine, limits: WindowLimits): PublishWindow {
    const window = new PublishWindow(channel, this, limits);
    this.#windows ??= new Map();
    this.#windows.set(channel, window);
    return window;
  }

  /** The channel is closed: what waits in its window will not be sent. */
  closeWindow(channel: ChannelMachine): void {
    const window = this.#windows?.get(channel);
    if (window === undefined || channel.closeError === undefined) return;
    this.#windows?.delete(channel);
    this.#wantRoom?.delete(window);
    window.close(channel.closeError);
  }

  /** Lets the windows that want room publish, in turns, as far as there is room. */
  pump(): void {
    const wantRoom = this.#wantRoom;
    if (wantRoom === undefined) return;
    for (let idle = 0; idle < wantRoom.size && this.#link.canPublish; ) {
      const window = wantRoom.values().next().value as PublishWindow;
      const before = window.queued;
      wantRoom.delete(window);
      const wantsMore = window.pump(BURST);
      if (wantsMore) wantRoom.add(window);
      if (window.queued < before) idle = 0;
      else if (wantsMore) idle++;
    }
  }
}

/** How many publishes a window may write before it is the next one's turn. */
const BURST = 64;
