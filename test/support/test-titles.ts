/**
 * The titles of tests, as mocha knows them when it has read their files: made in a process of its
 * own, where nothing runs. `titlesOf()` is for tests; the rest of the file is that process.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Suite } from "mocha";

/** A file, and the titles of its tests with those of the suites around them, as `suite › test`. */
export type TestTitles = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Reads the titles of test files, whose paths are relative to `root`. Suites that need a RabbitMQ
 * are among them whether there is one or not.
 */
export function titlesOf(root: string, files: readonly string[]): TestTitles {
  const home = pretendRabbitmq();
  try {
    const read = "require('./test/support/test-titles.ts').printTitles(process.argv.slice(1))";
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["-r", "ts-node/register", "-e", read, "--", ...files],
      {
        ...{ cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
        env: { ...process.env, RABBITMQ_HOME: home },
      },
    );
    if (status !== 0) throw new Error(`the titles cannot be read: ${stderr}`);
    // Behind the first line may come what modules print when the process ends.
    const titles = JSON.parse(stdout.split("\n", 1)[0] ?? "") as Record<string, string[]>;
    return new Map(Object.entries(titles).map(([file, each]) => [file, new Set(each)]));
  } finally {
    rmSync(home, { recursive: true });
  }
}

/** The other process: prints the titles of files as a line of JSON. */
export async function printTitles(files: readonly string[]): Promise<void> {
  const { default: Mocha } = await import("mocha");
  const titles: Record<string, string[]> = {};
  for (const file of files) {
    const mocha = new Mocha();
    mocha.addFile(join(process.cwd(), file));
    await mocha.loadFilesAsync();
    titles[file] = testsIn(mocha.suite);
  }
  process.stdout.write(`${JSON.stringify(titles)}\n`);
}

function testsIn(suite: Suite): string[] {
  const own = suite.tests.map((test) => test.titlePath().join(" › "));
  return [...own, ...suite.suites.flatMap(testsIn)];
}

/** A folder that looks like an installation of RabbitMQ; nothing in it will be started. */
function pretendRabbitmq(): string {
  const home = mkdtempSync(join(tmpdir(), "amqp091-titles-"));
  mkdirSync(join(home, "sbin"));
  for (const tool of ["rabbitmq-server", "rabbitmqctl"]) {
    const path = join(home, "sbin", tool);
    writeFileSync(path, "");
    chmodSync(path, 0o755);
  }
  return home;
}
