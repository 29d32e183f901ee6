import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import {
  BatchError,
  type Channel,
  ChannelClosedError,
  type Connection,
  type ConnectOptions,
  connect,
  type Message,
  PublishError,
  type PublishOutcome,
} from "../../src/index.ts";
import { failure, until, within } from "../support/environment.ts";
import { integrationWithOwnNode } from "../support/rabbitmq.ts";

/** What a publish came to, and what it was. */
interface Ending {
  readonly body: string;
  readonly outcome: PublishOutcome | "confirmed";
}

/** How large a message the node takes, in octets. */
const MAX_MESSAGE_SIZE = 50_000;
const LONG = "l".repeat(255);

/**
 * What RabbitMQ refuses a publish for, as it writes it, with good publishes before and after it in
 * the same burst: who was to blame, and whether that is true is asked of the queue.
 */
integrationWithOwnNode(
  "a publish that RabbitMQ refuses",
  {
    plugins: ["rabbitmq_auth_backend_http", "rabbitmq_random_exchange"],
    config: `
      max_message_size = ${MAX_MESSAGE_SIZE}
      auth_backends.1 = internal
      auth_backends.2 = http
      auth_http.http_method = get
    `,
  },
  (broker) => {
    /** Knows every user and can say of none what it may do: an error of the backend. */
    let authority: Server;
    let guest: Connection;
    let control: Channel;
    let queue: string;

    before(async function setUp() {
      this.timeout(60_000);
      authority = createServer(({ url }, response) => {
        if (/^\/(user|vhost)/.test(url ?? "")) response.end("allow");
        else response.writeHead(503).end();
      }).listen(0, "127.0.0.1");
      await once(authority, "listening");
      const base = `http://127.0.0.1:${(authority.address() as AddressInfo).port}`;
      const ctl = (...args: string[]): Promise<string> => broker().ctl(...args);
      const paths = ["user", "vhost", "resource", "topic"].map(
        (what) =>
          `application:set_env(rabbitmq_auth_backend_http, ${what}_path, "${base}/${what}")`,
      );
      await ctl("eval", `${paths.join(", ")}.`);
      await ctl("add_vhost", "orders");
      await ctl("set_permissions", "-p", "orders", "guest", ".*", ".*", ".*");
      await ctl("add_user", "me", "me");
      const writable = "^(orders|amq\\.topic|internal)$";
      await ctl("set_permissions", "me", ".*", writable, ".*");
      await ctl("set_topic_permissions", "me", "amq.topic", "^good\\..*", ".*");
      await ctl("add_user", "impersonator", "impersonator");
      await ctl("set_user_tags", "impersonator", "impersonator");
      await ctl("set_permissions", "impersonator", ".*", ".*", ".*");
    });
    after(() => authority.close());

    /** What a user of this name, which is its password, connects with. */
    function as(user: string, vhost = "/"): ConnectOptions {
      const { port } = broker();
      return { hostname: "127.0.0.1", port, username: user, password: user, vhost };
    }

    beforeEach(async () => {
      guest = await connect(as("guest"));
      control = await guest.openChannel();
      ({ queue } = await control.queueDeclare("", { exclusive: true }));
      await control.exchangeDeclare("orders", "fanout");
      await control.queueBind(queue, "orders", "");
    });
    afterEach(async () => {
      const cleaner = await guest.openChannel();
      await cleaner.exchangeDelete("orders");
      await guest.close();
    });

    async function stored(): Promise<Set<string>> {
      const bodies = new Set<string>();
      for (;;) {
        const delivery = await control.basicGet(queue, { noAck: true });
        if (delivery === undefined) return bodies;
        const body = Buffer.from(delivery.body).toString();
        expect(bodies.has(body), `${body} is there twice`).to.equal(false);
        bodies.add(body);
      }
    }

    /** Everything told against everything stored. */
    async function expectTruth(endings: readonly Ending[]): Promise<void> {
      const there = await stored();
      for (const { body, outcome } of endings) {
        if (outcome === "confirmed") expect(there.has(body), `${body} is there`).to.equal(true);
        else if (outcome !== "unknown") {
          expect(there.has(body), `${body}, told ${outcome}, is there`).to.equal(false);
        }
        there.delete(body);
      }
      expect([...there], "nobody published these").to.deep.equal([]);
    }

    /**
     * Publishes 50 good messages, the culprit, 50 good ones, in one burst; and checks how each
     * ended, how the publisher did, and what the queue has.
     */
    async function expectRefused(
      culprit: Partial<Message>,
      reason: { readonly replyCode: number; readonly text: RegExp | string },
      options: ConnectOptions = as("guest"),
      good: Partial<Message> = { exchange: "orders" },
    ): Promise<void> {
      const connection = await connect(options);
      const publisher = await connection.openPublisher();
      const bystander = await connection.openPublisher();
      const publish = (message: Partial<Message>, name: string): Promise<Ending> => {
        const { exchange = "", routingKey = queue, body = name, ...rest } = message;
        return publisher.publish(exchange, routingKey, body, rest).then(
          () => ({ body: name, outcome: "confirmed" }),
          (error: PublishError) => ({ body: name, outcome: error.outcome }),
        );
      };
      const publishing: Promise<Ending>[] = [];
      for (let i = 1; i <= 50; i++) publishing.push(publish(good, `before ${i}`));
      publishing.push(publish(culprit, "culprit"));
      for (let i = 1; i <= 50; i++) publishing.push(publish(good, `after ${i}`));
      const endings = await within(10_000, Promise.all(publishing));
      const outcomes = endings.map(({ outcome }) => outcome);
      for (const outcome of outcomes.slice(0, 50)) {
        expect(outcome).to.be.oneOf(["confirmed", "unknown"]);
      }
      expect(outcomes[50]).to.equal("refused");
      expect(new Set(outcomes.slice(51))).to.deep.equal(new Set(["unprocessed"]));
      await expectTruth(endings);

      const closed = (await publisher.closed) as ChannelClosedError;
      expect(closed).to.be.instanceOf(ChannelClosedError);
      expect(closed).to.include({ replyCode: reason.replyCode, method: "basic.publish" });
      if (typeof reason.text === "string") expect(closed.replyText).to.equal(reason.text);
      else expect(closed.replyText).to.match(reason.text);
      const late = await failure(publisher.publish("orders", "", "late"), PublishError);
      expect(late).to.include({ outcome: "unsent", cause: closed });

      const { exchange = "", routingKey = queue, ...rest } = good;
      await bystander.publish(exchange, routingKey, "from another channel", rest);
      await using again = await connection.openPublisher();
      await again.publish(exchange, routingKey, "from a new channel", rest);
      await connection.close();
      expect(await stored()).to.deep.equal(new Set(["from another channel", "from a new channel"]));
    }

    function missing(exchange: string, vhost = "/"): { replyCode: number; text: string } {
      const whole = Buffer.from(`NOT_FOUND - no exchange '${exchange}' in vhost '${vhost}'`);
      if (whole.length <= 255) return { replyCode: 404, text: whole.toString() };
      return { replyCode: 404, text: `${whole.subarray(0, 252).toString()}...` };
    }

    /** Expects the refusal of a missing exchange while messages flow through another one. */
    async function expectMissing(exchange: string, existing: string): Promise<void> {
      await control.exchangeDeclare(existing, "fanout", { autoDelete: true });
      await control.queueBind(queue, existing, "");
      const good = { exchange: existing };
      await expectRefused({ exchange }, missing(exchange), as("guest"), good);
      await control.exchangeDelete(existing);
    }

    describe("because there is no such exchange (404):", () => {
      const names: readonly (readonly [missing: string, existing: string])[] = [
        ["orders.eu", "orders."],
        ["orders.", "orders.eu"],
        ["/", "in vhost"],
        ["x' in vhost '/", "x"],
        ["x", "x' in vhost '/"],
        ["it's", "it"],
        ["'", "''"],
        ["NOT_FOUND - no exchange 'x' in vhost '/'", "x"],
        ["é", "e\u0301"],
        [`${LONG.slice(1)}m`, "l"],
      ];
      for (const [exchange, existing] of names) {
        const name = exchange.length > 50 ? "a name of 255 octets" : JSON.stringify(exchange);
        it(`${name}, where there is ${JSON.stringify(existing)}`, () =>
          expectMissing(exchange, existing));
      }

      it("the vhost has the exchange's name", async () => {
        const connection = await connect(as("guest", "orders"));
        const channel = await connection.openChannel();
        await channel.queueDeclare("orders");
        const expected = missing("orders", "orders");
        const publisher = await connection.openPublisher();
        const outcomes = ["", "", "orders", "", ""].map((exchange, i) =>
          publisher.publish(exchange, "orders", `${i}`).then(
            () => "confirmed",
            ({ outcome }: PublishError) => outcome,
          ),
        );
        const [first, second, ...rest] = await Promise.all(outcomes);
        for (const each of [first, second]) expect(each).to.be.oneOf(["confirmed", "unknown"]);
        expect(rest).to.deep.equal(["refused", "unprocessed", "unprocessed"]);
        expect(await publisher.closed).to.include({ replyText: expected.text });
        expect(await channel.queueDelete("orders")).to.deep.equal({ messageCount: 2 });
        await connection.close();
      });

      for (const octets of [1, 2, 3, 4]) {
        it(`the text is cut inside of a character of four octets, ${octets}`, async () => {
          const exchange = `${"a".repeat(octets)}${"😀".repeat(60)}`;
          await expectMissing(exchange, "short");
        });
      }

      for (const length of [254, 255, 256]) {
        it(`the text has ${length} octets`, async () => {
          const exchange = "n".repeat(length - missing("").text.length);
          await expectMissing(exchange, "other");
        });
      }
    });

    describe("because it may not be written to (403):", () => {
      it("an exchange", () =>
        expectRefused(
          { exchange: "forbidden" },
          {
            replyCode: 403,
            text: "ACCESS_REFUSED - access to exchange 'forbidden' in vhost '/' refused for user 'me'",
          },
          as("me"),
        ));

      it("an exchange whose name is not ASCII and whose text is cut", async () => {
        const exchange = "日本語".repeat(25);
        const whole = Buffer.from(
          `ACCESS_REFUSED - access to exchange '${exchange}' in vhost '/' refused for user 'me'`,
        );
        expect(whole.length).to.be.above(255);
        const text = `${whole.subarray(0, 252).toString()}...`;
        await expectRefused({ exchange }, { replyCode: 403, text }, as("me"));
      });

      it("the default exchange", () =>
        expectRefused(
          { exchange: "" },
          { replyCode: 403, text: /^ACCESS_REFUSED - access to exchange 'amq\.default' in vhost/ },
          as("me"),
        ));

      for (const routingKey of ["bad", "bad.key", "bäd.日", "k".repeat(255)]) {
        it(`a topic: ${routingKey.slice(0, 10)}`, async () => {
          await control.queueBind(queue, "amq.topic", "good.*");
          await expectRefused(
            { exchange: "amq.topic", routingKey },
            { replyCode: 403, text: /^ACCESS_REFUSED - access to topic '/ },
            as("me"),
            { exchange: "amq.topic", routingKey: "good.key" },
          );
        });
      }

      it("an internal exchange", async () => {
        await control.exchangeDeclare("internal", "fanout", { internal: true });
        await expectRefused(
          { exchange: "internal" },
          {
            replyCode: 403,
            text: "ACCESS_REFUSED - cannot publish to internal exchange 'internal' in vhost '/'",
          },
          as("me"),
        );
        await control.exchangeDelete("internal");
      });

      it("an exchange of which nobody can say whether it may be written to", async () => {
        const connection = await connect(as("stranger"));
        const publisher = await connection.openPublisher();
        const publishes = ["orders", "other", "other"].map((exchange) =>
          failure(publisher.publish(exchange, "", "m"), PublishError),
        );
        const errors = await Promise.all(publishes);
        expect(errors.map(({ outcome }) => outcome)).to.deep.equal([
          "refused",
          "unprocessed",
          "unprocessed",
        ]);
        expect(((await publisher.closed) as ChannelClosedError).replyText).to.match(
          /refused for user 'stranger', backend rabbit_auth_backend_http returned an error: /,
        );
        await connection.close();
        expect(await stored()).to.deep.equal(new Set());
      });
    });

    describe("because of what it is (406):", () => {
      it("too large", () =>
        expectRefused(
          { exchange: "orders", body: Buffer.alloc(MAX_MESSAGE_SIZE + 1) },
          {
            replyCode: 406,
            text:
              `PRECONDITION_FAILED - message size ${MAX_MESSAGE_SIZE + 1} is larger than ` +
              `configured max size ${MAX_MESSAGE_SIZE}`,
          },
        ));

      it("too large, with others that are large", async () => {
        const publisher = await guest.openPublisher();
        const sizes = [MAX_MESSAGE_SIZE, MAX_MESSAGE_SIZE - 1, MAX_MESSAGE_SIZE + 2, 1];
        const outcomes = await Promise.all(
          sizes.map((size) =>
            publisher.publish("orders", "", Buffer.alloc(size, "x")).then(
              () => "confirmed",
              ({ outcome }: PublishError) => outcome,
            ),
          ),
        );
        for (const each of outcomes.slice(0, 2)) {
          expect(each).to.be.oneOf(["confirmed", "unknown"]);
        }
        expect(outcomes.slice(2)).to.deep.equal(["refused", "unprocessed"]);
      });

      for (const userId of ["me", "mé", "u".repeat(255), ""]) {
        it(`of another user: ${JSON.stringify(userId.slice(0, 10))}`, () =>
          expectRefused(
            { exchange: "orders", userId },
            { replyCode: 406, text: /^PRECONDITION_FAILED - user_id property set to '/ },
            as("guest"),
            { exchange: "orders", userId: "guest" },
          ));
      }

      it("but not where the user may say that it is another one", async () => {
        const connection = await connect(as("impersonator"));
        const publisher = await connection.openPublisher();
        await publisher.publish("orders", "", "m", { userId: "me" });
        await connection.close();
        expect(await stored()).to.deep.equal(new Set(["m"]));
      });

      it("to an exchange whose type is gone, or to one that is bound to it", async () => {
        await control.exchangeDeclare("random", "x-random");
        await control.exchangeDeclare("entrance", "fanout");
        await control.exchangeBind("random", "entrance", "");
        const unregister = 'rabbit_registry:unregister(exchange, <<"x-random">>)';
        await broker().ctl("eval", `${unregister}.`);
        const text =
          "PRECONDITION_FAILED - Cannot route message through exchange 'random' in vhost '/': " +
          "exchange type x-random not found";
        for (const exchange of ["random", "entrance"]) {
          await expectRefused({ exchange }, { replyCode: 406, text }, as("guest"), {});
        }
        await control.exchangeDelete("entrance");
        await control.exchangeDelete("random");
      });

      it("with a direct reply-to that nobody listens to", async () => {
        const publisher = await guest.openPublisher();
        const replyTo = "amq.rabbitmq.reply-to";
        const endings = await Promise.all(
          [{}, { replyTo }, {}].map((options, i) =>
            publisher.publish("orders", "", `${i}`, options).then(
              (): Ending => ({ body: `${i}`, outcome: "confirmed" }),
              ({ outcome }: PublishError): Ending => ({ body: `${i}`, outcome }),
            ),
          ),
        );
        expect(endings[0]?.outcome).to.be.oneOf(["confirmed", "unknown"]);
        expect(endings[1]?.outcome).to.equal("refused");
        expect(endings[2]?.outcome).to.equal("unprocessed");
        await expectTruth(endings);
      });
    });

    it("before those that wait behind the window, which are never sent", async () => {
      const publisher = await guest.openPublisher({ maxUnconfirmed: 10 });
      const endings = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          publisher.publish(i === 4 ? "missing" : "orders", "", `${i}`).then(
            (): Ending => ({ body: `${i}`, outcome: "confirmed" }),
            ({ outcome }: PublishError): Ending => ({ body: `${i}`, outcome }),
          ),
        ),
      );
      const outcomes = endings.map(({ outcome }) => outcome);
      for (const each of outcomes.slice(0, 4)) expect(each).to.be.oneOf(["confirmed", "unknown"]);
      expect(outcomes[4]).to.equal("refused");
      // Each of the four that was confirmed in time has let one more through.
      const sent = outcomes.lastIndexOf("unprocessed") + 1;
      expect(sent).to.be.within(10, 14);
      expect(new Set(outcomes.slice(5, sent))).to.deep.equal(new Set(["unprocessed"]));
      expect(new Set(outcomes.slice(sent))).to.deep.equal(new Set(["unsent"]));
      await expectTruth(endings);
    });

    it("one of many, where the exchange is deleted under way", async () => {
      const seen = new Set<string>();
      for (let round = 0; round < 4; round++) {
        await control.exchangeDeclare("fleeting", "fanout");
        await control.queueBind(queue, "fleeting", "");
        const publisher = await guest.openPublisher({ maxUnconfirmed: 300 });
        let confirmed = 0;
        let over = false;
        const closed = publisher.closed.then((reason) => {
          over = true;
          return reason;
        });
        const publishing: Promise<Ending>[] = [];
        const publishOne = (body: string): void => {
          // Mandatory: the bindings are gone a moment before the exchange is.
          const ending = publisher.publish("fleeting", "", body, { mandatory: true }).then(
            (): Ending => {
              confirmed++;
              return { body, outcome: "confirmed" };
            },
            ({ outcome }: PublishError): Ending => ({ body, outcome }),
          );
          publishing.push(ending);
        };
        // More than the window takes, so that some wait at any time.
        const publishingOn = (async () => {
          for (let i = 0; !over; i++) {
            publishOne(`${round} ${i}`);
            if (i % 400 === 399) await publisher.ready().catch(() => {});
          }
        })();
        await until(() => confirmed > 300 * round);
        await control.exchangeDelete("fleeting");
        await publishingOn;
        const endings = await within(20_000, Promise.all(publishing));
        const outcomes = endings.map(({ outcome }) => outcome);
        for (const each of outcomes) seen.add(each);
        // In the order of the publishes: handled or perhaps, the culprit, dropped, never sent.
        const handled = { confirmed: 0, returned: 0, unknown: 0 };
        const ranks = { ...handled, refused: 1, unprocessed: 2, unsent: 3 };
        const order = outcomes.map((outcome) => ranks[outcome as keyof typeof ranks]);
        expect(order).to.deep.equal([...order].sort((a, b) => a - b));
        expect(outcomes.filter((each) => each === "refused").length).to.be.at.most(1);
        expect(await closed).to.include({
          replyCode: 404,
          replyText: missing("fleeting").text,
          method: "basic.publish",
        });
        await expectTruth(endings);
      }
      expect([...seen]).to.include.members(["confirmed", "unknown"]);
    });

    describe("because of a call on the same channel:", () => {
      const calls: readonly (readonly [
        what: string,
        call: (channel: Channel) => Promise<unknown>,
        method: string,
      ])[] = [
        ["a binding", (channel) => channel.queueBind(queue, "x", ""), "queue.bind"],
        [
          "a passive declaration of an exchange",
          (channel) => channel.exchangeDeclare("x", "", { passive: true }),
          "exchange.declare",
        ],
        [
          "a passive declaration of a queue",
          (channel) => channel.queueDeclare("x", { passive: true }),
          "queue.declare",
        ],
      ];
      for (const [what, call, method] of calls) {
        it(what, async () => {
          const connection = await connect(as("guest"));
          const channel = await connection.openChannel();
          const bystander = await connection.openChannel();
          await channel.confirmSelect();
          const acked = new Set<number>();
          channel.on("ack", ({ deliveryTag, multiple }) => {
            for (let tag = multiple ? 1 : deliveryTag; tag <= deliveryTag; tag++) acked.add(tag);
          });
          for (let i = 1; i <= 200; i++) channel.basicPublish("orders", "", `${i}`);
          const refused = failure(call(channel), ChannelClosedError);
          for (let i = 201; i <= 400; i++) channel.basicPublish("orders", "", `${i}`);
          const error = await failure(channel.waitForConfirms(), BatchError);
          const closed = await channel.closed;
          expect(closed).to.include({ replyCode: 404, method });
          expect(await refused).to.equal(closed);
          expect(error.confirmed).to.equal(acked.size);
          expect(error.confirmed + error.failed).to.equal(400);
          const endings = error.failures.map(({ deliveryTag, error: each }): Ending => {
            const { outcome } = each as PublishError;
            expect(outcome).to.equal(deliveryTag <= 200 ? "unknown" : "unprocessed");
            return { body: `${deliveryTag}`, outcome };
          });
          for (const tag of acked) endings.push({ body: `${tag}`, outcome: "confirmed" });
          await expectTruth(endings);
          await bystander.queueDeclare("", { exclusive: true });
          await connection.close();
        });
      }
    });
  },
);
