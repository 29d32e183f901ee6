/** Where things are in the page: every row says what it is, and nothing lies over anything else. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { ViewerPage } from "../../src/viewer/viewer-page.ts";
import { dissect, publishFrames, type Said } from "../dissect/support.ts";
import { withBrowser } from "../support/browser.ts";

const SIZES = [
  { width: 1400, height: 850 },
  { width: 1280, height: 800 },
  { width: 900, height: 700 },
];

withBrowser("the viewer's layout", (browser) => {
  let folder: string;
  let page: Page;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "amqp091-viewer-"));
    page = await browser().newPage();
  });
  after(async () => {
    await page.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    await page.setViewportSize(SIZES[0] as (typeof SIZES)[0]);
    await page.mouse.move(0, 0);
  });

  /** Publishes on channels in turn, 1 to so many, a second after the other. */
  async function open(publishes: number, channels: number, title = "test"): Promise<void> {
    const said = Array.from({ length: publishes }, (_, i): Said => {
      const octets = publishFrames((i % channels) + 1, { routingKey: `key-${i}` });
      return ["client", octets, 1_700_000_000_000 + i * 1000];
    });
    const viewer = new ViewerPage({ title });
    const file = join(folder, "page.html");
    const items = dissect(said, { midstream: true });
    writeFileSync(file, viewer.begin() + viewer.add(items) + viewer.end());
    await page.goto(`file://${file}`);
    await page.waitForSelector(".row");
    await drawn();
  }

  /** Waits until what was scrolled or resized has been drawn. */
  async function drawn(): Promise<void> {
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
  }

  /** The rows in sight whose name cannot be read: it is not between the gutter and the outcome. */
  const unreadable = (): Promise<string[]> => page.evaluate(UNREADABLE);
  const hasClass = (selector: string, name: string): Promise<boolean> =>
    page.locator(selector).evaluate((it, name) => it.classList.contains(name), name);

  for (const size of [...SIZES, { width: 480, height: 800 }, { width: 360, height: 640 }]) {
    const title = `${size.width} by ${size.height}`;

    it(`reads the name of every frame, of 30 channels too, at ${title}`, async () => {
      await page.setViewportSize(size);
      await open(60, 30);
      expect(await unreadable()).to.deep.equal([]);
      for (const key of ["j", "PageDown", "End", "Home"]) {
        await page.keyboard.press(key);
        await drawn();
        expect(await unreadable(), key).to.deep.equal([]);
      }
      for (const left of [130, 777, 2000]) {
        await page.evaluate(`document.querySelector(".timeline").scrollLeft = ${left}`);
        await drawn();
        expect(await unreadable(), `${left} px to the right`).to.deep.equal([]);
      }
    });

    if (!SIZES.includes(size)) continue;

    it(`shows ten channels at once while nothing is selected, at ${title}`, async () => {
      await page.setViewportSize({ ...size, width: Math.max(size.width, 1280) });
      await open(10, 10);
      expect(await page.locator(".chip").count()).to.equal(0);
    });

    it(`has nothing move when the number of events that are shown is longer, at ${title}`, async () => {
      await page.setViewportSize(size);
      await open(1200, 3, "tap of rabbitmq.example.com:5672 with a long name");
      const places = (): Promise<unknown> => page.evaluate(PLACES);
      const before = await places();
      await page.selectOption("[aria-label=Channel]", "2");
      expect(await page.locator(".status").textContent()).to.equal("800 of 2,400 events");
      expect(await places()).to.deep.equal(before);
    });
  }

  it("says on which side a lane is that is out of sight, and goes there", async () => {
    await open(60, 30);
    await page.keyboard.press("j");
    const last = page.locator("[data-row]", { hasText: "key-29" });
    await page.evaluate('document.querySelector(".timeline").scrollTop = 1700');
    await last.waitFor();
    expect(await last.locator(".chip").textContent()).to.equal("1 · ch 30 ▸");
    expect(await last.locator(".away").textContent()).to.match(/→.*basic\.publish.*key-29/);
    await last.locator(".chip").click();
    expect(await page.locator(".details h2").textContent()).to.equal("59 · basic.publish");
    expect(await last.locator(".chip").count()).to.equal(0);
    const arrow = await last.locator(".arrow").boundingBox();
    const outcome = await last.locator(".outcome").boundingBox();
    expect((arrow?.x ?? 0) + (arrow?.width ?? 0)).to.be.at.most((outcome?.x ?? 0) + 1);
    // By the keyboard to the first lane, from where the others are to the left and to the right.
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    expect(await page.locator("[aria-selected=true] .chip").count()).to.equal(0);
    await drawn();
    expect(await last.locator(".chip").textContent()).to.equal("1 · ch 30 ▸");
  });

  it("gives the diagram all of the width until a frame is selected, and again after", async () => {
    await open(10, 3);
    const width = async (): Promise<number> =>
      (await page.locator(".timeline").boundingBox())?.width ?? 0;
    expect(await width()).to.equal(1400);
    await page.keyboard.press("j");
    expect(await width()).to.be.below(900);
    await page.keyboard.press("Escape");
    expect(await width()).to.equal(1400);
    expect(await page.locator("[aria-selected=true]").count()).to.equal(0);
    await page.keyboard.press("End");
    await page.locator("[aria-label='Close the details']").click();
    expect(await hasClass(".details", "empty")).to.equal(true);
    expect(await page.evaluate("document.activeElement.getAttribute('role')")).to.equal("listbox");
  });

  it("keeps the number and the time of an event apart, however long they are", async () => {
    await open(5100, 2);
    await page.keyboard.press("End");
    const gutter = page.locator("[aria-selected=true] .gutter");
    expect(await gutter.textContent()).to.equal("102005099.000000");
    const [id, seconds] = await Promise.all(
      [0, 1].map((place) => gutter.locator("span").nth(place).boundingBox()),
    );
    const box = await gutter.boundingBox();
    expect((seconds?.x ?? 0) - (id?.x ?? 0) - (id?.width ?? 0)).to.be.at.least(8);
    const end = (seconds?.x ?? 0) + (seconds?.width ?? 0);
    expect((box?.x ?? 0) + (box?.width ?? 0) - end).to.be.at.least(8);
    const head = await page.locator(".lane-heads .gutter").boundingBox();
    expect(head?.width).to.equal(box?.width);
    // The lifelines begin where it ends.
    const line = await page.locator(".lifelines").boundingBox();
    expect(line?.x).to.equal((box?.x ?? 0) + (box?.width ?? 0));
  });

  it("draws the ring of the focus above the rows, all along", async () => {
    await open(30, 2);
    const edge = async (y: number): Promise<string> =>
      (await page.screenshot({ clip: { x: 0, y, width: 2, height: 1 } })).toString("base64");
    const [note, event, other] = [await edge(110), await edge(300), await edge(420)];
    expect(event).to.equal(note);
    expect(other).to.equal(note);
    await page.locator("[type=search]").focus();
    expect(await edge(300)).not.to.equal(event);
  });

  it("hides the lanes behind the outcome of notes as of events", async () => {
    await open(60, 30);
    const box = await page.locator(".row.note .outcome").first().boundingBox();
    const { x = 0, y = 0, width = 0, height = 0 } = box ?? {};
    expect({ width, height }).to.deep.equal({ width: 176, height: 34 });
    const clip = (left: number): { x: number; y: number; width: number; height: number } => ({
      ...{ x: left, y: y + 4, width: 80, height: height - 8 },
    });
    const shots = await Promise.all(
      [x + 4, x + width - 84].map((left) => page.screenshot({ clip: clip(left) })),
    );
    const empty = await page.screenshot({
      clip: { ...clip(x + 4), y: y + 34 + 4 },
    });
    for (const shot of shots) expect(shot.equals(empty)).to.equal(true);
  });

  it("says that the filter leaves out the frame whose details are shown, and finds it again", async () => {
    await open(10, 2);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const selected = page.locator("[aria-selected=true]");
    const chosen = await selected.textContent();
    const absent = page.locator(".absent");
    expect(await absent.textContent()).to.equal("");
    await page.selectOption("[aria-label=Channel]", "2");
    expect(await absent.textContent()).to.match(/^Not among the frames/);
    await page.locator(".timeline").focus();
    await page.keyboard.press("Escape");
    expect(await absent.textContent()).to.equal("");
    expect(await selected.textContent()).to.equal(chosen);
  });
});

/** Where all that is above the diagram is, but for the number itself, and where the diagram begins. */
const PLACES = `[...document.querySelectorAll(
  "h1, .toolbar input, .toolbar select, .toolbar button, main"
)].map((it) => {
  const { x, y, right } = it.getBoundingClientRect();
  return [it.tagName, x, y, right].join(" ");
})`;

const UNREADABLE = `[...document.querySelectorAll(".row.event")].flatMap((row) => {
  const box = (of, what) => of.querySelector(what).getBoundingClientRect();
  const view = document.querySelector(".timeline").getBoundingClientRect();
  const { top, bottom } = row.getBoundingClientRect();
  if (top < view.top + 48 || bottom > view.bottom) return [];
  const name = box(row.querySelector(".away") ?? row.querySelector(".arrow"), ".label b");
  const from = box(row, ".gutter").right;
  const to = box(row, ".outcome").left;
  const fits = name.width > 20 && name.left >= from && name.right <= to;
  return fits ? [] : [row.id + ": " + [from, name.left, name.right, to].join(" ")];
})`;
