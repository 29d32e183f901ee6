/** Reads spec/amqp-0-9-1.json, the protocol table, for the tools of this repository. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A field of a method. */
export interface SpecField {
  readonly name: string;
  /** A named domain or an elementary type. */
  readonly domain: string;
  readonly reserved?: boolean;
  readonly doc?: string;
}

/** A method of a class. */
export interface SpecMethod {
  readonly name: string;
  readonly id: number;
  readonly from: readonly ("client" | "server")[];
  readonly synchronous: boolean;
  readonly replies?: readonly string[];
  readonly content?: boolean;
  readonly extension?: string;
  readonly doc: string;
  readonly fields: readonly SpecField[];
}

/** A property of a content class. */
export interface SpecProperty {
  readonly name: string;
  readonly type: string;
  /** Its bit in the property flags; 15 is the first. */
  readonly bit: number;
  /** The only values there are, where they can be listed. */
  readonly values?: readonly number[];
  readonly doc: string;
}

/** A class of methods. */
export interface SpecClass {
  readonly name: string;
  readonly id: number;
  readonly doc: string;
  readonly extension?: string;
  readonly properties?: readonly SpecProperty[];
  readonly methods: readonly SpecMethod[];
}

/** The whole table. */
export interface Spec {
  readonly protocol: {
    readonly name: string;
    readonly major: number;
    readonly minor: number;
    readonly revision: number;
    readonly port: number;
    readonly tlsPort: number;
    readonly doc: string;
  };
  readonly frames: {
    readonly method: number;
    readonly header: number;
    readonly body: number;
    readonly heartbeat: number;
    readonly end: number;
    readonly minSize: number;
  };
  readonly replyCodes: readonly {
    readonly code: number;
    readonly name: string;
    readonly kind: "success" | "soft" | "hard";
    readonly doc: string;
  }[];
  readonly domains: readonly {
    readonly name: string;
    readonly type: string;
    readonly doc: string;
  }[];
  readonly classes: readonly SpecClass[];
}

/** Loads the table from the repository that is the current directory. */
export function loadSpec(): Spec {
  return JSON.parse(readFileSync(join(process.cwd(), "spec", "amqp-0-9-1.json"), "utf8")) as Spec;
}

/** `delivery-tag` as `deliveryTag`. */
export function camel(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** `delivery-tag` as `DeliveryTag`. */
export function pascal(name: string): string {
  return camel(`-${name}`);
}
