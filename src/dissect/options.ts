/** What whoever takes conversations apart can choose. */
import type { Side } from "./model.ts";

/** How to take conversations apart. */
export interface DissectOptions {
  /** Shows passwords; default false, which replaces them by `*`. */
  readonly showSecrets?: boolean | undefined;
  /** Puts the specification's explanations into the fields; default false. */
  readonly explain?: boolean | undefined;
  /** How much of each message's body is kept, in octets; default 65,536. */
  readonly maxBody?: number | undefined;
  /** The largest frame that is believed, in octets; default 16 MiB. */
  readonly maxFrameSize?: number | undefined;
}

/** What is known of a connection when it is opened. */
export interface OpenOptions {
  /** Address and port. */
  readonly client?: string | undefined;
  readonly server?: string | undefined;
  /** Whether the first octets may be anywhere in a frame; default false. */
  readonly midstream?: boolean | undefined;
  /**
   * Both directions come as one, as in what people paste: each frame is given to the side that may
   * send it. All is then pushed as the client's. Default false.
   */
  readonly mixed?: boolean | undefined;
  /** Who sends what either may send, in a mixed stream, until a frame tells; default client. */
  readonly first?: Side | undefined;
  readonly time?: number | undefined;
}
