/** Whether everything on the page can be seen, in light and in dark. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { notice } from "../../src/dissect/dissector.ts";
import { ViewerPage } from "../../src/viewer/viewer-page.ts";
import { dissect, methodFrame, publishFrames, type Said } from "../dissect/support.ts";
import { withBrowser } from "../support/browser.ts";
import { contrastOf, contrastsOf } from "./contrast.ts";

const nack = { name: "basic.nack", deliveryTag: 2, multiple: false, requeue: false } as const;
const close = { replyCode: 404, replyText: "NOT_FOUND", classId: 50, methodId: 10 } as const;
const response = new TextEncoder().encode("\0guest\0guest");

/** One of everything: arrows both ways, content, confirms, a nack, a mistake, a problem, no frame. */
const SAID: readonly Said[] = [
  ["client", methodFrame(0, { name: "connection.secure-ok", response }), 0],
  ["client", methodFrame(1, { name: "confirm.select", nowait: false }), 1],
  ["server", methodFrame(1, { name: "confirm.select-ok" }), 2],
  ["client", publishFrames(1, { routingKey: "first", body: "Hello, you there" }), 3],
  ["client", publishFrames(1, { routingKey: "second", body: "world" }), 4],
  ["server", methodFrame(1, { name: "basic.ack", deliveryTag: 1, multiple: false }), 5],
  ["server", methodFrame(1, nack), 6],
  ["server", methodFrame(1, { name: "channel.close", ...close }).with(8, 0x99), 7],
  ["server", methodFrame(1, { name: "channel.close", ...close }), 8],
  ["client", methodFrame(1, { name: "channel.close-ok" }), 9],
  ["client", Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0xce), 10],
  ["client", new TextEncoder().encode("neither a frame nor anything else"), 11],
];

withBrowser("the colours of the viewer", (browser) => {
  let folder: string;
  let page: Page;
  before(async () => {
    page = await browser().newPage({ viewport: { width: 1400, height: 900 } });
    folder = mkdtempSync(join(tmpdir(), "amqp091-contrast-"));
    const viewer = new ViewerPage({ title: "colours" });
    const items = [...dissect(SAID), notice("something that has to be said", 1)];
    writeFileSync(join(folder, "page.html"), viewer.begin() + viewer.add(items) + viewer.end());
  });
  after(async () => {
    await page.close();
    rmSync(folder, { recursive: true });
  });

  async function open(colorScheme: "light" | "dark"): Promise<void> {
    await page.emulateMedia({ colorScheme });
    await page.mouse.move(0, 0);
    await page.goto(`file://${join(folder, "page.html")}`);
    await page.waitForSelector(".row");
  }

  /** Fails with all that can be seen badly; gives what was looked at. */
  async function expectVisible(): Promise<string[]> {
    const all = await contrastsOf(page);
    const bad = all.filter(({ ratio, needed }) => !(ratio >= needed));
    const told = bad.map(
      ({ what, foreground, background, ratio, needed }) =>
        `${what}: ${foreground} on ${background}, ${ratio.toFixed(2)}, not ${needed}`,
    );
    expect([...new Set(told)]).to.deep.equal([]);
    return all.map(({ what }) => what);
  }

  async function select(search: string): Promise<void> {
    await page.fill("[type=search]", search);
    await page.keyboard.press("Enter");
    await page.keyboard.press("j");
    await page.fill("[type=search]", "");
    await page.locator("[role=listbox]").focus();
  }

  it("are measured as WCAG defines it", async () => {
    await open("light");
    expect(await contrastOf(page, "rgb(0, 0, 0)", "rgb(255, 255, 255)")).to.equal(21);
    expect(await contrastOf(page, "rgb(119, 119, 119)", "rgb(255, 255, 255)")).to.be.closeTo(
      4.48,
      0.005,
    );
    expect(await contrastOf(page, "color(srgb 1 1 1)", "rgb(255, 255, 255)")).to.equal(1);
  });

  for (const scheme of ["light", "dark"] as const) {
    describe(`in ${scheme}`, () => {
      beforeEach(() => open(scheme));

      it("show the toolbar, the lanes, the arrows and their labels", async () => {
        const seen = (await expectVisible()).join("\n");
        for (const what of [
          ...["h1: colours", "Search (placeholder)", "Channel (its text)", "button.theme: system"],
          ...["span.label > b: basic.publish", "span.label: exchange", "span.ends > span: client"],
          ...["arrow.client.header: (line)", "arrow.server.method: (head)", "span.good: ✓ #1 ack"],
          ...["span.bad: ✗ #2 nack", "span.bad: ✗ error", "gutter: (bar)", "a lifeline"],
          ...[
            "note > span: connection 1",
            "notice > span: connection 1: so",
            "no frame",
            "(focus)",
          ],
        ]) {
          expect(seen).to.include(what);
        }
      });

      it("show the details of a publish, its colours, and the curves to what came of it", async () => {
        await select("first basic.publish");
        const seen = (await expectVisible()).join("\n");
        for (const what of [
          "row.event",
          "(selected)",
          "span > span.c0",
          "span > span.c4",
          "path",
        ]) {
          expect(seen).to.include(what);
        }
        for (const text of ["name.c0: classId", "span.kind", "p.doc", "p.fact", "p.about"]) {
          expect(seen).to.include(text);
        }
      });

      it("show each of the six colours of octets, lit and not", async () => {
        await select("first basic.publish");
        const fields = page.locator(".fields li");
        const lit = new Set<string>();
        for (let i = 0; i < (await fields.count()); i++) {
          await fields.nth(i).hover();
          for (const what of await expectVisible()) {
            const colour = /\.(c\d|frame)\.lit.*\(lit\)$/.exec(what)?.[1];
            if (colour !== undefined) lit.add(colour);
          }
        }
        expect([...lit].sort()).to.deep.equal(["c0", "c1", "c2", "c3", "c4", "c5", "frame"]);
      });

      it("show an octet that is wrong, a secret, a refusal and what is no frame", async () => {
        const shown: string[] = [];
        for (const what of ["no method", "secure-ok", "second basic.publish", "no frame"]) {
          await select(what);
          shown.push(...(await expectVisible()));
        }
        expect(shown.join("\n")).to.include(".wrong").and.include("p.error").and.include("**");
      });

      it("show what the pointer is on, selected or not", async () => {
        await select("first basic.publish");
        for (const row of await page.locator(".row.event").all()) {
          const { x = 0, y = 0 } = (await row.boundingBox()) ?? {};
          await page.mouse.move(x + 300, y + 10);
          await expectVisible();
        }
      });

      it("show where the focus is, at each stop of the Tab key", async () => {
        await select("first basic.publish");
        const stops = new Set<string>();
        // All the way round, back to where it began.
        const isBack = (): Promise<boolean> =>
          page.evaluate("document.activeElement === document.querySelector('.timeline')");
        do {
          await page.keyboard.press("Tab");
          const focus = (await expectVisible()).find((what) => what.endsWith("(focus)"));
          if (focus !== undefined) stops.add(focus);
        } while (!(await isBack()));
        expect([...stops].join("\n"))
          .to.match(/input: \(focus\)/)
          .and.match(/select: \(focus\)/)
          .and.match(/button.*: \(focus\)/)
          .and.match(/div\.timeline: \(focus\)/)
          .and.match(/li.*: \(focus\)/);
      });

      it("show the list of the keys", async () => {
        await page.keyboard.press("?");
        const seen = (await expectVisible()).join("\n");
        expect(seen).to.include("dt > kbd").and.include("dl > dd: the next frame");
      });
    });
  }
});
