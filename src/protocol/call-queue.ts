/**
 * Synchronous methods of one channel, one at a time and in order: a method is sent when the reply
 * to the one before has come. AMQP replies carry no correlation, so order is all there is to match
 * them by (specification section 2.2.3). A method that asks for no reply (`nowait`) keeps its place
 * in that order, and the next one follows at once.
 */
import { type AmqpError, ProtocolError } from "../errors.ts";
import { REPLY_CODE } from "../wire/generated/constants.ts";
import { METHODS } from "../wire/generated/method-table.ts";
import type { ClientMethod, ServerMethod } from "../wire/generated/methods.ts";
import type { Content } from "./content-assembler.ts";
import { Fifo } from "./fifo.ts";

/** What answers a call: a method, and the content that came with basic.get-ok. */
export interface Reply {
  readonly method: ServerMethod;
  readonly content: Content | undefined;
}

/** A synchronous method and who waits for its reply; neither may call back into the machines. */
export interface Call {
  readonly method: ClientMethod;
  /** It is in the output. Where there is such a function, that is all: no reply is awaited. */
  sent?(): void;
  resolve(reply: Reply): void;
  reject(error: AmqpError): void;
}

/** What can still be done about a call. */
export interface CallHandle {
  /** Whether it has not been sent yet, because others are before it. */
  readonly waits: boolean;
  /** Forgets it if it was not sent; one that was has to await its reply, or the order is lost. */
  withdraw(): void;
}

/** What a queue needs of whose calls they are; one object for all owners of a kind. */
export interface CallHooks<Owner> {
  /** Writes a method; what it raises goes to the call. */
  send(owner: Owner, method: ClientMethod): void;
  /** A reply answers its call, which is told afterwards; what it raises is the peer's mistake. */
  answered?(owner: Owner, method: ClientMethod, reply: ServerMethod): void;
}

/** The calls of one channel. */
export class CallQueue<Owner> {
  readonly #owner: Owner;
  readonly #hooks: CallHooks<Owner>;
  readonly #waiting = new Fifo<Call>();
  #pending: Call | undefined;

  constructor(owner: Owner, hooks: CallHooks<Owner>) {
    this.#owner = owner;
    this.#hooks = hooks;
  }

  /** The call that was sent and waits for its reply. */
  get pending(): Call | undefined {
    return this.#pending;
  }

  /** Sends the call, or queues it behind those that wait. */
  add(call: Call): CallHandle {
    this.#waiting.push(call);
    this.#sendNext();
    const place = (): number => this.#waiting.indexWhere((each) => each === call);
    return {
      get waits() {
        return place() >= 0;
      },
      withdraw: () => {
        const at = place();
        if (at >= 0) this.#waiting.takeAt(at);
      },
    };
  }

  /** Hands a reply to the call that it answers, and sends the next one. */
  reply(method: ServerMethod, content?: Content): void {
    const call = this.#pending;
    const replies: readonly string[] = call === undefined ? [] : METHODS[call.method.name].replies;
    if (call === undefined || !replies.includes(method.name)) {
      throw new ProtocolError(`${method.name} came, which answers nothing that was asked`, {
        replyCode: REPLY_CODE.commandInvalid,
        expected: replies.length === 0 ? "no reply" : replies.join(" or "),
        got: method.name,
      });
    }
    this.#hooks.answered?.(this.#owner, call.method, method);
    this.#pending = undefined;
    call.resolve({ method, content });
    this.#sendNext();
  }

  /** Rejects every call, sent or not: no reply will come. */
  rejectAll(error: AmqpError): void {
    this.#pending?.reject(error);
    this.#pending = undefined;
    for (let call = this.#waiting.shift(); call !== undefined; call = this.#waiting.shift()) {
      call.reject(error);
    }
  }

  #sendNext(): void {
    while (this.#pending === undefined) {
      const call = this.#waiting.shift();
      if (call === undefined) return;
      try {
        this.#hooks.send(this.#owner, call.method);
        if (call.sent === undefined) this.#pending = call;
        else call.sent();
      } catch (error) {
        call.reject(error as AmqpError);
      }
    }
  }
}
