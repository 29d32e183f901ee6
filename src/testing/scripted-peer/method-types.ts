/** What a script calls methods and their fields; types only. */
import type { ContentMethod, Method } from "../../wire/generated/methods.ts";
import type { BasicProperties } from "../../wire/generated/properties.ts";

/** The name of a method: class and method with a dot between, as in `"basic.publish"`. */
export type MethodName = Method["name"];

/** The name of a method that content follows. */
export type ContentMethodName = ContentMethod["name"];

/** The method of that name, with its fields. */
export type MethodNamed<N extends MethodName> = Extract<Method, { readonly name: N }>;

/**
 * The fields of a method that is sent. What is left out is zero, empty or false. Long strings take
 * text too, integers a bigint; the fields that the specification reserves can be given, so that a test can see what a client does about them.
 */
export type SentFields<N extends MethodName> = {
  readonly [F in Exclude<keyof MethodNamed<N>, "name">]?: Sendable<MethodNamed<N>[F]> | undefined;
} & ReservedFields;

/** The fields that the specification reserves; without a name of their own, and mostly empty. */
export interface ReservedFields {
  readonly reserved1?: string | number | undefined;
  readonly reserved2?: boolean | undefined;
}

/** The fields that an expected method must have: a value to be equal to, or a predicate. */
export type ExpectedFields<N extends MethodName> =
  | {
      readonly [F in Exclude<keyof MethodNamed<N>, "name">]?:
        | Sendable<MethodNamed<N>[F]>
        | ((value: MethodNamed<N>[F]) => boolean)
        | undefined;
    }
  | ((method: MethodNamed<N>) => boolean);

/** The properties that expected content must have. Those that are not named may be anything. */
export type ExpectedProperties =
  | {
      readonly [P in keyof BasicProperties]?:
        | BasicProperties[P]
        | ((value: BasicProperties[P]) => boolean);
    }
  | ((properties: BasicProperties) => boolean);

/** The body that expected content must have; text is compared as UTF-8. */
export type ExpectedBody = Uint8Array | string | ((body: Uint8Array) => boolean);

type Sendable<T> = T extends Uint8Array ? T | string : T extends number ? T | bigint : T;
