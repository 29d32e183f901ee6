/** `connect()`: from options to an open connection, host by host, each attempt with a deadline. */
import { type AmqpError, ConnectionLostError, TimeoutError, UsageError } from "../errors.ts";
import { clarifyLoss, openSocket, whereTo } from "../transport/socket.ts";
import { describe } from "../wire/writer.ts";
import { SYSTEM_CLOCK } from "./clock.ts";
import { type Connection, openConnection } from "./connection.ts";
import { type ConnectOptions, type ConnectPlan, planConnection } from "./options.ts";
import { watchSignal } from "./signals.ts";
import { traceFromEnvironment } from "./trace-environment.ts";
import { abortError } from "./waiting.ts";

/**
 * Opens a connection to a broker.
 *
 * @param url An AMQP URI, such as `amqp://user:password@host:5672/vhost`
 *   (rabbitmq.com/docs/uri-spec).
 * @param options Win over what the URI says.
 * @throws UsageError for a URI or options that cannot be right.
 * @throws ConnectionLostError, ConnectionClosedError, ProtocolError, CredentialsError, TimeoutError or
 *   AbortError, with the `phase` that the attempt had reached. A login that was refused is a
 *   ConnectionClosedError with `replyCode` 403 and the phase `authentication`, a virtual host that
 *   was, one with 530 and the phase `open`. Of several hosts, `cause` is an `AggregateError` with the
 *   error of each, in the order in which they were tried.
 */
export function connect(url: string | URL, options?: ConnectOptions): Promise<Connection>;
export function connect(options: ConnectOptions): Promise<Connection>;
export async function connect(
  first: string | URL | ConnectOptions,
  second?: ConnectOptions,
): Promise<Connection> {
  checkTarget(first);
  traceFromEnvironment();
  const isUri = typeof first === "string" || first instanceof URL;
  const plan = isUri
    ? planConnection(String(first), second ?? {})
    : planConnection(undefined, first);
  const failures: Failure[] = [];
  for (const host of inOrder(plan, isUri ? second?.shuffle : first.shuffle)) {
    try {
      return await attempt(plan, host);
    } catch (error) {
      // A mistake in the options is one at every host.
      const isFinal =
        plan.hosts.length === 1 || plan.signal?.aborted || error instanceof UsageError;
      if (isFinal) throw error;
      failures.push({ host, error: error as AmqpError });
    }
  }
  throw noHostError(failures);
}

/** `connect(process.env.AMQP_URL)` with no such variable must not find some other broker. */
function checkTarget(target: unknown): void {
  if (typeof target === "string" || (typeof target === "object" && target !== null)) return;
  throw new UsageError(`connect() takes a URI or options, not ${describe(target)}`);
}

type PlannedHost = ConnectPlan["hosts"][number];

async function attempt(plan: ConnectPlan, host: PlannedHost): Promise<Connection> {
  const { signal, connectTimeoutMs } = plan;
  const where = `connecting to ${whereTo(host)}`;
  if (signal?.aborted) {
    const error = abortError(signal, where);
    error.phase = "resolve";
    throw error;
  }
  const bound = new AbortController();
  const forgetSignal =
    signal === undefined
      ? undefined
      : watchSignal(signal, () => bound.abort(abortError(signal, where)));
  const timer = SYSTEM_CLOCK.after(connectTimeoutMs, () =>
    bound.abort(new TimeoutError(`${where} took longer than ${connectTimeoutMs} ms`)),
  );
  try {
    const { readTlsFiles, noDelay, keepAliveMs } = plan;
    const tls = readTlsFiles === undefined ? plan.tls : await readTlsFiles(bound.signal);
    const target = { ...host, tls, noDelay, keepAliveMs };
    const transport = await openSocket(target, bound.signal);
    return await openConnection(transport, plan, SYSTEM_CLOCK, bound.signal).catch((error) => {
      throw clarifyLoss(target, error);
    });
  } catch (error) {
    throw bound.signal.aborted ? withPhase(bound.signal.reason, error) : error;
  } finally {
    timer.cancel();
    forgetSignal?.();
  }
}

/** The reason of the abort, with the phase that the attempt had reached. */
function withPhase(reason: AmqpError, error: unknown): AmqpError {
  const { phase } = error as AmqpError;
  if (phase !== undefined) {
    reason.phase = phase;
    reason.message += ` (phase ${phase})`;
  }
  return reason;
}

function inOrder(plan: ConnectPlan, shuffle: boolean | undefined): readonly PlannedHost[] {
  if (shuffle !== true) return plan.hosts;
  return plan.hosts
    .map((host) => ({ host, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ host }) => host);
}

interface Failure {
  readonly host: PlannedHost;
  readonly error: AmqpError;
}

function noHostError(failures: readonly Failure[]): ConnectionLostError {
  const lines = failures.map(
    ({ host, error }) => `  ${whereTo(host)}, phase ${error.phase}: ${error.message}`,
  );
  const error = new ConnectionLostError(
    `none of ${failures.length} hosts let us in:\n${lines.join("\n")}`,
    { cause: new AggregateError(failures.map(({ error: each }) => each)) },
  );
  const phase = failures.at(-1)?.error.phase;
  if (phase !== undefined) error.phase = phase;
  return error;
}
