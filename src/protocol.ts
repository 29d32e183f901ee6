/**
 * The protocol by itself: the codec, which turns octets into values and back, and the machines,
 * which know what may come when. Nothing here opens a socket, reads a clock or holds a promise, so
 * it serves for learning, for tools and for other runtimes.
 */
export * from "./errors.ts";
export * from "./protocol/call-queue.ts";
export * from "./protocol/channel.ts";
export * from "./protocol/channel-states.ts";
export * from "./protocol/confirm-ledger.ts";
export * from "./protocol/connection.ts";
export * from "./protocol/connection-events.ts";
export * from "./protocol/connection-states.ts";
export * from "./protocol/content-assembler.ts";
export * from "./protocol/heartbeat.ts";
export * from "./protocol/negotiation.ts";
export * from "./protocol/publication.ts";
export * from "./protocol/publish-window.ts";
export * from "./protocol/returned-error.ts";
export * from "./protocol/sasl.ts";
export * from "./wire/content.ts";
export * from "./wire/field-table.ts";
export * from "./wire/field-value.ts";
export * from "./wire/frame.ts";
export * from "./wire/frame-decoder.ts";
export * from "./wire/generated/codec.ts";
export * from "./wire/generated/constants.ts";
export * from "./wire/generated/method-table.ts";
export type * from "./wire/generated/methods.ts";
export * from "./wire/generated/properties.ts";
export * from "./wire/output.ts";
export * from "./wire/properties.ts";
export * from "./wire/reader.ts";
export * from "./wire/tagged-properties.ts";
export * from "./wire/writer.ts";
