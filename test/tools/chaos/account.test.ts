import { expect } from "chai";
import { Account, ENDINGS, type Ending, type Posted } from "../../../tools/chaos/account.ts";
import { bodyOf, nameOf, type Route } from "../../../tools/chaos/letter.ts";

const TO_Q: Route = { exchange: "", routingKey: "q", queues: ["q"], answers: ["confirmed"] };
const SIZE = 40;

/** Publishes one message and says how it ended; its name. */
function publish(
  account: Account,
  ending: Ending | undefined,
  posted: Partial<Posted> = {},
): number {
  const id = account.newId();
  account.post({ id, route: TO_Q, due: undefined, bodySize: SIZE, ...posted });
  if (ending !== undefined) account.settle(id, ending);
  return id;
}

function find(account: Account, id: number, queue = "q"): void {
  account.found(queue, id, bodyOf(id, SIZE));
}

/** The rules that were broken, with the names of those that broke them. */
function violations(account: Account): Record<string, readonly string[]> {
  const found = account.balance().violations.map(({ rule, names }) => [rule, names]);
  return Object.fromEntries(found);
}

describe("account of a chaos run", () => {
  it("finds nothing wrong where everything told is true", () => {
    const account = new Account();
    const all: readonly Ending[] = ["confirmed", "returned", "nacked", "refused"];
    const anyAnswer: Route = { ...TO_Q, answers: all as Route["answers"] };
    for (const ending of ENDINGS) {
      const id = publish(account, ending, { route: anyAnswer });
      if (ending !== "unsent") account.seenOnWire(id);
      if (ending === "confirmed") find(account, id);
    }
    for (const ending of ["unknown", "nacked"] as const) {
      find(account, publish(account, ending, { route: anyAnswer }));
    }
    const balance = account.balance();
    expect(balance.violations).to.deep.equal([]);
    expect(balance).to.deep.include({
      published: 9,
      endings: {
        ...{ confirmed: 1, returned: 1, nacked: 2, refused: 1 },
        ...{ unprocessed: 1, unsent: 1, unknown: 2 },
      },
      ...{ found: 3, unknownFound: 1, unknownOffWire: 1, duplicates: 0, unsettled: 0 },
    });
  });

  it("counts what unknown was due to", () => {
    const account = new Account();
    for (const cause of ["TimeoutError", "TimeoutError", undefined]) {
      account.settle(publish(account, undefined), "unknown", cause);
    }
    expect([...account.balance().unknownBy]).to.deep.equal([
      ["TimeoutError", 2],
      ["no cause", 1],
    ]);
  });

  it("lets a message be withdrawn that has not ended", () => {
    const account = new Account();
    expect(account.withdraw(publish(account, undefined))).to.equal(true);
    expect(account.withdraw(publish(account, "unsent"))).to.equal(false);
    expect(account.balance()).to.include({ published: 1, unsettled: 0 });
  });

  describe("notices a message that", () => {
    it("was confirmed and is missing", () => {
      const account = new Account();
      find(account, publish(account, "confirmed"));
      const id = publish(account, "confirmed");
      expect(violations(account)).to.deep.equal({ "confirmed, and missing": [nameOf(id)] });
    });

    it("was confirmed and is missing from one of its queues", () => {
      const account = new Account();
      const id = publish(account, "confirmed", { route: { ...TO_Q, queues: ["q", "r"] } });
      find(account, id);
      expect(violations(account)).to.deep.equal({ "confirmed, and missing": [nameOf(id)] });
      find(account, id, "r");
      expect(violations(account)).to.deep.equal({});
    });

    for (const outcome of ["unsent", "unprocessed", "refused", "returned"] as const) {
      it(`was found and is said to be ${outcome}`, () => {
        const account = new Account();
        const route: Route = { ...TO_Q, answers: ["confirmed", "refused", "returned"] };
        const id = publish(account, outcome, { route });
        find(account, id);
        expect(violations(account)).to.deep.equal({
          [`found, and reported ${outcome}`]: [nameOf(id)],
        });
      });
    }

    it("was on the wire and is said to be unsent", () => {
      const account = new Account();
      const id = publish(account, "unsent");
      account.seenOnWire(id);
      expect(violations(account)).to.deep.equal({
        "seen on the wire, and reported unsent": [nameOf(id)],
      });
    });

    it("never settled", () => {
      const account = new Account();
      const id = publish(account, undefined);
      expect(violations(account)).to.deep.equal({ "never settled": [nameOf(id)] });
      expect(account.balance().unsettled).to.equal(1);
      expect(account.pendingNames()).to.deep.equal([nameOf(id)]);
    });

    it("was told two endings", () => {
      const account = new Account();
      const id = publish(account, "unknown");
      account.settle(id, "confirmed");
      expect(Object.values(violations(account))).to.deep.equal([[nameOf(id)]]);
      expect(account.balance().endings).to.include({ unknown: 1, confirmed: 0 });
    });

    it("is in a queue twice", () => {
      const account = new Account();
      const id = publish(account, "confirmed");
      find(account, id);
      find(account, id);
      expect(account.balance().duplicates).to.equal(1);
      expect(Object.values(violations(account))).to.deep.equal([[`${nameOf(id)} in q`]]);
    });

    it("is in a queue that it was not sent to", () => {
      const account = new Account();
      const id = publish(account, "unknown");
      find(account, id, "other");
      expect(Object.values(violations(account))).to.deep.equal([[`${nameOf(id)} in other`]]);
    });

    it("nobody published", () => {
      const account = new Account();
      account.found("q", 7, bodyOf(7, SIZE));
      account.found("q", undefined, new Uint8Array(3));
      expect(Object.values(violations(account))).to.deep.equal([
        ["40 octets in q", "3 octets in q"],
      ]);
    });

    it("was withdrawn and is on the wire", () => {
      const account = new Account();
      const id = publish(account, undefined);
      account.seenOnWire(id);
      account.withdraw(id);
      expect(Object.values(violations(account))).to.deep.equal([[nameOf(id)]]);
    });

    it("was withdrawn and came all the same", () => {
      const account = new Account();
      const id = publish(account, undefined);
      account.withdraw(id);
      find(account, id);
      expect(Object.values(violations(account))).to.have.length(1);
    });

    for (const size of [SIZE - 1, SIZE + 1]) {
      it(`has ${size} octets instead of ${SIZE}`, () => {
        const account = new Account();
        const id = publish(account, "confirmed");
        account.found("q", id, bodyOf(id, size));
        expect(Object.keys(violations(account))).to.deep.equal(["found damaged"]);
      });
    }

    it("has another one's body", () => {
      const account = new Account();
      const id = publish(account, "confirmed");
      account.found("q", id, bodyOf(id + 1, SIZE));
      expect(Object.keys(violations(account))).to.deep.equal(["found damaged"]);
    });

    it("has an answer that the broker cannot have given", () => {
      const account = new Account();
      const nowhere: Route = { ...TO_Q, queues: [], answers: ["returned"] };
      publish(account, "returned", { route: nowhere });
      const wrong = [
        publish(account, "confirmed", { route: nowhere }),
        ...(["nacked", "refused", "returned"] as const).map((ending) => publish(account, ending)),
      ];
      expect(violations(account)).to.deep.equal({
        "answered, as no broker answers it": wrong.map(nameOf),
      });
    });

    it("must be answered and was not", () => {
      const account = new Account();
      find(account, publish(account, "confirmed", { due: "answer" }));
      const wrong = (["unknown", "unsent", "unprocessed"] as const).map((ending) =>
        publish(account, ending, { due: "answer" }),
      );
      expect(violations(account)).to.deep.equal({
        "not answered, and nothing was in its way": wrong.map(nameOf),
      });
    });

    it("is unknown and need not be", () => {
      const account = new Account();
      const known = (["unsent", "unprocessed"] as const).map((ending) =>
        publish(account, ending, { due: "certainty" }),
      );
      expect(known).to.have.length(2);
      const id = publish(account, "unknown", { due: "certainty" });
      expect(violations(account)).to.deep.equal({ "unknown, and could be known": [nameOf(id)] });
    });
  });

  it("does not ask for a confirmed message that may have been dropped", () => {
    const account = new Account();
    publish(account, "confirmed", { route: { ...TO_Q, mayBeDropped: true } });
    expect(violations(account)).to.deep.equal({});
  });
});
