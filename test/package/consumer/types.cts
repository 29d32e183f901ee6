// The same from a CommonJS module: require() of an ESM package, with types.
import amqp091 = require("amqp091");
import testing = require("amqp091/testing");

export async function main(): Promise<amqp091.Connection> {
  const broker = await testing.startBroker();
  return amqp091.connect(broker.url);
}
