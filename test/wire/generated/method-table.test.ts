import { expect } from "chai";
import { METHODS, methodName } from "../../../src/wire/generated/method-table.ts";
import type { Method } from "../../../src/wire/generated/methods.ts";

// It holds types only, and a coverage report should not call them untested.
import "../../../src/wire/generated/methods.ts";

const NAMES = Object.keys(METHODS) as Method["name"][];

describe("wire/generated/method-table", () => {
  it("has the methods of the specification and RabbitMQ's", () => {
    const classes = NAMES.map((name) => name.split(".", 1)[0]);
    const counts = Object.fromEntries([...new Set(classes)].map((c) => [c, 0]));
    for (const c of classes) counts[c as string] = (counts[c as string] ?? 0) + 1;
    expect(counts).to.deep.equal({
      connection: 14,
      channel: 6,
      exchange: 8,
      queue: 10,
      basic: 18,
      confirm: 2,
      tx: 6,
    });
  });

  it("finds every name by its ids, and no others", () => {
    for (const name of NAMES) {
      const { classId, methodId } = METHODS[name];
      expect(methodName(classId, methodId)).to.equal(name);
    }
    const ids = NAMES.map((name) => `${METHODS[name].classId} ${METHODS[name].methodId}`);
    expect(new Set(ids).size).to.equal(NAMES.length);
    expect(methodName(60, 41)).to.equal(undefined);
    expect(methodName(0, 0)).to.equal(undefined);
    expect(methodName(60, 40)).to.equal("basic.publish");
    expect(methodName(85, 10)).to.equal("confirm.select");
  });

  it("names replies that exist and that the other side may send", () => {
    for (const name of NAMES) {
      for (const reply of METHODS[name].replies) {
        expect(METHODS[name].synchronous, name).to.equal(true);
        for (const sender of METHODS[name].from) {
          const other = sender === "client" ? "server" : "client";
          expect(METHODS[reply].from, `${name} -> ${reply}`).to.include(other);
        }
      }
    }
  });

  it("lets content follow four methods", () => {
    expect(NAMES.filter((name) => METHODS[name].content)).to.have.members([
      "basic.publish",
      "basic.return",
      "basic.deliver",
      "basic.get-ok",
    ]);
  });
});
