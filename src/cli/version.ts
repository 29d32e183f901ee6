/**
 * The version in our package.json.
 *
 * The sources run both as ES modules (dist/) and as CommonJS (the tests), so neither import.meta nor
 * __dirname says where we are. The executed file does: from there up, past the symbolic link that
 * npm makes in node_modules/.bin, the first package.json of this name is ours.
 */
import { readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

/** The version, as in `0.1.0`; `unknown` where this is part of some other program. */
export function readVersion(start: string = process.argv[1] ?? process.cwd()): string {
  for (let folder = real(start); ; folder = dirname(folder)) {
    const version = versionIn(folder);
    if (version !== undefined) return version;
    if (dirname(folder) === folder) return "unknown";
  }
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return process.cwd();
  }
}

function versionIn(folder: string): string | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return manifest.name === "amqp091" ? String(manifest.version) : undefined;
  } catch {
    return undefined;
  }
}
