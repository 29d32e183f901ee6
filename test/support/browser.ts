/** A headless Chromium for the tests of the viewer: Debian's, as `apt-get install chromium` has it. */
import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/**
 * Started for the first test that wants it, closed behind the last of all files: of a file, where mocha
 * runs files side by side, for each of them has a root suite of its own then.
 */
let shared: Promise<Browser> | undefined;

/**
 * A describe() whose tests get a browser, the same for all of them. Where there is none it is left out,
 * which a line tells; with AMQP091_INTEGRATION=required that is a failure.
 */
export function withBrowser(title: string, body: (browser: () => Browser) => void): void {
  if (!isInstalled() && process.env["AMQP091_INTEGRATION"] !== "required") {
    process.stdout.write(`left out, there is no ${CHROMIUM}: ${title}\n`);
    return;
  }
  after(closeShared); // of the root suite: outside of any describe()
  describe(title, function () {
    this.timeout(60_000);
    let browser: Browser | undefined;
    before(async () => {
      shared ??= startBrowser();
      browser = await shared;
    });
    body(() => browser as Browser);
  });
}

async function closeShared(): Promise<void> {
  const browser = await shared;
  shared = undefined;
  await browser?.close();
}

/** Starts the browser; the caller closes it. */
export function startBrowser(): Promise<Browser> {
  // Its sandbox wants more of the kernel than a container has, and all that it opens is ours.
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-lcd-text"],
  });
}

function isInstalled(): boolean {
  try {
    accessSync(CHROMIUM, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
