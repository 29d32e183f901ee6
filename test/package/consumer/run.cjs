const { connect } = require("amqp091");
const protocol = require("amqp091/protocol");
const { startBroker } = require("amqp091/testing");

async function main() {
  const broker = await startBroker();
  const connection = await connect(broker.url);
  const channel = await connection.openChannel();
  await channel.queueDeclare("hello");
  const publisher = await connection.openPublisher();
  await publisher.publish("", "hello", "from require", { mandatory: true });
  const delivery = await channel.basicGet("hello", { noAck: true });
  await connection.close();
  await broker.stop();
  console.log(new TextDecoder().decode(delivery.body), Object.keys(protocol).length > 0);
}

void main();
