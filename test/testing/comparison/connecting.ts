/** Plays about how connections begin, are not let in, and end. */
import type { ClientMethod, ConnectionTuneOk } from "../../../src/wire/generated/methods.ts";
import * as m from "../methods.ts";
import { frameBytes, methodBytes, type OpenOptions, PROTOCOL_HEADER } from "../raw-client.ts";
import type { Actor, Play, Stage } from "./stage.ts";

const EXPLAINS = { authentication_failure_close: true };
const TUNE_OK: ConnectionTuneOk = {
  ...{ name: "connection.tune-ok", channelMax: 2047, frameMax: 131_072, heartbeat: 0 },
};

/** All at once, each by a client of its own: RabbitMQ lets them wait for three seconds. */
async function each(
  stage: Stage,
  cases: Readonly<Record<string, (client: Actor) => Promise<void>>>,
): Promise<void> {
  const clients: [Actor, (client: Actor) => Promise<void>][] = [];
  for (const [name, says] of Object.entries(cases))
    clients.push([await stage.stranger(name), says]);
  await stage.step(async () => {
    await Promise.all(
      clients.map(async ([client, says]) => {
        await says(client);
        await client.isOver();
      }),
    );
  });
}

/** Says hello and waits for the answer. */
async function greets(client: Actor): Promise<void> {
  const answer = client.gets(1)();
  client.raw.write(PROTOCOL_HEADER);
  await answer;
}

/** Says hello and who it is. */
async function logsIn(client: Actor, options: OpenOptions = {}): Promise<void> {
  await greets(client);
  client.raw.startOk(options);
}

/** The same with another mechanism, or nothing that it understands. */
const startsWith =
  (mechanism: string, response: string, capabilities: object = EXPLAINS) =>
  async (client: Actor): Promise<void> => {
    await greets(client);
    client.raw.send(0, {
      ...{ name: "connection.start-ok", clientProperties: { capabilities: { ...capabilities } } },
      ...{ mechanism, response: Buffer.from(response, "latin1"), locale: "en_US" },
    });
  };

/** Logs in, and then says this. */
const thenSays =
  (...methods: readonly ClientMethod[]) =>
  async (client: Actor): Promise<void> => {
    const tune = client.gets(2)();
    await logsIn(client);
    await tune;
    for (const method of methods) client.raw.send(0, method);
  };

export const connecting: Readonly<Record<string, Play>> = {
  "other greetings": (stage) =>
    each(
      stage,
      Object.fromEntries(
        [
          ...["AMQP\x00\x00\x09\x00", "AMQP\x00\x00\x08\x00", "AMQP\x00\x01\x00\x00"],
          ...["AMQP\x03\x01\x00\x00", "AMQP\x00\x00\x09\x02"],
          ...["GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01"],
        ].map((octets) => [
          JSON.stringify(octets),
          async (client: Actor) => client.raw.write(Buffer.from(octets, "latin1")),
        ]),
      ),
    ),

  "greetings of older versions": async (stage) => {
    for (const octets of ["AMQP\x01\x01\x08\x00", "AMQP\x01\x01\x00\x09"]) {
      const client = await stage.stranger(JSON.stringify(octets));
      await stage.step(async () => {
        const answer = client.gets(1)();
        client.raw.write(Buffer.from(octets, "latin1"));
        await answer;
      });
    }
  },

  "logins that are refused": (stage) =>
    each(stage, {
      "a wrong password": (client) => logsIn(client, { password: "x", capabilities: EXPLAINS }),
      "a wrong password, unexplained": (client) => logsIn(client, { password: "x" }),
      "an unknown user": (client) => logsIn(client, { user: "x", capabilities: EXPLAINS }),
      "an unknown user, unexplained": (client) => logsIn(client, { user: "x" }),
      "no password": (client) => logsIn(client, { password: "", capabilities: EXPLAINS }),
      "a wrong password, AMQPLAIN": startsWith(
        "AMQPLAIN",
        "\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x01x",
      ),
      "an unknown mechanism": startsWith("NONSENSE", ""),
      "an unknown mechanism, unexplained": startsWith("NONSENSE", "", {}),
      "no mechanism": startsWith("", ""),
      "PLAIN with nothing": startsWith("PLAIN", ""),
      "PLAIN without a password": startsWith("PLAIN", "\0guest"),
      "PLAIN with too much": startsWith("PLAIN", "\0guest\0guest\0guest"),
      "AMQPLAIN without a password": startsWith("AMQPLAIN", "\x05LOGINS\0\0\0\x05guest"),
      "AMQPLAIN that is malformed": startsWith("AMQPLAIN", "\x05LOGINS\0\0\0\xff"),
    }),

  "AMQPLAIN lets in": async (stage) => {
    const a = await stage.stranger("a");
    const response = "\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest";
    await stage.step(async () => {
      const tune = a.gets(2)();
      await startsWith("AMQPLAIN", response)(a);
      await tune;
    });
    await stage.step(async () => {
      const open = a.gets(1)();
      a.raw.send(0, TUNE_OK);
      a.raw.send(0, { name: "connection.open", virtualHost: "/" });
      await open;
    });
    await a.do(1, m.OPEN);
    await a.do(1, m.declareQueue(stage.name("q")));
    await a.do(0, m.CLOSE_CONNECTION);
  },

  "limits that are out of range": (stage) => {
    const tuned = (tuning: Partial<ConnectionTuneOk>) =>
      thenSays({ ...TUNE_OK, ...tuning }, { name: "connection.open", virtualHost: "/" });
    return each(stage, {
      "frame-max too high": tuned({ frameMax: 131_073 }),
      "no frame-max": tuned({ frameMax: 0 }),
      "frame-max too low": tuned({ frameMax: 4095 }),
      "channel-max too high": tuned({ channelMax: 2048 }),
      "no channel-max": tuned({ channelMax: 0 }),
    });
  },

  "virtual hosts that are not there": (stage) =>
    each(stage, {
      "an unknown one": thenSays(TUNE_OK, { name: "connection.open", virtualHost: "nowhere" }),
      "an empty name": thenSays(TUNE_OK, { name: "connection.open", virtualHost: "" }),
    }),

  "what comes too early": (stage) =>
    each(stage, {
      "open for start-ok": async (client) => {
        await greets(client);
        client.raw.send(0, { name: "connection.open", virtualHost: "/" });
      },
      "close for start-ok": async (client) => {
        await greets(client);
        client.raw.send(0, m.CLOSE_CONNECTION);
      },
      "channel.open for start-ok": async (client) => {
        await greets(client);
        client.raw.send(1, m.OPEN);
      },
      "open for tune-ok": thenSays({ name: "connection.open", virtualHost: "/" }),
      "close for tune-ok": thenSays(m.CLOSE_CONNECTION),
      "close for open": thenSays(TUNE_OK, m.CLOSE_CONNECTION),
      "start-ok for open": thenSays(TUNE_OK, TUNE_OK),
      "channel.open for open": async (client) => {
        await thenSays(TUNE_OK)(client);
        client.raw.send(1, m.OPEN);
      },
      "octets for start-ok": async (client) => {
        await greets(client);
        client.raw.write(Buffer.from("GET / HTTP/1.1"));
      },
      "a large frame for start-ok": async (client) => {
        await greets(client);
        client.raw.write(frameBytes(1, 0, Buffer.alloc(8193)));
      },
    }),

  "more channels than were agreed upon": async (stage) => {
    const a = await stage.client("a", { channelMax: 2 });
    await a.do(9, m.OPEN);
    await a.do(3, m.OPEN);
  },

  "frames as large as was agreed upon, and larger": async (stage) => {
    const q = stage.name("q");
    for (const more of [0, 8, 9]) {
      const a = await stage.client(`${more} more`, { frameMax: 4096 });
      await a.do(1, m.declareQueue(q));
      a.raw.frameMax = 4096 + more;
      await a.publish(1, { routingKey: q, mandatory: true }, ["x".repeat(4088 + more)]);
      await a.do(1, m.get(q));
    }
  },

  "who says nothing is not waited for": async (stage) => {
    const a = await stage.client("a", { heartbeat: 1 });
    await stage.step(() => a.isOver());
  },

  "who says that it is there stays": async (stage) => {
    const a = await stage.client("a", { heartbeat: 1 });
    await stage.step(async () => {
      for (let i = 0; i < 8; i++) {
        a.raw.heartbeat();
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    });
    await a.do(1, m.declareQueue(stage.name("q")));
  },

  "a new secret, and the end": async (stage) => {
    const a = await stage.client("a");
    await a.do(0, {
      ...{ name: "connection.update-secret", newSecret: Buffer.from("x"), reason: "why" },
    } as ClientMethod);
    await a.do(0, m.CLOSE_CONNECTION);
    const b = await stage.client("b");
    await b.write(methodBytes(0, m.CLOSE_CONNECTION), methodBytes(1, m.declareQueue("after")));
  },
};
