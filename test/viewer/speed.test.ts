/**
 * How fast a page of 10,000 frames is: opening, scrolling, filtering, searching. The bounds are far
 * above what an idle machine needs; they are there for what takes a time that grows with the page.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { ViewerPage } from "../../src/viewer/viewer-page.ts";
import { dissect, methodFrame, publishFrames, type Said } from "../dissect/support.ts";
import { withBrowser } from "../support/browser.ts";

/** In milliseconds. */
const OPEN = 10_000;
const FRAME = 1000;
const KEY = 2000;

/** Runs before the page: when the first arrow is there and has been painted, and all long tasks. */
const WATCH = `(() => {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration);
  }).observe({ type: "longtask", buffered: true });
  window.painted = () => new Promise((resolve) =>
    requestAnimationFrame(() => setTimeout(resolve, 0)));
  window.firstArrow = new Promise((resolve) => {
    new MutationObserver(async (_, observer) => {
      if (document.querySelector(".arrow") === null) return;
      observer.disconnect();
      await window.painted();
      resolve(performance.now());
    }).observe(document, { childList: true, subtree: true });
  });
})()`;

/** Scrolls from the top to the bottom, so far a frame: the longest frame, and how many there were. */
const SCROLL = `(async () => {
  const view = document.querySelector(".timeline");
  const step = view.scrollHeight / 150;
  let longest = 0, frames = 0, blank = 0;
  let before = performance.now();
  window.longTasks.length = 0;
  for (let at = 0; at < view.scrollHeight; at += step) {
    view.scrollTop = at;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    longest = Math.max(longest, now - before);
    before = now;
    frames++;
    // When that frame has been painted, what is within sight is there.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const { left, top, height } = view.getBoundingClientRect();
    if (document.elementFromPoint(left + 300, top + height / 2)?.closest(".row") == null) blank++;
    before = performance.now();
  }
  return { longest, frames, blank, longTask: Math.max(0, ...window.longTasks) };
})()`;

/** Types a text letter by letter: the longest time from the keystroke to the paint. */
const typing = (text: string): string => `(async () => {
  const search = document.querySelector("[type=search]");
  const times = [];
  for (let end = 1; end <= ${text.length}; end++) {
    const start = performance.now();
    search.value = ${JSON.stringify(text)}.slice(0, end);
    search.dispatchEvent(new Event("input", { bubbles: true }));
    await window.painted();
    times.push(performance.now() - start);
  }
  return { first: times[0], longest: Math.max(...times.slice(1)) };
})()`;

/** Sets a control: the time to the paint. */
const setting = (selector: string, change: string): string => `(async () => {
  const control = document.querySelector(${JSON.stringify(selector)});
  const start = performance.now();
  control.${change};
  control.dispatchEvent(new Event("input", { bubbles: true }));
  await window.painted();
  return performance.now() - start;
})()`;

/** Presses a key: the time to the paint. */
const pressing = (key: string): string => `(async () => {
  const start = performance.now();
  document.querySelector(".timeline").dispatchEvent(
    new KeyboardEvent("keydown", { key: ${JSON.stringify(key)}, bubbles: true, cancelable: true }));
  await window.painted();
  return performance.now() - start;
})()`;

withBrowser("a page of 10,000 frames", (browser) => {
  let folder: string;
  let page: Page;
  const measured: Record<string, number> = {};

  const measure = async (name: string, script: string): Promise<number> => {
    measured[name] = await page.evaluate<number>(script);
    return measured[name];
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "amqp091-speed-"));
    const viewer = new ViewerPage({ title: "many" });
    const items = dissect(conversation());
    expect(items.filter(({ kind }) => kind === "event")).to.have.length(10_000);
    writeFileSync(join(folder, "page.html"), viewer.begin() + viewer.add(items) + viewer.end());
    page = await browser().newPage({ viewport: { width: 1280, height: 800 } });
    await page.addInitScript(WATCH);
    await page.goto(`file://${join(folder, "page.html")}`);
  });
  after(async () => {
    await page.close();
    rmSync(folder, { recursive: true });
    if (process.env["AMQP091_SPEED"] !== undefined) console.log(measured);
  });

  it("shows its first arrow soon", async () => {
    expect(await measure("first arrow", "window.firstArrow")).to.be.below(OPEN);
  });

  it("scrolls from end to end without a frame that takes long, and is never blank", async () => {
    const { longest, frames, blank, longTask } = await page.evaluate<{
      longest: number;
      frames: number;
      blank: number;
      longTask: number;
    }>(SCROLL);
    Object.assign(measured, { "scroll: longest frame": longest, "scroll: longest task": longTask });
    expect(frames).to.be.at.least(150);
    expect(blank).to.equal(0);
    expect(longest).to.be.below(FRAME);
    expect(longTask).to.be.below(FRAME);
  });

  it("finds what is typed, letter by letter", async () => {
    const { first, longest } = await page.evaluate<{ first: number; longest: number }>(
      typing("key-2321 basic.publish"),
    );
    Object.assign(measured, { "search: first letter": first, "search: longest other": longest });
    expect(await page.locator(".status").textContent()).to.equal("1 of 10,000 events");
    expect(first).to.be.below(KEY);
    expect(longest).to.be.below(KEY);
    expect(await measure("search: cleared", setting("[type=search]", "value = ''"))).below(KEY);
  });

  it("filters at once", async () => {
    const filters: [name: string, selector: string, change: string, back: string][] = [
      ["content", "[type=checkbox]", "checked = false", "checked = true"],
      ["channel", "[aria-label=Channel]", "value = '3'", "value = ''"],
      ["method", "[aria-label='Class or method']", "value = 'basic.'", "value = ''"],
      ["problems", "label:nth-child(3) input", "checked = true", "checked = false"],
    ];
    for (const [name, selector, change, back] of filters) {
      expect(await measure(`filter: ${name}`, setting(selector, change)), name).to.be.below(KEY);
      expect(await page.locator(".status").textContent()).to.match(/ of 10,000 events$/);
      expect(await measure(`filter: ${name}, back`, setting(selector, back))).to.be.below(KEY);
    }
  });

  it("goes from frame to frame, to the end, to the next problem, and to one with hundreds of links", async () => {
    for (const key of [
      "j",
      "End",
      "Home",
      "n",
      "n",
      "l",
      "PageDown",
      "g",
      "j",
      "j",
      "j",
      "j",
      "l",
    ]) {
      expect(await measure(`key ${key}`, pressing(key)), key).to.be.below(KEY);
    }
    // The ack of all that channel 1 published.
    expect(await page.locator(".details h2").textContent()).to.match(/basic\.ack$/);
    expect(await page.locator(".links").textContent()).to.match(/and \d\d\d more/);
  });
});

/**
 * 10,000 frames on four channels: publishes with their content, and their confirms, of which every
 * tenth is a nack; those of channel 1 are all confirmed by the last frame but the heartbeats.
 */
function conversation(): Said[] {
  const said: Said[] = [1, 2, 3, 4].map((channel) => {
    return ["client", methodFrame(channel, { name: "confirm.select", nowait: true }), 0];
  });
  const tags = new Map<number, number>();
  const confirm = (channel: number, isAck: boolean, time: number): Said => {
    const settled = { deliveryTag: tags.get(channel) as number, multiple: true };
    return isAck
      ? ["server", methodFrame(channel, { name: "basic.ack", ...settled }), time]
      : ["server", methodFrame(channel, { name: "basic.nack", requeue: false, ...settled }), time];
  };
  let frames = said.length;
  for (let i = 0; frames < 9990; i++) {
    const channel = (i % 4) + 1;
    const body = `{"order":${i},"note":"${"x".repeat(80)}"}`;
    const properties = { headers: { attempt: i, source: "speed" }, deliveryMode: 2 } as const;
    said.push(["client", publishFrames(channel, { routingKey: `key-${i}`, body, properties }), i]);
    tags.set(channel, (tags.get(channel) ?? 0) + 1);
    frames += 3;
    if (channel === 1 || i % 3 > 0) continue;
    said.push(confirm(channel, i % 10 > 0, i + 0.5));
    frames++;
  }
  said.push(confirm(1, true, 5000));
  const heartbeat = Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0xce);
  for (frames++; frames < 10_000; frames++) said.push(["server", heartbeat, 6000]);
  return said;
}
