import { expect } from "chai";
import { type CloseReason, TimeoutError } from "../../src/errors.ts";
import { ConfirmLedger } from "../../src/protocol/confirm-ledger.ts";
import {
  type Blame,
  blameCall,
  blameImmediate,
  blamePublish,
  decideBy,
  NOBODY,
} from "../../src/protocol/refusal.ts";
import { encodeText } from "../../src/wire/text.ts";
import { type PublishArguments, publication, type TestPublication } from "./support.ts";

/** Written publications with the tags 1, 2, ... */
function ledger(...args: readonly PublishArguments[]): {
  ledger: ConfirmLedger;
  all: TestPublication[];
} {
  const books = new ConfirmLedger();
  const all = args.map(publication);
  for (const each of all) books.add(each);
  books.markWritten();
  return { ledger: books, all };
}

function outcomes(blame: Blame, all: readonly TestPublication[]): string[] {
  const cause = new TimeoutError("why");
  return all.map((each) => {
    const error = decideBy(blame, cause, "unsent")(each, true);
    expect(error.cause).to.equal(cause);
    each.fail(error);
    return each.ending;
  });
}

function to(exchange: string): PublishArguments {
  return { exchange };
}

function notFound(exchange: string, vhost = "/", method = "basic.publish"): CloseReason {
  return { replyCode: 404, replyText: sentence(exchange, vhost), method };
}

function sentence(exchange: string, vhost = "/"): string {
  return `NOT_FOUND - no exchange '${exchange}' in vhost '${vhost}'`;
}

/** How RabbitMQ cuts a text that is too long for a short string, as we read it. */
function cut(text: string): string {
  const octets = encodeText(text);
  if (octets.length <= 255) return text;
  return `${new TextDecoder().decode(octets.subarray(0, 252))}...`;
}

function blamed(reason: CloseReason, args: readonly PublishArguments[], vhost = "/"): string[] {
  const { ledger: books, all } = ledger(...args);
  return outcomes(blamePublish(reason, books.unhandledPublications(), vhost), all);
}

describe("blamePublish", () => {
  it("divides the open publishes at the one that the text is about", () => {
    const args = [to("a"), to("x"), to("b")];
    expect(blamed(notFound("x"), args)).to.deep.equal(["unknown", "refused", "unprocessed"]);
  });

  it("refuses none where several can have been it", () => {
    const args = [to("x"), to("a"), to("x"), to("b")];
    expect(blamed(notFound("x"), args)).to.deep.equal([
      "unknown",
      "unknown",
      "unknown",
      "unprocessed",
    ]);
  });

  it("blames nobody where none can have been it", () => {
    expect(blamed(notFound("y"), [to("a"), to("x")])).to.deep.equal(["unknown", "unknown"]);
    expect(blamed(notFound("y"), [])).to.deep.equal([]);
  });

  it("compares whole names: one may be contained in another", () => {
    const args = [to("orders"), to("orders.eu"), to("my orders"), to("orders'")];
    expect(blamed(notFound("orders.eu"), args)).to.deep.equal([
      "unknown",
      "refused",
      "unprocessed",
      "unprocessed",
    ]);
    expect(blamed(notFound("orders"), args)[0]).to.equal("refused");
  });

  it("wants its own vhost", () => {
    expect(blamed(notFound("x", "other"), [to("x"), to("a")])).to.deep.equal([
      "unknown",
      "unknown",
    ]);
    expect(blamed(notFound("x", "own"), [to("x"), to("a")], "own")).to.deep.equal([
      "refused",
      "unprocessed",
    ]);
  });

  it("blames no publish for what another method did", () => {
    const args = [to("x"), to("a")];
    for (const method of ["queue.bind", "basic.ack", "unknown"]) {
      expect(blamed(notFound("x", "/", method), args), method).to.deep.equal([
        "unknown",
        "unknown",
      ]);
    }
    const { method: _, ...noMethod } = notFound("x");
    expect(blamed(noMethod, args)).to.deep.equal(["unknown", "unknown"]);
  });

  it("wants the reply code to go with the text", () => {
    for (const replyCode of [403, 406, 541]) {
      const reason = { ...notFound("x"), replyCode };
      expect(blamed(reason, [to("x"), to("a")])).to.deep.equal(["unknown", "unknown"]);
    }
  });

  describe("knows the other sentences of RabbitMQ", () => {
    const where = "exchange 'x' in vhost '/'";
    const refusals: readonly (readonly [replyCode: number, text: string, PublishArguments])[] = [
      [403, `ACCESS_REFUSED - access to ${where} refused for user 'me'`, to("x")],
      [403, `ACCESS_REFUSED - write access to ${where} refused for user 'me'`, to("x")],
      [
        403,
        `ACCESS_REFUSED - access to topic 'k' in ${where} refused for user 'me'`,
        { exchange: "x", routingKey: "k" },
      ],
      [
        403,
        `ACCESS_REFUSED - write access to topic 'k' in ${where} refused for user 'me'`,
        { exchange: "x", routingKey: "k" },
      ],
      [403, `ACCESS_REFUSED - cannot publish to internal ${where}`, to("x")],
      [
        403,
        "ACCESS_REFUSED - access to exchange 'amq.default' in vhost '/' refused for user 'me'",
        to(""),
      ],
      [406, "PRECONDITION_FAILED - message size 7 is larger than max size 5", { body: "1234567" }],
      [
        406,
        "PRECONDITION_FAILED - user_id property set to 'you' but authenticated user was 'me'",
        { userId: "you" },
      ],
    ];
    for (const [replyCode, replyText, culprit] of refusals) {
      it(replyText, () => {
        const other: PublishArguments = { exchange: "other", routingKey: "k" };
        const { ledger: books, all } = ledger(other, culprit, other);
        for (const each of all) each.bodySize = 1;
        (all[1] as TestPublication).bodySize = String(culprit.body ?? "m").length;
        const reason: CloseReason = { replyCode, replyText, method: "basic.publish" };
        const blame = blamePublish(reason, books.unhandledPublications(), "/");
        expect(outcomes(blame, all)).to.deep.equal(["unknown", "refused", "unprocessed"]);
      });
    }

    it("and that one of them names an exchange which is not the publish's own", () => {
      const replyText =
        "PRECONDITION_FAILED - Cannot route message through exchange 'x' in vhost '/': exchange " +
        "type x-random not found";
      const reason: CloseReason = { replyCode: 406, replyText, method: "basic.publish" };
      // Whatever is bound to x can be the culprit, and nothing is bound to the default exchange.
      for (const [exchanges, ends] of [
        [
          ["", "x", ""],
          ["unknown", "refused", "unprocessed"],
        ],
        [
          ["", "bound to x", ""],
          ["unknown", "refused", "unprocessed"],
        ],
        [
          ["x", "perhaps bound to x", ""],
          ["unknown", "unknown", "unprocessed"],
        ],
        [
          ["", ""],
          ["unknown", "unknown"],
        ],
      ] as const) {
        expect(blamed(reason, exchanges.map(to))).to.deep.equal(ends);
      }
    });

    it("and leaves alone what it does not know", () => {
      for (const [replyCode, replyText] of [
        [406, "PRECONDITION_FAILED - invalid message: [...]"],
        [403, "ACCESS_REFUSED - access to queue 'x' in vhost '/' refused for user 'me'"],
      ] as const) {
        const reason: CloseReason = { replyCode, replyText, method: "basic.publish" };
        expect(blamed(reason, [to("x"), to("a")])).to.deep.equal(["unknown", "unknown"]);
      }
    });
  });

  it("blames no publish of which no octet was given to the socket", () => {
    const { ledger: books, all } = ledger(to("a"));
    const late = publication(to("x"));
    books.add(late);
    const blame = blamePublish(notFound("x"), books.unhandledPublications(), "/");
    expect(outcomes(blame, [...all, late])).to.deep.equal(["unknown", "unknown"]);
  });

  it("blames none that the broker has handled already", () => {
    const { ledger: books, all } = ledger(to("x"), to("a"), to("x"), to("b"));
    books.ack(2, false);
    const blame = blamePublish(notFound("x"), books.unhandledPublications(), "/");
    const open = all.filter(({ told }) => !told);
    expect(outcomes(blame, open)).to.deep.equal(["unknown", "refused", "unprocessed"]);
  });

  describe("where the text is cut at 255 octets", () => {
    /** An exchange whose sentence is as long as this. */
    function ofLength(octets: number, fill = "x"): string {
      return fill.repeat(octets - sentence("").length);
    }

    it("compares what is there, in any vhost", () => {
      const vhost = "v".repeat(150);
      const long = "e".repeat(120);
      const reason = { ...notFound(long), replyText: cut(sentence(long, vhost)) };
      expect(encodeText(reason.replyText).length).to.equal(255);
      expect(blamed(reason, [to("a"), to(long), to("b")], vhost)).to.deep.equal([
        "unknown",
        "refused",
        "unprocessed",
      ]);
    });

    it("takes 255 octets as they are, and cuts 256", () => {
      for (const octets of [254, 255, 256]) {
        const exchange = ofLength(octets);
        const replyText = cut(sentence(exchange));
        expect(replyText.endsWith("...")).to.equal(octets > 255);
        const reason = { ...notFound(exchange), replyText };
        expect(blamed(reason, [to(exchange), to("b")])).to.deep.equal(["refused", "unprocessed"]);
      }
    });

    it("knows a sentence that was cut inside of a character", () => {
      for (const shift of ["", "a", "aa", "aaa"]) {
        const exchange = shift + "😀".repeat(60);
        const reason = { ...notFound(exchange), replyText: cut(sentence(exchange)) };
        expect(blamed(reason, [to("a"), to(exchange), to("b")]), shift).to.deep.equal([
          "unknown",
          "refused",
          "unprocessed",
        ]);
      }
    });

    it("knows a sentence whose unknown end was cut off, wherever that begins", () => {
      const before = "ACCESS_REFUSED - access to exchange '' in vhost '/' refused for user '";
      for (let length = 245; length <= 260; length++) {
        const exchange = "x".repeat(length - before.length);
        const text = `${before.replace("''", `'${exchange}'`)}somebody'`;
        const reason = { replyCode: 403, replyText: cut(text), method: "basic.publish" };
        expect(blamed(reason, [to("a"), to(exchange), to("b")]), `${length}`).to.deep.equal([
          "unknown",
          "refused",
          "unprocessed",
        ]);
      }
    });

    it("blames none alone where the difference was cut off", () => {
      const exchange = ofLength(300);
      const reason = { ...notFound(exchange), replyText: cut(sentence(exchange)) };
      const args = [to(`${exchange}1`), to(`${exchange}2`), to("b")];
      expect(blamed(reason, args)).to.deep.equal(["unknown", "unknown", "unprocessed"]);
    });

    it("blames none for a text that is not cut as it would have been", () => {
      const exchange = ofLength(300);
      for (const replyText of [
        cut(sentence(`y${exchange}`)),
        sentence(exchange).slice(0, 252),
        cut(sentence(exchange)).slice(3),
        `${sentence(exchange).slice(0, 248)}...`,
        "NOT_FOUND...",
        "...",
      ]) {
        const reason = { ...notFound(exchange), replyText };
        expect(blamed(reason, [to(exchange), to("b")])).to.deep.equal(["unknown", "unknown"]);
      }
    });
  });
});

describe("blamePublish for direct reply-to", () => {
  const replyText = "PRECONDITION_FAILED - fast reply consumer does not exist";
  const reason = { replyCode: 406, replyText, method: "basic.publish" };

  it("blames the only publish that wants direct replies", () => {
    const args = [{ replyTo: "q" }, { replyTo: "amq.rabbitmq.reply-to" }, {}];
    expect(blamed(reason, args)).to.deep.equal(["unknown", "refused", "unprocessed"]);
  });

  it("blames nobody where none does", () => {
    expect(blamed(reason, [{}, { replyTo: "q" }])).to.deep.equal(["unknown", "unknown"]);
  });
});

describe("blameImmediate", () => {
  const reason: CloseReason = {
    replyCode: 540,
    replyText: "NOT_IMPLEMENTED - immediate=true",
    method: "basic.publish",
  };
  const immediate: PublishArguments = { immediate: true };

  it("refuses the only immediate publish; what follows on its channel is unprocessed", () => {
    const one = ledger({}, immediate, {});
    const other = ledger({}, { mandatory: true });
    const blame = blameImmediate(reason, [one, other]);
    expect(outcomes(blame(one), one.all)).to.deep.equal(["unknown", "refused", "unprocessed"]);
    expect(outcomes(blame(other), other.all)).to.deep.equal(["unknown", "unknown"]);
  });

  it("refuses none where two are open, on one channel or on two", () => {
    const both = ledger(immediate, immediate, {});
    expect(outcomes(blameImmediate(reason, [both])(both), both.all)).to.deep.equal(
      Array(3).fill("unknown"),
    );
    const [one, other] = [ledger(immediate, {}), ledger(immediate, {})];
    const blame = blameImmediate(reason, [one, other]);
    expect(outcomes(blame(one), one.all)).to.deep.equal(["unknown", "unknown"]);
    expect(outcomes(blame(other), other.all)).to.deep.equal(["unknown", "unknown"]);
  });

  it("refuses none where none is open, or where something else was not implemented", () => {
    const none = ledger({}, {});
    expect(blameImmediate(reason, [none])(none)).to.equal(NOBODY);
    for (const other of [
      { ...reason, method: "channel.flow" },
      { ...reason, method: undefined },
      { ...reason, replyCode: 541 },
    ]) {
      const one = ledger(immediate);
      expect(blameImmediate(other, [one])(one)).to.equal(NOBODY);
    }
  });
});

describe("blameCall", () => {
  it("divides the open publishes at the call", () => {
    const { all } = ledger({}, {}, {});
    expect(outcomes(blameCall(3), all)).to.deep.equal(["unknown", "unknown", "unprocessed"]);
  });

  it("knows a call before all publishes", () => {
    expect(outcomes(blameCall(1), ledger({}, {}).all)).to.deep.equal([
      "unprocessed",
      "unprocessed",
    ]);
  });
});
