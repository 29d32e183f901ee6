/**
 * Whose turn it is to publish on a connection. Windows that wait for room get it in turns, a burst
 * each, so that no publisher starves another; and the deadlines of all publishes are kept here, on
 * a clock that stands still while the broker has blocked the connection.
 */
import { TimeoutError, withoutStackTrace } from "../errors.ts";
import type { ChannelMachine } from "./channel.ts";
import { Deadlines } from "./deadlines.ts";
import { PausableClock } from "./pausable-clock.ts";
import type { Publication } from "./publication.ts";
import { PublishWindow, type WindowLimits } from "./publish-window.ts";

/** What the scheduler needs of its connection. */
export interface SchedulerLink {
  readonly frameMax: number;
  /** Whether publishes may be written now. */
  readonly canPublish: boolean;
}

/** The windows of one connection. */
export class PublishScheduler {
  readonly #link: SchedulerLink;
  readonly #windows: Map<ChannelMachine, PublishWindow> = new Map();
  readonly #wantRoom: Set<PublishWindow> = new Set();
  readonly #clock = new PausableClock();
  readonly #deadlines = new Deadlines<Timed>(({ publication }) => publication.told);

  constructor(link: SchedulerLink) {
    this.#link = link;
  }

  /** Gives a channel a window, through which its publishes then go. */
  openWindow(channel: ChannelMachine, limits: WindowLimits): PublishWindow {
    const link = this.#link;
    const windowLink = {
      frameMax: link.frameMax,
      get canPublish(): boolean {
        return link.canPublish;
      },
      wantsRoom: (window: PublishWindow): void => {
        this.#wantRoom.add(window);
      },
    };
    const window = new PublishWindow(channel, windowLink, limits);
    this.#windows.set(channel, window);
    return window;
  }

  /** The channel is closed: what waits in its window will not be sent. */
  closeWindow(channel: ChannelMachine): void {
    const window = this.#windows.get(channel);
    if (window === undefined || channel.closeError === undefined) return;
    this.#windows.delete(channel);
    this.#wantRoom.delete(window);
    window.close(channel.closeError);
  }

  /** Gives a publication that was submitted to a window a deadline. */
  setDeadline(
    publication: Publication,
    window: PublishWindow,
    timeoutMs: number,
    now: number,
  ): void {
    this.#deadlines.add({ publication, window, timeoutMs }, timeoutMs, this.#clock.at(now));
  }

  /** Lets the windows that want room publish, in turns, as far as there is room. */
  pump(): void {
    for (let idle = 0; idle < this.#wantRoom.size && this.#link.canPublish; ) {
      const window = this.#wantRoom.values().next().value as PublishWindow;
      const before = window.queued;
      this.#wantRoom.delete(window);
      const wantsMore = window.pump(BURST);
      if (wantsMore) this.#wantRoom.add(window);
      if (window.queued < before) idle = 0;
      else if (wantsMore) idle++;
    }
  }

  /** The broker reads nothing any more: deadlines stand still. */
  block(now: number): void {
    this.#clock.pause(now);
  }

  /** The broker reads again. */
  unblock(now: number): void {
    this.#clock.resume(now);
  }

  /** Releases the publishes whose deadline has passed. */
  expire(now: number): void {
    for (const { publication, window, timeoutMs } of this.#deadlines.expire(this.#clock.at(now))) {
      const error = withoutStackTrace(
        () => new TimeoutError(`no confirm came within ${timeoutMs} ms`),
      );
      window.release(publication, error);
    }
  }

  /** When {@link PublishScheduler.expire} is due; undefined when no deadline runs. */
  nextTimeout(): number | undefined {
    if (this.#clock.paused) return undefined;
    const next = this.#deadlines.next();
    return next === undefined ? undefined : this.#clock.when(next);
  }
}

interface Timed {
  readonly publication: Publication;
  readonly window: PublishWindow;
  readonly timeoutMs: number;
}

/** How many publishes a window may write before it is the next one's turn. */
const BURST = 64;
