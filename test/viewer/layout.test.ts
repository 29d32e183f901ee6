/** What is above the diagram, at the widths that screens and halves of screens have. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Page } from "playwright-core";
import type { Item } from "../../src/dissect/model.ts";
import { ViewerPage } from "../../src/viewer/viewer-page.ts";
import { dissect, publishFrames, type Said } from "../dissect/support.ts";
import { withBrowser } from "../support/browser.ts";

interface Box {
  readonly name: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** Whether not all of its text is there. */
  readonly isCut: boolean;
}

/** The controls of the toolbar, from the first to the last. */
const BOXES = `[...document.querySelectorAll(
  ".toolbar h1, .toolbar input[type=search], .toolbar select, .toolbar label, .toolbar output, .toolbar button"
)].map((it) => {
  const { left, right, top, bottom } = it.getBoundingClientRect();
  return { name: it.tagName, left, right, top, bottom, isCut: it.scrollWidth > it.clientWidth };
})`;

withBrowser("the toolbar of the viewer", (browser) => {
  let folder: string;
  let page: Page;
  let items: readonly Item[];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "amqp091-layout-"));
    // So many events that what it says of them is long.
    const said = Array.from({ length: 5000 }, (): Said => ["client", publishFrames(1), 0]);
    items = dissect(said);
    page = await browser().newPage();
  });
  after(async () => {
    await page.close();
    rmSync(folder, { recursive: true });
  });

  /** Opens the page with a title, at a width. */
  async function open(width: number, title: string): Promise<readonly Box[]> {
    const viewer = new ViewerPage({ title });
    const file = join(folder, "page.html");
    writeFileSync(file, viewer.begin() + viewer.add(items) + viewer.end());
    await page.setViewportSize({ width, height: 700 });
    await page.goto(`file://${file}`);
    await page.waitForSelector(".row");
    await page.getByRole("checkbox", { name: "content" }).uncheck();
    return measure(width);
  }

  /** Gives the page, which is open, another width. */
  async function resize(width: number): Promise<readonly Box[]> {
    await page.setViewportSize({ width, height: 700 });
    expect(await page.evaluate("innerWidth")).to.equal(width);
    return measure(width);
  }

  /** The controls, none of them over another, cut, or out of the screen. */
  async function measure(width: number): Promise<readonly Box[]> {
    expect(await page.locator(".status").textContent()).to.equal("5,000 of 10,000 events");
    const boxes = (await page.evaluate(BOXES)) as Box[];
    expect(boxes).to.have.length(11);
    for (const box of boxes) {
      const others = boxes.filter((it) => it !== box);
      expect(others.filter((it) => overlaps(it, box))).to.deep.equal([]);
      expect(box.left).to.be.at.least(0);
      expect(box.right, box.name).to.be.at.most(width);
      if (box.name !== "H1") expect(box.isCut, box.name).to.equal(false);
    }
    return boxes;
  }

  for (const title of ["orders.pcapng", "tap of rabbitmq.example.com:5672 with a long name"]) {
    it(`is one line at 1260 pixels and more, called ${title}`, async () => {
      expect(linesOf(await open(1260, title))).to.have.length(1);
      for (const width of [1280, 1920]) {
        expect(linesOf(await resize(width)), `${width}`).to.have.length(1);
      }
    });
  }

  it("is two lines at 800 pixels, each with what belongs together", async () => {
    const lines = linesOf(await open(800, "orders.pcapng"));
    expect(lines.map((line) => line.map(({ name }) => name).join(" "))).to.deep.equal([
      "H1 INPUT SELECT SELECT SELECT",
      "LABEL LABEL LABEL OUTPUT BUTTON BUTTON",
    ]);
  });

  it("is never wider than the screen, and never splits what belongs together but where it must", async () => {
    await open(360, "tap of rabbitmq.example.com:5672, long");
    for (const width of [360, 480, 640, 1000, 1259]) {
      const lines = linesOf(await resize(width));
      expect(lines.length, `${width}`).to.be.at.most(width < 500 ? 6 : width < 700 ? 3 : 2);
    }
    await open(800, "");
  });
});

function overlaps(one: Box, other: Box): boolean {
  return (
    one.left < other.right &&
    other.left < one.right &&
    one.top < other.bottom &&
    other.top < one.bottom
  );
}

/** Those whose middles are about as high are in one line. */
function linesOf(boxes: readonly Box[]): Box[][] {
  const lines: Box[][] = [];
  for (const box of boxes) {
    const before = lines.at(-1)?.at(-1);
    const middle = (it: Box): number => (it.top + it.bottom) / 2;
    if (before !== undefined && Math.abs(middle(before) - middle(box)) < 8) lines.at(-1)?.push(box);
    else lines.push([box]);
  }
  return lines;
}
