/**
 * The version of this client, which brokers show to their operators. It stands here as text because
 * the sources run as ES modules and as CommonJS, and neither way finds package.json from both; a
 * test compares the two.
 */
export const VERSION = "0.1.0";
