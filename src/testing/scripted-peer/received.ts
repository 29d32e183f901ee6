/** What comes from the other side, in the units in which a script expects it. */
import type { Method } from "../../wire/generated/methods.ts";
import type { BasicProperties } from "../../wire/generated/properties.ts";
import type { ContentMethodName, MethodName, MethodNamed } from "./method-types.ts";

/** The method frame of a method. */
export interface ReceivedMethod<N extends MethodName = MethodName> {
  readonly kind: "method";
  readonly channel: number;
  /** Its name and its fields; those that the specification reserves are left out. */
  readonly method: MethodNamed<N>;
  /** The whole frame. */
  readonly octets: Uint8Array;
}

/** The header frame of a content. */
export interface ReceivedHeader {
  readonly kind: "header";
  readonly channel: number;
  /** How long the body is said to be, in octets. */
  readonly bodySize: number;
  readonly properties: BasicProperties;
  /** The whole frame. */
  readonly octets: Uint8Array;
}

/** A body frame: a piece of a content's body. */
export interface ReceivedBody {
  readonly kind: "body";
  readonly channel: number;
  readonly body: Uint8Array;
  /** The whole frame. */
  readonly octets: Uint8Array;
}

/** A heartbeat frame. */
export interface ReceivedHeartbeat {
  readonly kind: "heartbeat";
  readonly channel: number;
  /** The whole frame. */
  readonly octets: Uint8Array;
}

/** The eight octets that begin with `AMQP`: a client's first words, or a server's refusal. */
export interface ReceivedProtocolHeader {
  readonly kind: "protocol-header";
  readonly octets: Uint8Array;
}

/** A frame in good order with a payload that cannot be read. */
export interface ReceivedMalformed {
  readonly kind: "malformed";
  readonly channel: number;
  /** What is wrong with it. */
  readonly why: string;
  /** The whole frame. */
  readonly octets: Uint8Array;
}

/** Octets that are no frame; all that comes after them is given as octets too. */
export interface ReceivedOctets {
  readonly kind: "octets";
  /** Why they are no frame. */
  readonly why: string;
  readonly octets: Uint8Array;
}

/** The end of the stream. */
export interface ReceivedEnd {
  readonly kind: "end";
  /**
   * `end`: the other side closed its side in good order (FIN). `reset`: it, or the network, broke
   * the connection off. `hung-up`: this side did, with {@link ScriptedPeer.hangUp}.
   */
  readonly how: "end" | "reset" | "hung-up";
  /** None. */
  readonly octets: Uint8Array;
}

/** Anything that may come. */
export type Received =
  | ReceivedMethod
  | ReceivedHeader
  | ReceivedBody
  | ReceivedHeartbeat
  | ReceivedProtocolHeader
  | ReceivedMalformed
  | ReceivedOctets
  | ReceivedEnd;

/** A method with its whole content. */
export interface ReceivedContent<N extends ContentMethodName = ContentMethodName> {
  readonly channel: number;
  readonly method: MethodNamed<N>;
  readonly properties: BasicProperties;
  readonly body: Uint8Array;
}

/** Narrows to the methods that carry content: only class basic has them. */
export function carriesContent(method: Method): method is MethodNamed<ContentMethodName> {
  return (
    method.name === "basic.publish" ||
    method.name === "basic.return" ||
    method.name === "basic.deliver" ||
    method.name === "basic.get-ok"
  );
}
