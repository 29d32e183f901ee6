/** The command as a process of its own, run from the sources. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");
const MAIN = join(ROOT, "src", "cli", "main.ts");

/** Starts `amqp091 ...args` with this AMQP_URL. */
export function spawnCommand(args: readonly string[], url: string): ChildProcessWithoutNullStreams {
  // `node main.ts` would take it for an ES module; and so argv[1] is ours to fill in.
  const script = `process.argv.splice(1, 0, ${JSON.stringify(MAIN)}); require(process.argv[1]);`;
  const child = spawn(process.execPath, ["-r", "ts-node/register", "-e", script, "--", ...args], {
    cwd: ROOT,
    env: { ...process.env, AMQP_URL: url, NO_COLOR: "1" },
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  child.stdin.on("error", () => {}); // it need not read to the end
  return child;
}

/** Ends what a test that failed has left behind. */
export function killAll(): void {
  for (const child of children) child.kill("SIGKILL");
}

const children = new Set<ChildProcessWithoutNullStreams>();

/** Everything it wrote and its exit code, once it has ended. */
export async function endOf(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const [code, signal] = await once(child, "close");
  return { code, signal, stdout, stderr };
}
