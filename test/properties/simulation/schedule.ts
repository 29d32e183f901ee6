/**
 * What happens in one run: who the client and the broker are, then step by step what the
 * application, the broker, the network and the time do, then how it ends. Numbers that pick
 * something (`by`, `channel`, `pick`, `signal`) are taken modulo what there is.
 */
import type { MessageKind } from "./messages.ts";
import type { Misdeed } from "./misbehaviour.ts";
import type { BrokerConfig } from "./model-broker.ts";
import type { Opening } from "./transcript.ts";

/** One thing that happens. */
export type Step = (ApplicationStep | NetworkStep | BrokerStep | TimeStep) & {
  /** The next step happens before the client's output of this one is written. */
  readonly together: boolean;
};

/** What the application does. */
export type ApplicationStep =
  | {
      readonly do: "publish";
      readonly by: number;
      readonly kind: MessageKind;
      readonly count: number;
      readonly timeoutMs: number | undefined;
      readonly signal: number | undefined;
    }
  | {
      readonly do: "publish all";
      readonly by: number;
      readonly kinds: readonly MessageKind[];
      readonly source: SourceKind;
      /** The iterable throws instead of giving its nth message. */
      readonly throwsAt: number | undefined;
      readonly stopOnFailure: boolean;
      readonly timeoutMs: number | undefined;
      readonly signal: number | undefined;
    }
  /** An iterable that is fed gives what it was asked for. */
  | { readonly do: "feed"; readonly by: number }
  | { readonly do: "ready"; readonly by: number; readonly signal: number | undefined }
  | { readonly do: "abort"; readonly signal: number }
  | { readonly do: "bind"; readonly by: number; readonly missing: boolean }
  | { readonly do: "update secret" }
  | { readonly do: "wait"; readonly by: number }
  | { readonly do: "open"; readonly opening: Opening }
  | {
      readonly do: "close member";
      readonly by: number;
      readonly timeoutMs: number;
      readonly signal: number | undefined;
    }
  | { readonly do: "close connection"; readonly timeoutMs: number }
  | { readonly do: "destroy" };

/** What the network does: octets wait at each end until they are moved. */
export type NetworkStep =
  | { readonly do: "network"; readonly slow: boolean; readonly heavy: boolean }
  | { readonly do: "accept" | "read" | "deliver"; readonly octets: number }
  | { readonly do: "deliver all" }
  | { readonly do: "cut"; readonly reset: boolean };

/** What the broker does. */
export type BrokerStep =
  | { readonly do: "serve" }
  | { readonly do: "handle"; readonly channel: number; readonly most: number }
  | {
      readonly do: "confirm";
      readonly channel: number;
      readonly pick: number;
      readonly how: "ack" | "nack";
      readonly multiple: boolean;
    }
  | { readonly do: "confirm tag 0"; readonly channel: number; readonly how: "ack" | "nack" }
  | { readonly do: "flow"; readonly channel: number; readonly active: boolean }
  | { readonly do: "block" | "unblock" | "change exchange" | "change key" }
  | { readonly do: "broker closes channel"; readonly channel: number; readonly reason: number }
  | { readonly do: "broker closes connection" }
  | { readonly do: "misbehave"; readonly how: Misdeed; readonly channel: number };

/** Nothing arrives, or the broker's heartbeats do, or the program was busy meanwhile. */
export type TimeStep = { readonly do: "pass" | "live" | "late"; readonly ms: number };

/**
 * How an iterable of messages gives them: at once, in promises, or when it is fed; and whether it
 * still gives what it was asked for when it has been told to clean up.
 */
export type SourceKind = "sync" | "async" | "fed" | "stubborn";

/** How a run ends. */
export type Ending = "close" | "cut" | "destroy" | "broker closes" | "both close" | "silence";

/** One run, from its beginning to its end. */
export interface Schedule {
  readonly broker: BrokerConfig;
  readonly heartbeatSeconds: number;
  readonly openings: readonly Opening[];
  /** The stream is cut when so many octets of the broker's part of the handshake have arrived. */
  readonly handshakeCut: number | undefined;
  readonly steps: readonly Step[];
  readonly ending: Ending;
}

/** Octets of the largest body that the client accepts. */
export const MAX_BODY_BYTES = 1_000_000;
