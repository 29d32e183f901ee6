/**
 * Certificates for the tests of TLS, made by openssl in a temporary folder: an authority, a server's
 * for localhost, one for another name, a client's, and an authority that nobody trusts.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** A certificate and its key, as files and as what is in them (PEM). */
export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** What {@link makeCertificates} makes. */
export interface Certificates {
  /** Holds all of them; gone after `remove()`. */
  readonly directory: string;
  /** The authority that vouches for the next four. */
  readonly ca: Issued;
  /** For `localhost`, 127.0.0.1 and ::1. */
  readonly server: Issued;
  /** For `elsewhere.example.org` only. */
  readonly wrongName: Issued;
  /** A client's, with the common name {@link CLIENT_NAME}. */
  readonly client: Issued;
  /** Another client's, with a common name that no broker knows. */
  readonly stranger: Issued;
  /** Says that it is {@link CLIENT_NAME}, and only `otherCa` vouches for it. */
  readonly impostor: Issued;
  /** The client's certificate with its key encrypted under {@link KEY_PASSWORD}. */
  readonly lockedClient: Issued;
  /** For `localhost`, vouched for by itself; its time was over in 2020. */
  readonly expired: Issued;
  /** An authority that nobody trusts. */
  readonly otherCa: Issued;
  remove(): Promise<void>;
}

/** The common name of the client's certificate. */
export const CLIENT_NAME = "certified-client";

/** What the key of `lockedClient` is encrypted with. */
export const KEY_PASSWORD = "k3y-s3cret";

/** Makes them, new ones each time; the caller calls `remove()`. */
export async function makeCertificates(): Promise<Certificates> {
  const directory = await mkdtemp(join(tmpdir(), "amqp091-certificates-"));
  const [ca, otherCa] = await Promise.all([
    makeAuthority(directory, "ca"),
    makeAuthority(directory, "other-ca"),
  ]);
  const [server, wrongName, client, stranger, impostor] = await Promise.all([
    issue(directory, "server", ca, "/CN=localhost", [
      "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
      "extendedKeyUsage=serverAuth",
    ]),
    issue(directory, "wrong-name", ca, "/CN=elsewhere.example.org", [
      "subjectAltName=DNS:elsewhere.example.org",
      "extendedKeyUsage=serverAuth",
    ]),
    issue(directory, "client", ca, `/CN=${CLIENT_NAME}`, ["extendedKeyUsage=clientAuth"]),
    issue(directory, "stranger", ca, "/CN=stranger", ["extendedKeyUsage=clientAuth"]),
    issue(directory, "impostor", otherCa, `/CN=${CLIENT_NAME}`, ["extendedKeyUsage=clientAuth"]),
  ]);
  const lockedKeyFile = join(directory, "locked-client.key");
  await openssl(
    ...["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", client.keyFile, "-out", lockedKeyFile],
    ...["-passout", `pass:${KEY_PASSWORD}`],
  );
  return {
    directory,
    ca,
    otherCa,
    server,
    wrongName,
    client,
    stranger,
    impostor,
    lockedClient: await read(client.certFile, lockedKeyFile),
    expired: await makeExpired(directory),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

function makeAuthority(directory: string, name: string): Promise<Issued> {
  return makeCertificate(directory, name, `/CN=${name}`, [
    ...["-addext", "basicConstraints=critical,CA:TRUE"],
    ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
  ]);
}

function issue(
  directory: string,
  name: string,
  { certFile, keyFile }: Issued,
  subject: string,
  extensions: readonly string[],
): Promise<Issued> {
  return makeCertificate(directory, name, subject, [
    ...["-CA", certFile, "-CAkey", keyFile, "-addext", "basicConstraints=critical,CA:FALSE"],
    ...extensions.flatMap((extension) => ["-addext", extension]),
  ]);
}

async function makeCertificate(
  directory: string,
  name: string,
  subject: string,
  options: readonly string[],
): Promise<Issued> {
  const certFile = join(directory, `${name}.pem`);
  const keyFile = join(directory, `${name}.key`);
  await openssl(
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-days", "2", "-subj", subject, "-out", certFile, "-keyout", keyFile, ...options],
  );
  return read(certFile, keyFile);
}

/** By openssl's own small authority: nothing else of it dates a certificate back. */
async function makeExpired(directory: string): Promise<Issued> {
  const [certFile, keyFile] = [join(directory, "expired.pem"), join(directory, "expired.key")];
  const [request, config] = [join(directory, "expired.csr"), join(directory, "expired.cnf")];
  const [before, after] = ["20200101000000Z", "20200102000000Z"];
  const settings = `
    [ca]
    default_ca = own
    [own]
    database = ${join(directory, "expired.index")}
    new_certs_dir = ${directory}
    rand_serial = yes
    default_md = sha256
    policy = any
    x509_extensions = names
    [any]
    commonName = supplied
    [names]
    subjectAltName = DNS:localhost
  `;
  await writeFile(config, settings.replaceAll(/^ +/gm, ""));
  await writeFile(join(directory, "expired.index"), "");
  await openssl(
    ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-subj", "/CN=localhost", "-out", request, "-keyout", keyFile],
  );
  await openssl(
    ...["ca", "-batch", "-notext", "-config", config, "-selfsign", "-keyfile", keyFile],
    ...["-in", request, "-startdate", before, "-enddate", after, "-out", certFile],
  );
  return read(certFile, keyFile);
}

async function read(certFile: string, keyFile: string): Promise<Issued> {
  const [cert, key] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
  return { certFile, keyFile, cert, key };
}

async function openssl(...args: string[]): Promise<void> {
  await promisify(execFile)("openssl", args, { timeout: 30_000 });
}
