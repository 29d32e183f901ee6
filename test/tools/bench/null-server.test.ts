import { EventEmitter, once } from "node:events";
import { expect } from "chai";
import { createNullServer, type NullBrokerOptions } from "../../../tools/bench/null-server.ts";
import type { AckMode } from "../../../tools/bench/work.ts";

const AT_ONCE: NullBrokerOptions = { acks: "coalesced", ackEvery: 1 };

describe("the null broker", () => {
  it("answers what a client says until it publishes", () => {
    const client = new RawClient(AT_ONCE);
    client.greet();
    expect(client.methods).to.deep.equal([
      "10.10", // connection.start, tune and open-ok
      "10.30",
      "10.41",
      "20.11", // channel.open-ok
      "85.11", // confirm.select-ok
    ]);
    client.send(method(0, 10, 50, 0, 200, 0, 0, 0, 0, 0));
    expect(client.methods.at(-1)).to.equal("10.51");
  });

  const modes: [acks: AckMode, frames: number][] = [
    ["coalesced", 10],
    ["single", 100],
    ["descending", 100],
    ["random", 100],
  ];
  for (const [acks, frames] of modes) {
    it(`confirms each message once, ${acks}`, () => {
      const client = new RawClient({ acks, ackEvery: 10 });
      client.greet();
      for (let batch = 0; batch < 10; batch++) {
        client.send(...Array<Buffer>(10).fill(publish(1, 16)));
        // Nothing of one batch waits for another.
        expect(client.confirmed(1)).to.have.members(upTo(10 * (batch + 1)));
      }
      expect(client.acks).to.have.length(frames);
      expect(client.messages).to.equal(100);
    });
  }

  it("confirms in the order of its mode", () => {
    const order = (acks: AckMode): number[] => {
      const client = new RawClient({ acks, ackEvery: 20 });
      client.greet();
      client.send(...Array<Buffer>(20).fill(publish(1, 16)));
      return client.acks.map(({ tag }) => tag);
    };
    expect(order("single")).to.deep.equal(upTo(20));
    expect(order("descending")).to.deep.equal(upTo(20).reverse());
    expect(order("random")).not.to.deep.equal(upTo(20));
    expect(order("random")).not.to.deep.equal(upTo(20).reverse());
  });

  it("numbers each channel by itself", () => {
    const client = new RawClient(AT_ONCE);
    client.greet();
    client.send(method(2, 20, 10, 0), method(2, 85, 10, 0));
    client.send(publish(2, 5), publish(1, 5), publish(2, 5), publish(2, 5));
    expect(client.confirmed(1)).to.deep.equal([1]);
    expect(client.confirmed(2)).to.deep.equal([1, 2, 3]);
  });

  for (const size of [0, 1, 16, 300, 1000]) {
    it(`counts messages of ${size} B wherever the stream is cut`, () => {
      const message = publish(1, size, 128);
      for (let step = 1; step <= message.length; step += step < 40 ? 1 : 37) {
        const client = new RawClient({ ...AT_ONCE, acks: "single" });
        client.greet();
        const stream = Buffer.concat([message, message, message]);
        for (let at = 0; at < stream.length; at += step) {
          client.send(stream.subarray(at, at + step));
          const whole = Math.floor(Math.min(at + step, stream.length) / message.length);
          expect(client.confirmed(1), `${step} at a time, ${at}`).to.deep.equal(upTo(whole));
        }
      }
    });
  }

  it("confirms what it held back when nothing more comes", async () => {
    const client = new RawClient({ acks: "single", ackEvery: 10 });
    client.greet();
    client.send(publish(1, 16), publish(1, 16), publish(1, 16));
    expect(client.confirmed(1)).to.deep.equal([]);
    await once(client, "write");
    expect(client.confirmed(1)).to.deep.equal([1, 2, 3]);
  });

  it("counts and never confirms when told to withhold", async () => {
    const client = new RawClient({ ...AT_ONCE, withhold: true });
    const other = new RawClient({ ...AT_ONCE, ackEvery: 2 });
    for (const each of [client, other]) {
      each.greet();
      each.send(publish(1, 16));
    }
    // As long as the other one, which is confirmed because nothing more comes.
    await once(other, "write");
    expect(client.messages).to.equal(1);
    expect(client.acks).to.deep.equal([]);
  });

  it("sends the heartbeats that were agreed on until the client is gone", async () => {
    const client = new RawClient({ ...AT_ONCE, heartbeatSeconds: 7 });
    client.greet(1);
    expect(client.tunedHeartbeat).to.equal(7);
    await once(client, "write");
    expect(client.heartbeats).to.equal(1);
    client.emit("close");
    const other = new RawClient(AT_ONCE);
    other.greet(1);
    await once(other, "write");
    other.emit("close");
    expect([client.heartbeats, other.heartbeats]).to.deep.equal([1, 1]);
  });
});

/** Octets and nothing else, where a socket would be: what is sent arrives as it was cut. */
class RawClient extends EventEmitter {
  /** Class and method of all but acks, as they came. */
  readonly methods: string[] = [];
  readonly acks: { channel: number; tag: number; multiple: boolean }[] = [];
  heartbeats = 0;
  tunedHeartbeat: number | undefined;
  readonly #messages: () => number;

  constructor(options: NullBrokerOptions) {
    super();
    const { server, messages } = createNullServer(options);
    this.#messages = messages;
    server.emit("connection", this);
  }

  get messages(): number {
    return this.#messages();
  }

  /** From the protocol header to confirm.select on channel 1. */
  greet(heartbeatSeconds = 0): void {
    this.send(Buffer.from("AMQP\0\0\x09\x01", "latin1"));
    this.send(
      method(0, 10, 11, 0, 0, 0, 0),
      method(0, 10, 31, 0, 0, 0, 2, 0, 0, 0, heartbeatSeconds),
      method(0, 10, 40, 1, 0x2f, 0, 0),
      method(1, 20, 10, 0),
      method(1, 85, 10, 0),
    );
  }

  send(...pieces: Buffer[]): void {
    this.emit("data", Buffer.concat(pieces));
  }

  /** Every tag that a channel's acks cover, as often as they do. */
  confirmed(channel: number): number[] {
    const tags: number[] = [];
    for (const ack of this.acks.filter((each) => each.channel === channel)) {
      if (!ack.multiple) tags.push(ack.tag);
      else for (let tag = Math.max(0, ...tags) + 1; tag <= ack.tag; tag++) tags.push(tag);
    }
    return tags;
  }

  setNoDelay(): void {}

  write(data: Buffer): void {
    for (let at = 0; at < data.length; ) {
      const size = data.readUInt32BE(at + 3);
      this.#take(data[at], data.readUInt16BE(at + 1), data.subarray(at + 7, at + 7 + size));
      expect(data[at + 7 + size]).to.equal(0xce);
      at += size + 8;
    }
    this.emit("write");
  }

  #take(type: number | undefined, channel: number, payload: Buffer): void {
    if (type === 8) {
      this.heartbeats++;
      return;
    }
    const name = `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`;
    if (name === "10.30") this.tunedHeartbeat = payload.readUInt16BE(10);
    if (name !== "60.80") {
      this.methods.push(name);
      return;
    }
    const tag = Number(payload.readBigUInt64BE(4));
    this.acks.push({ channel, tag, multiple: payload[12] === 1 });
  }
}

function frame(type: number, channel: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(7);
  head[0] = type;
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.of(0xce)]);
}

function method(channel: number, classId: number, methodId: number, ...rest: number[]): Buffer {
  return frame(1, channel, Buffer.from([0, classId, 0, methodId, ...rest]));
}

/** basic.publish to the queue "q", its header and its body in frames of so many octets at most. */
function publish(channel: number, size: number, bodyFrame = 100_000): Buffer {
  const header = Buffer.alloc(14);
  header.writeUInt16BE(60, 0);
  header.writeBigUInt64BE(BigInt(size), 4);
  const bodies: Buffer[] = [];
  // A body that looks like the end of a frame and the beginning of others.
  const body = Buffer.alloc(size, Buffer.from([0xce, 1, 0, 1, 0, 0, 0, 4, 0, 60, 0, 40]));
  for (let at = 0; at < size; at += bodyFrame) {
    bodies.push(frame(3, channel, body.subarray(at, at + bodyFrame)));
  }
  return Buffer.concat([
    method(channel, 60, 40, 0, 0, 0, 1, 0x71, 0),
    frame(2, channel, header),
    ...bodies,
  ]);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
