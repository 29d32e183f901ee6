/** The page in a browser: what people see and do. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Page } from "playwright-core";
import type { Item } from "../../src/dissect/model.ts";
import { ViewerPage } from "../../src/viewer/viewer-page.ts";
import { run } from "../cli/test-io.ts";
import { dissect, methodFrame, publishFrames, type Said } from "../dissect/support.ts";
import { withBrowser } from "../support/browser.ts";

const PIKA = join(__dirname, "..", "dissect", "captures", "pika.pcapng");
const EVIL =
  '</script><script>document.title="taken"</script><img src=x onerror=alert(1)>\u2028\u202e';

withBrowser("the viewer", (browser) => {
  let folder: string;
  let page: Page;
  /** What the page asked for, and what went wrong in it. */
  let requests: string[];
  let faults: string[];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "amqp091-viewer-"));
    page = await browser().newPage({ viewport: { width: 1400, height: 800 } });
    page.on("request", (request) => requests.push(request.url()));
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => faults.push(message.text()));
    page.on("dialog", (dialog) => faults.push(dialog.message()));
  });
  after(async () => {
    await page.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    await page.setViewportSize({ width: 1400, height: 800 });
    await page.mouse.move(0, 0);
    requests = [];
    faults = [];
  });
  afterEach(() => {
    expect(requests).to.have.length(1);
    expect(faults).to.deep.equal([]);
  });

  async function open(html: string): Promise<void> {
    const file = join(folder, "page.html");
    writeFileSync(file, html);
    await page.goto(`file://${file}`);
    await page.waitForSelector(".row");
  }

  async function openCapture(...options: string[]): Promise<void> {
    const file = join(folder, "pika.html");
    const { code, stderr } = await run(["decode", "--html", file, ...options, PIKA]);
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: "" });
    await page.goto(`file://${file}`);
    await page.waitForSelector(".row");
  }

  const heading = (): Promise<string | null> => page.locator(".details h2").textContent();
  const status = (): Promise<string | null> => page.locator(".status").textContent();

  it("shows a publish with its return, its confirm and the latency, and explains its octets", async () => {
    await openCapture();
    expect(await status()).to.equal("48 events");
    await page.fill("[type=search]", "lost basic.publish returned");
    await page.keyboard.press("Enter");
    await page.keyboard.press("j");
    expect(await heading()).to.match(/basic\.publish$/);
    const links = await page.locator(".links").textContent();
    expect(links).to.match(/returned by \d+ · basic\.return\s*, [\d.]+ ms/);
    expect(links).to.match(/confirmed \(delivery tag 3\) by \d+ · basic\.ack\s*, [\d.]+ ms/);
    const field = page.locator(".fields li", { hasText: "routingKey" });
    expect(await field.textContent()).to.match(/"b"[\s\S]*shortstr/);
    // Its octets have its colour, and light up with it.
    await field.hover();
    expect(await page.locator(".octets .lit").first().textContent()).to.equal("01 62");
    await page.locator(".links button", { hasText: "basic.return" }).click();
    expect(await heading()).to.match(/basic\.return$/);
  });

  it("is used by keyboard alone", async () => {
    await openCapture();
    await page.keyboard.press("j");
    await page.keyboard.press("ArrowDown");
    expect(await heading()).to.equal("2 · connection.start");
    await page.keyboard.press("k");
    expect(await heading()).to.equal("1 · protocol header");
    await page.keyboard.press("End");
    expect(await heading()).to.equal("48 · connection.close-ok");
    const list = page.locator("[role=listbox]");
    const active = (await list.getAttribute("aria-activedescendant")) as string;
    expect(await page.locator(`#${active}`).getAttribute("aria-selected")).to.equal("true");
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowDown");
    expect(await page.evaluate("document.activeElement.textContent")).to.match(/^channel/);
    await page.keyboard.press("Escape");
    expect(await page.evaluate("document.activeElement.getAttribute('role')")).to.equal("listbox");
    await page.keyboard.press("/");
    await page.keyboard.type("queue.declare-ok");
    expect(await status()).to.equal("1 of 48 events");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    expect(await status()).to.equal("48 events");
    await page.keyboard.press("?");
    expect(await page.locator("dialog").textContent()).to.include("the next problem");
    await page.keyboard.press("Escape");
    await page.keyboard.press("n");
    expect(await heading()).to.match(/basic\.publish$/);
    await page.keyboard.press("l");
    expect(await heading()).to.match(/basic\.(return|ack)$/);
  });

  const active = (what: string): Promise<string> =>
    page.evaluate(`document.activeElement.${what}`) as Promise<string>;

  it("keeps the focus in the details while another frame is shown there", async () => {
    await openCapture();
    await page.fill("[type=search]", "lost basic.publish returned");
    await page.keyboard.press("Enter");
    await page.keyboard.press("j");
    const link = page.locator(".links button", { hasText: "basic.return" });
    await link.focus();
    await page.keyboard.press("Enter");
    expect(await heading()).to.match(/basic\.return$/);
    expect(await active("className")).to.equal("details");
    await page.keyboard.press("Tab");
    expect(await active("className")).to.equal("close");
  });

  it("moves within the details: from field to field, to the ends, and by scrolling", async () => {
    await page.setViewportSize({ width: 1400, height: 400 });
    await openCapture();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    for (const [key, name] of [
      ["End", "end"],
      ["k", "locales"],
      ["g", "type"],
      ["G", "end"],
      ["Home", "type"],
      ["ArrowUp", "type"],
    ] as const) {
      await page.keyboard.press(key);
      expect(await active("querySelector('.name').textContent"), key).to.equal(name);
    }
    const scrolled = page.evaluate(`new Promise((done) => {
      document.querySelector(".details").addEventListener("scroll", () => done(), { once: true });
    })`);
    await page.keyboard.press("PageDown");
    await scrolled;
    expect(await heading()).to.equal("2 · connection.start");
  });

  it("goes to what came of a frame though the filter leaves that out", async () => {
    await openCapture();
    await page.fill("[type=search]", "lost basic.publish returned");
    expect(await page.locator(".row.event").count()).to.equal(1);
    await page.locator(".outcome [data-to]").first().click();
    expect(await heading()).to.match(/basic\.return$/);
    expect(await status()).to.equal("48 events");
  });

  it("shows the frame that the address names, also when it changes", async () => {
    await openCapture();
    await page.evaluate("location.hash = '#event-7'");
    await page.locator("h2", { hasText: /^7 · / }).waitFor();
    expect(await page.locator("[aria-selected=true]").getAttribute("data-row")).not.to.equal(null);
    await page.selectOption("[aria-label=Channel]", "2");
    await page.evaluate("location.hash = '#event-8'");
    await page.locator("h2", { hasText: /^8 · / }).waitFor();
    expect(await status()).to.equal("48 events");
    await page.evaluate("location.hash = '#event-999'");
    expect(await heading()).to.match(/^8 · /);
  });

  it("says which of the events a row is, notes left out", async () => {
    await openCapture();
    const places = (): Promise<string[]> =>
      page
        .locator(".row.event")
        .evaluateAll((rows) =>
          rows.map((it) =>
            ["posinset", "setsize"].map((n) => it.getAttribute(`aria-${n}`)).join("/"),
          ),
        );
    expect((await places()).slice(0, 3)).to.deep.equal(["1/48", "2/48", "3/48"]);
    await page.keyboard.press("End");
    await page.locator("[aria-selected=true]").waitFor();
    expect((await places()).at(-1)).to.equal("48/48");
  });

  it("says of a link to an event that was left out that it is not there", async () => {
    const ack = methodFrame(1, { name: "basic.ack", deliveryTag: 1, multiple: false });
    const items = dissect([
      ["client", methodFrame(1, { name: "confirm.select", nowait: true })],
      ["client", publishFrames(1)],
      ["server", ack],
    ]);
    await open(
      rendered(items.filter((it) => it.kind !== "event" || it.method !== "basic.publish")),
    );
    await page.fill("[type=search]", "ack");
    await page.locator(".outcome [data-to]").click();
    expect(await heading()).to.match(/basic\.ack$/);
    expect(await status()).to.match(/^1 of /);
    expect(await page.locator(".links").textContent()).to.match(
      /^confirms \(delivery tag 1\) event 2, which is not in this page$/,
    );
    expect(await page.locator(".links button").count()).to.equal(0);
  });

  it("filters by connection, channel, class and kind of frame", async () => {
    await openCapture();
    await page.selectOption("[aria-label=Channel]", "2");
    const ofChannel = await status();
    expect(ofChannel).to.match(/^\d+ of 48 events$/);
    await page.selectOption("[aria-label='Class or method']", "tx.");
    expect(await status()).to.equal("4 of 48 events");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.getByRole("checkbox", { name: "content" }).uncheck();
    expect(await page.locator(".arrow.header, .arrow.body").count()).to.equal(0);
    await page.getByRole("checkbox", { name: "only problems" }).check();
    expect(await page.locator(".row.event").count()).to.be.within(2, 6);
  });

  it("is light or dark as the system has it, or as is asked for", async () => {
    await openCapture();
    const ground = (): Promise<unknown> =>
      page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await ground();
    await page.emulateMedia({ colorScheme: "light" });
    expect(await ground()).not.to.equal(dark);
    await page.keyboard.press("t");
    await page.keyboard.press("t");
    expect(await ground()).to.equal(dark);
  });

  it("takes nothing of a message for markup or script", async () => {
    const said: Said[] = [["client", publishFrames(1, { routingKey: EVIL, body: EVIL })]];
    const viewer = new ViewerPage({ title: EVIL });
    await open(viewer.begin() + viewer.add(dissect(said)) + viewer.end());
    await page.keyboard.press("j");
    expect(await page.locator("img").count()).to.equal(0);
    expect(await page.title()).to.include("</script>");
    expect(await page.locator(".fields li", { hasText: "routingKey" }).textContent()).to.include(
      "<img src=x onerror=alert(1)>\\u{2028}\\u{202e}",
    );
  });

  /** Of the selected frame: its octets as they are shown, and where those of a field are. */
  const cells = (which: string): Promise<string[]> =>
    page.locator(`.octets > span:nth-child(3n + 2) ${which}`).allTextContents();

  async function selectStartOk(): Promise<void> {
    await page.fill("[type=search]", "start-ok");
    await page.keyboard.press("Enter");
    await page.keyboard.press("j");
    expect(await heading()).to.match(/connection\.start-ok$/);
  }

  /** Everything that a page carries: its texts, and the octets that are in it in base64. */
  function carriedBy(file: string): string {
    const html = readFileSync(file, "utf8");
    const octets = [...html.matchAll(/"bytes":"([^"]*)"/g)].map(([, digits]) =>
      Buffer.from(digits as string, "base64").toString("latin1"),
    );
    return html + octets.join("\n");
  }

  it("masks secrets, and what says how long they are, unless they are asked for", async () => {
    await openCapture();
    await selectStartOk();
    const field = page.locator(".fields li", { hasText: /^response/ });
    expect(await field.locator(".value").textContent()).to.equal("(hidden)");
    expect(await field.locator(".kind").textContent()).to.match(/, secret$/);
    const place = await field.getAttribute("data-field");
    const shown = (await cells(`[data-field="${place}"]`)).join(" ").split(" ");
    expect(shown).to.have.length(16); // four for how long it is: the frame keeps its octets
    expect(new Set(shown)).to.deep.equal(new Set(["**"]));
    const carried = carriedBy(join(folder, "pika.html"));
    for (const secret of ["guest\0guest", "guest\\u0000", "\0\0\0\x0c*"]) {
      expect(carried.includes(secret), secret).to.equal(false);
    }
    // What is around it is where it was.
    const all = (await cells("[data-field]")).join(" ").split(" ");
    const [size, locale] = [all.slice(3, 7).join(""), all.slice(-7, -1).join(" ")];
    expect(Number.parseInt(size, 16)).to.equal(all.length - 8);
    expect(locale).to.equal("05 65 6e 5f 55 53");

    requests = [];
    await openCapture("--show-secrets");
    await selectStartOk();
    expect(await field.locator(".value").textContent()).to.equal('"\\u0000guest\\u0000guest"');
    expect((await cells(`[data-field="${place}"]`)).join(" ")).to.equal(
      "00 00 00 0c 00 67 75 65 73 74 00 67 75 65 73 74",
    );
    expect(carriedBy(join(folder, "pika.html"))).to.include("\0guest\0guest");
  });

  const mistakes: [title: string, at: number, octet: number, field: string, digits: string][] = [
    ["at the end", 20, 0xcd, "end", "cd"],
    ["of the method's number", 9, 0x77, "methodId", "77"],
    ["of the channel, on a line of its own", 2, 0x00, "channel", "00"],
  ];
  for (const [title, at, octet, field, digits] of mistakes) {
    it(`marks the octet that is wrong: ${title}`, async () => {
      const bad = methodFrame(1, { name: "basic.ack", deliveryTag: 1, multiple: false });
      bad[at] = octet;
      await open(rendered(dissect([["server", bad]])));
      await page.keyboard.press("n");
      const error = (await page.locator(".details .error").textContent()) as string;
      const marked = Number(/^At octet (\d+): /.exec(error)?.[1]);
      expect(marked, error).to.be.within(at - 1, at);
      const wrong = page.locator(".octets .wrong");
      // Once in hexadecimal, once as text; nothing else.
      expect(await wrong.count()).to.equal(2);
      const hex = (await cells("[data-field]")).join(" ").split(" ");
      expect(hex).to.deep.equal([...Buffer.from(bad).toString("hex").matchAll(/../g)].map(String));
      expect(await wrong.first().textContent()).to.equal(hex[marked]);
      if (marked === at) expect(hex[marked]).to.equal(digits);
      expect(await wrong.first().getAttribute("title")).to.equal(`${field}: this octet is wrong`);
      // It is the one at that place: so many octets stand before it.
      const before = await page.evaluate(`(() => {
        const all = [...document.querySelectorAll(".octets > span:nth-child(3n + 2) > span")];
        const place = all.findIndex((it) => it.classList.contains("wrong"));
        return all.slice(0, place).flatMap((it) => it.textContent.split(" ")).length;
      })()`);
      expect(before).to.equal(marked);
    });
  }

  it("opens what broke off, and says so", async () => {
    const viewer = new ViewerPage({ title: "cut" });
    const items = dissect([["client", publishFrames(1, {})]]);
    await open(
      viewer.begin() + viewer.add(items.slice(0, 3)) + viewer.add(items.slice(3)).slice(0, -40),
    );
    expect(await page.locator(".notice").textContent()).to.match(/cut off or damaged/);
    expect(await page.locator(".row.event").count()).to.equal(2);
  });

  it("holds 10,000 frames, of which only those within sight are in the document", async () => {
    await open(rendered(dissect(manyPublishes(5000))));
    expect(await status()).to.equal("10,000 events");
    expect(await page.locator(".row").count()).to.be.below(80);
    await page.keyboard.press("End");
    expect(await heading()).to.match(/^10000 · header/);
    await page.evaluate("document.querySelector('.timeline').scrollTop = 170000");
    await page.locator("#row-5002").waitFor();
    expect(await page.locator(".row").count()).to.be.below(80);
  });
});

function manyPublishes(count: number): Said[] {
  return Array.from({ length: count }, (_, i): Said => {
    return ["client", publishFrames((i % 4) + 1, { routingKey: `key-${i}` }), i];
  });
}

function rendered(items: readonly Item[]): string {
  const viewer = new ViewerPage({ title: "test" });
  return viewer.begin() + viewer.add(items) + viewer.end();
}
