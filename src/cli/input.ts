/** What a command reads: a file by its name, or standard input. */
import { close, createReadStream, fstat, open } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import type { Io } from "./io.ts";

/** Opens a file, so that a wrong name is known before anything else happens; undefined is stdin. */
export async function openInput(file: string | undefined, io: Io): Promise<Readable> {
  if (file === undefined) return io.stdin;
  const fd = await promisify(open)(file, "r");
  try {
    const stats = await promisify(fstat)(fd);
    // Of a pipe, as in `publish <(command)`: a read of it as a file cannot be given up, and would
    // keep the process from ending at Ctrl-C for as long as the writer is silent.
    if (stats.isFIFO()) return new Socket({ fd, readable: true, writable: false });
    return createReadStream(file, { fd });
  } catch (error) {
    await promisify(close)(fd);
    throw error;
  }
}
