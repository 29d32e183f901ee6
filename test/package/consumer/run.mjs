import { connect } from "amqp091";
import * as protocol from "amqp091/protocol";
import { startBroker } from "amqp091/testing";

const broker = await startBroker();
const connection = await connect(broker.url);
const channel = await connection.openChannel();
await channel.queueDeclare("hello");
const publisher = await connection.openPublisher();
await publisher.publish("", "hello", "from ESM", { mandatory: true });
const delivery = await channel.basicGet("hello", { noAck: true });
await connection.close();
await broker.stop();
console.log(new TextDecoder().decode(delivery.body), Object.keys(protocol).length > 0);
