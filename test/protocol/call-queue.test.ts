import { expect } from "chai";
import { AbortError, ProtocolError, UsageError } from "../../src/errors.ts";
import { CallQueue } from "../../src/protocol/call-queue.ts";
import { Content } from "../../src/protocol/content-assembler.ts";
import type { ClientMethod, ServerMethod } from "../../src/wire/generated/methods.ts";
import { raised } from "../wire/octets.ts";
import { BIND, call, DECLARE, DECLARE_OK } from "./support.ts";

const BIND_OK: ServerMethod = { name: "queue.bind-ok" };
const GET: ClientMethod = { name: "basic.get", queue: "q", noAck: true };

function queue(): { calls: CallQueue<string[]>; sent: string[] } {
  const sent: string[] = [];
  const calls = new CallQueue(sent, { send: (owner, method) => owner.push(method.name) });
  return { calls, sent };
}

describe("CallQueue", () => {
  it("sends one call at a time, in order", () => {
    const { calls, sent } = queue();
    const asked = [call(DECLARE), call(BIND), call(DECLARE)];
    for (const each of asked) calls.add(each);
    expect(sent).to.deep.equal(["queue.declare"]);
    expect(calls.pending).to.equal(asked[0]);
    calls.reply(DECLARE_OK);
    expect(asked.map(({ ending }) => ending)).to.deep.equal(["queue.declare-ok", "open", "open"]);
    expect(sent).to.deep.equal(["queue.declare", "queue.bind"]);
    calls.reply(BIND_OK);
    calls.reply(DECLARE_OK);
    expect(asked.map(({ ending }) => ending)).to.deep.equal([
      "queue.declare-ok",
      "queue.bind-ok",
      "queue.declare-ok",
    ]);
    expect(calls.pending).to.equal(undefined);
  });

  it("hands on the content of a reply, and takes any of several replies", () => {
    const { calls } = queue();
    const asked = [call(GET), call(GET)];
    for (const each of asked) calls.add(each);
    const ok = {
      name: "basic.get-ok",
      deliveryTag: 1,
      redelivered: false,
      exchange: "",
      routingKey: "q",
      messageCount: 0,
    } as const;
    const content = new Content(ok, {}, new Uint8Array(3), new Uint8Array(2));
    calls.reply(ok, content);
    calls.reply({ name: "basic.get-empty" });
    expect(asked[0]?.replies).to.deep.equal([{ method: ok, content }]);
    expect(asked[1]?.replies).to.deep.equal([
      { method: { name: "basic.get-empty" }, content: undefined },
    ]);
  });

  it("sends what expects no reply in its turn, and the next one at once", () => {
    const { calls, sent } = queue();
    const told: string[] = [];
    const silent = (name: string) => ({ ...call(BIND), sent: () => told.push(name) });
    calls.add(silent("first"));
    calls.add(call(DECLARE));
    const second = calls.add(silent("second"));
    calls.add(silent("third"));
    calls.add(call(GET));
    expect([told, second.waits]).to.deep.equal([["first"], true]);
    calls.reply(DECLARE_OK);
    expect(told).to.deep.equal(["first", "second", "third"]);
    expect(sent.slice(2)).to.deep.equal(["queue.bind", "queue.bind", "basic.get"]);
    expect(second.waits).to.equal(false);
    expect(calls.pending?.method.name).to.equal("basic.get");
  });

  it("tells of each reply before its call is answered; what is wrong with it stays with the call", () => {
    const events: string[] = [];
    const calls = new CallQueue(events, {
      send: () => {},
      answered: (owner, method, reply) => {
        owner.push(`${method.name} ${reply.name}`);
        if (owner.length === 2) throw new UsageError("no");
      },
    });
    const asked = [call(DECLARE), call(BIND)];
    for (const each of asked) calls.add({ ...each, resolve: () => events.push("resolved") });
    calls.reply(DECLARE_OK);
    expect(events).to.deep.equal(["queue.declare queue.declare-ok", "resolved"]);
    events.length = 1;
    expect(() => calls.reply(BIND_OK)).to.throw(UsageError);
    expect(calls.pending?.method).to.equal(BIND);
    calls.rejectAll(new AbortError("over"));
    expect(asked[1]?.errors).to.have.length(1);
  });

  it("raises 503 for a reply that answers nothing", () => {
    const { calls } = queue();
    const error = raised(ProtocolError, () => calls.reply(DECLARE_OK));
    expect(error.replyCode).to.equal(503);
    expect(error.expected).to.equal("no reply");
    expect(error.got).to.equal("queue.declare-ok");
  });

  it("raises 503 for a reply to something else, and the call goes on waiting", () => {
    const { calls } = queue();
    const asked = call(GET);
    calls.add(asked);
    const error = raised(ProtocolError, () => calls.reply(DECLARE_OK));
    expect(error.replyCode).to.equal(503);
    expect(error.expected).to.equal("basic.get-ok or basic.get-empty");
    expect(asked.ending).to.equal("open");
    expect(calls.pending).to.equal(asked);
  });

  it("rejects a call that cannot be encoded, and no other", () => {
    const sent: string[] = [];
    const calls = new CallQueue(sent, {
      send: (owner, method) => {
        if (method.name === "queue.bind") throw new UsageError("queue is too long");
        owner.push(method.name);
      },
    });
    const asked = [call(DECLARE), call(BIND), call(BIND), call(DECLARE)];
    for (const each of asked) calls.add(each);
    calls.reply(DECLARE_OK);
    expect(asked.map(({ ending }) => ending)).to.deep.equal([
      "queue.declare-ok",
      "UsageError",
      "UsageError",
      "open",
    ]);
    expect(sent).to.deep.equal(["queue.declare", "queue.declare"]);
  });

  it("rejects all, sent or not, when no reply will come", () => {
    const { calls, sent } = queue();
    const asked = [call(DECLARE), call(BIND), call(DECLARE)];
    for (const each of asked) calls.add(each);
    calls.rejectAll(new AbortError("over"));
    expect(asked.map(({ ending }) => ending)).to.deep.equal(Array(3).fill("AbortError"));
    expect(sent).to.deep.equal(["queue.declare"]);
    expect(calls.pending).to.equal(undefined);
    calls.rejectAll(new AbortError("over"));
    expect(asked.map(({ ending }) => ending)).to.deep.equal(Array(3).fill("AbortError"));
  });

  it("forgets what was not sent, and only that", () => {
    const { calls, sent } = queue();
    const [first, second, third] = [call(DECLARE), call(BIND), call(DECLARE)] as const;
    const handles = [first, second, third].map((each) => calls.add(each));
    expect(handles.map(({ waits }) => waits)).to.deep.equal([false, true, true]);
    handles[0]?.withdraw();
    handles[1]?.withdraw();
    handles[1]?.withdraw();
    expect(handles.map(({ waits }) => waits)).to.deep.equal([false, false, true]);
    calls.reply(DECLARE_OK);
    calls.reply(DECLARE_OK);
    expect(sent).to.deep.equal(["queue.declare", "queue.declare"]);
    expect([first, second, third].map(({ ending }) => ending)).to.deep.equal([
      "queue.declare-ok",
      "open",
      "queue.declare-ok",
    ]);
  });
});
