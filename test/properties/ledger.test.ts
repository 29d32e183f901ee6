import { expect } from "chai";
import fc from "fast-check";
import { ProtocolError } from "../../src/errors.ts";
import { ConfirmLedger } from "../../src/protocol/confirm-ledger.ts";
import { publishError } from "../../src/protocol/publication.ts";
import { routeOf } from "../../src/protocol/publish-route.ts";
import { encodeText } from "../../src/wire/text.ts";
import { TestPublication } from "../protocol/support.ts";

/** What the ledger should be like: a set of open tags. */
interface Model {
  readonly open: Set<number>;
  /** How many tags were issued, and how many of them were given to the socket. */
  issued: number;
  written: number;
  lastReturned: number;
  /** The highest tag that was confirmed or returned: a broker handles publishes in order. */
  handled: number;
  /** What each publication must have been told, by its tag. */
  readonly endings: Map<number, string>;
  /** Who waits for a tag, where it is not the publish of that tag. */
  readonly heirs: Map<number, number>;
  /** By body: the last tag that each return could be about and whose ack was not taken off. */
  owed: { [body: string]: number[] };
  /** By body: the tag that was told `returned` last, and that of when no ack was owed any more. */
  lastTold: { [body: string]: number };
  paidThrough: { [body: string]: number };
  /** By body: tags that were told `returned` and are open. */
  back: { [body: string]: number[] };
}

interface Real {
  readonly books: ConfirmLedger;
  readonly all: Map<number, ModelPublication>;
}

type Command = fc.Command<Model, Real>;

function agree(model: Model, { books, all }: Real): void {
  expect(books.open).to.equal(model.open.size);
  expect(books.nextTag).to.equal(model.issued + 1);
  const open = books.openPublications().map(({ deliveryTag }) => deliveryTag);
  const holders = [...model.open].sort((a, b) => a - b).map((tag) => holderOf(model, tag));
  expect(open).to.deep.equal(holders);
  const unhandled = books.unhandledPublications().map(({ deliveryTag }) => deliveryTag);
  expect(unhandled).to.deep.equal(
    open.filter((tag) => tag > model.handled && tag <= model.written),
  );
  for (const [tag, one] of all) {
    const expected = model.endings.get(tag) ?? "open";
    if (one.ending !== expected) throw new Error(`${tag} is ${one.ending}, should be ${expected}`);
  }
}

function tell(model: Model, tag: number, ending: string): void {
  if (!model.endings.has(tag)) model.endings.set(tag, ending);
}

function holderOf(model: Model, tag: number): number {
  return model.heirs.get(tag) ?? tag;
}

/** A confirm for an open tag: who waited for it is told, or has to wait for another one. */
function confirmTag(model: Model, real: Real, tag: number, how: "ack" | "nack"): void {
  const holder = holderOf(model, tag);
  const { route, was } = real.all.get(holder) as ModelPublication;
  const { mandatory } = route;
  model.open.delete(tag);
  model.heirs.delete(tag);
  const owed = model.owed[was] ?? [];
  const back = model.back[was] ?? [];
  const itself = back.indexOf(tag);
  if (how === "nack") {
    if (itself >= 0) back.splice(itself, 1);
    return tell(model, holder, "nacked");
  }
  const isOwed = mandatory && tag > (model.paidThrough[was] ?? 0);
  const rank = isOwed ? owed.findIndex((last) => last >= tag) : -1;
  if (rank >= 0) owed.splice(rank, 1);
  if (mandatory && owed.length === 0) model.paidThrough[was] = model.lastTold[was] ?? 0;
  if (itself >= 0) {
    back.splice(itself, 1);
    return;
  }
  if (rank < 0) return tell(model, holder, "confirmed");
  const [place] = back.splice(Math.min(rank, back.length - 1), 1);
  if (place === undefined) return tell(model, holder, "unknown");
  model.heirs.set(place, holder);
}

/** Its message is let go of; the model must know what it was. */
class ModelPublication extends TestPublication {
  readonly was: string = this.body as string;
}

/** The body tells identical messages from others: there are three different ones. */
class Publish implements Command {
  readonly mandatory: boolean;
  readonly body: string;
  constructor(mandatory: boolean, body: number) {
    this.mandatory = mandatory;
    this.body = "abc"[body] as string;
  }
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    const route = routeOf(undefined, "", "q", { mandatory: this.mandatory }, {});
    const one = new ModelPublication(route, this.body, {});
    one.bodySize = 1;
    const tag = real.books.add(one);
    real.all.set(tag, one);
    model.issued++;
    model.open.add(model.issued);
    expect(tag).to.equal(model.issued);
    agree(model, real);
  }
  toString = (): string => `publish(${this.mandatory ? "mandatory " : ""}${this.body})`;
}

class MarkWritten implements Command {
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    real.books.markWritten();
    model.written = model.issued;
    agree(model, real);
  }
  toString = (): string => "markWritten";
}

/** The tag is counted from the last one that was issued, so that small numbers are good ones. */
class Confirm implements Command {
  readonly how: "ack" | "nack";
  readonly back: number;
  readonly multiple: boolean;
  constructor(how: "ack" | "nack", back: number, multiple: boolean) {
    this.how = how;
    this.back = back;
    this.multiple = multiple;
  }
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    const tag = Math.max(0, model.issued - this.back);
    const settle = (): number => real.books[this.how](tag, this.multiple);
    if (tag > model.written || (tag === 0 && !this.multiple)) {
      expect(settle).to.throw(ProtocolError).with.property("replyCode", 406);
    } else {
      const upTo = tag === 0 ? model.written : tag;
      model.handled = Math.max(model.handled, upTo);
      const settled = [...model.open].filter((each) =>
        this.multiple ? each <= upTo : each === tag,
      );
      settled.sort((a, b) => a - b);
      for (const each of settled) confirmTag(model, real, each, this.how);
      expect(settle()).to.equal(settled.length);
    }
    agree(model, real);
  }
  toString = (): string => `${this.how}(last - ${this.back}${this.multiple ? ", multiple" : ""})`;
}

class Returned implements Command {
  readonly body: string;
  constructor(body: number) {
    this.body = "abc"[body] as string;
  }
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    const candidates = [...real.all].filter(
      ([tag, one]) =>
        model.open.has(tag) &&
        !model.heirs.has(tag) &&
        tag > model.lastReturned &&
        tag <= model.written &&
        one.route.mandatory &&
        one.was === this.body,
    );
    const lowest = candidates.map(([tag]) => tag).sort((a, b) => a - b)[0];
    if (lowest !== undefined) {
      model.lastReturned = lowest;
      model.handled = Math.max(model.handled, lowest);
      tell(model, lowest, "returned");
      model.lastTold[this.body] = lowest;
      model.owed[this.body] = [...(model.owed[this.body] ?? []), model.written];
      model.back[this.body] = [...(model.back[this.body] ?? []), lowest];
    }
    const found = real.books.returned({
      replyCode: 312,
      replyText: "NO_ROUTE",
      exchange: "",
      routingKey: "q",
      properties: {},
      taggedProperties: {},
      body: encodeText(this.body),
    });
    expect(found).to.equal(lowest !== undefined);
    agree(model, real);
  }
  toString = (): string => `returned(${this.body})`;
}

/** A deadline passes: the caller is told, and the tag stays open. */
class Release implements Command {
  readonly which: number;
  constructor(which: number) {
    this.which = which;
  }
  check = (model: Readonly<Model>): boolean => model.open.size > 0;
  run(model: Model, real: Real): void {
    const tag = holderOf(model, [...model.open][this.which % model.open.size] as number);
    tell(model, tag, "unknown");
    const one = real.all.get(tag) as TestPublication;
    one.fail(publishError(one, "unknown"));
    agree(model, real);
  }
  toString = (): string => `release(${this.which})`;
}

class CloseAll implements Command {
  check = (): boolean => true;
  run(model: Model, real: Real): void {
    for (const tag of model.open) {
      tell(model, holderOf(model, tag), tag <= model.written ? "unknown" : "unsent");
    }
    model.open.clear();
    model.heirs.clear();
    model.owed = {};
    model.back = {};
    real.books.closeAll((one, written) => publishError(one, written ? "unknown" : "unsent"));
    agree(model, real);
  }
  toString = (): string => "closeAll";
}

function commands(): fc.Arbitrary<Iterable<Command>> {
  const how = fc.constantFrom("ack", "nack");
  const back = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -1, max: 6 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 200 }) },
  );
  const some: fc.Arbitrary<Command>[] = [
    fc.tuple(fc.boolean(), fc.nat(2)).map(([mandatory, body]) => new Publish(mandatory, body)),
    fc.tuple(fc.boolean(), fc.nat(2)).map(([mandatory, body]) => new Publish(mandatory, body)),
    fc.constant(new MarkWritten()),
    fc.tuple(how, back, fc.boolean()).map((args) => new Confirm(...args)),
    fc.nat(2).map((body) => new Returned(body)),
    fc.nat().map((which) => new Release(which)),
  ];
  return fc.commands([...some, fc.constant(new CloseAll())], { maxCommands: 60, size: "max" });
}

describe("properties of the confirm ledger", () => {
  it("agrees with a set of open tags", () => {
    fc.assert(
      fc.property(commands(), fc.nat(100), (steps, before) => {
        const model: Model = {
          open: new Set(),
          issued: 0,
          written: 0,
          lastReturned: 0,
          handled: 0,
          endings: new Map(),
          heirs: new Map(),
          owed: {},
          lastTold: {},
          paidThrough: {},
          back: {},
        };
        const real: Real = { books: new ConfirmLedger(), all: new Map() };
        fc.modelRun(
          () => ({ model, real }),
          [
            ...Array.from({ length: before }, () => new Publish(false, 0)),
            ...steps,
            new CloseAll(),
          ],
        );
        if ([...real.all.values()].some(({ ending }) => ending === "open")) throw new Error("open");
      }),
      { numRuns: 300 },
    );
  });
});
