/** What TLS is spoken with: the option `tls`, and the URI's query parameters behind it. */
import { readFile } from "node:fs/promises";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { UsageError } from "../errors.ts";
import type { UriTls } from "./uri.ts";

/** The part of the plan that is about TLS. */
export interface TlsPlan {
  /** Undefined for plain TCP. */
  readonly tls: TlsOptions | undefined;
  /**
   * Reads the files that the URI names, anew at each attempt because certificates are renewed, and
   * gives all the options. Undefined where it names none.
   */
  readonly readTlsFiles: ((signal: AbortSignal) => Promise<TlsOptions>) | undefined;
}

/** Puts together what the option and the URI say; where both say something the option wins. */
export function planTls(
  option: boolean | TlsOptions | undefined,
  isTlsUri: boolean,
  parameters: UriTls | undefined,
): TlsPlan {
  if (option === undefined && !isTlsUri && parameters !== undefined) {
    const names = Object.keys(parameters).join(", ");
    throw new UsageError(
      `the URI has ${names}, for TLS, and begins with amqp:, which is plain; write amqps:`,
    );
  }
  if (!(option ?? isTlsUri)) return { tls: undefined, readTlsFiles: undefined };
  const own = typeof option === "object" ? option : {};
  if (parameters === undefined) return { tls: own, readTlsFiles: undefined };
  const tls = { ...fromParameters(parameters), ...definedOf(own) };
  if (parameters.cacertfile === undefined && parameters.certfile === undefined) {
    return { tls, readTlsFiles: undefined };
  }
  return {
    tls,
    // A closure keeps the password of the key out of every inspection of the plan.
    readTlsFiles: async (signal) => ({ ...(await readFiles(parameters, signal)), ...tls }),
  };
}

function fromParameters({ verify, server_name_indication: name }: UriTls): TlsOptions {
  return {
    ...(verify === "verify_none" ? { rejectUnauthorized: false } : {}),
    // No name at all is an empty one to Node, which then verifies the host that it connects to.
    ...(name === undefined ? {} : { servername: name === "disable" ? "" : name }),
  };
}

async function readFiles(parameters: UriTls, signal: AbortSignal): Promise<TlsOptions> {
  const { cacertfile, certfile, keyfile, password } = parameters;
  const read = async (name: string, path: string | undefined): Promise<Buffer | undefined> => {
    try {
      return path === undefined ? undefined : await readFile(path, { signal });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const error = new UsageError(`${name} in the URI cannot be read: ${why}`, { cause });
      error.phase = "tls";
      throw error;
    }
  };
  const ca = await read("cacertfile", cacertfile);
  const cert = await read("certfile", certfile);
  const key = keyfile === undefined ? cert : await read("keyfile", keyfile);
  return definedOf({ ca, cert, key, passphrase: password });
}

/** An undefined member is an absent one, and takes nothing away from what it would win over. */
function definedOf(options: TlsOptions): TlsOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
