/**
 * What the client wrote, frame by frame, and which publish each basic.publish is. Publishes of a
 * channel go out in the order of their calls, without those that the client gave up as `unsent` or
 * refused for their arguments; so the next one with the same content is the one. Rules that need no
 * more than this are checked here: frame sizes, order within a channel, what may follow a close,
 * and when a channel number may be used again.
 */
import { type Command, CommandStream, FrameStream } from "./frames.ts";
import type { Heard } from "./heard.ts";
import type { Entry, Message } from "./transcript.ts";

/** One command of the client on the wire. */
export interface WrittenCommand {
  readonly channel: number;
  readonly command: Command;
  /** The publisher or channel whose it is; undefined on channel 0. */
  readonly member: number | undefined;
  /** The publish that it is. */
  readonly publish: number | undefined;
}

/** Everything written. */
export interface Written {
  /** Channels, by their member, for which channel.close is written sooner or later. */
  readonly closes: ReadonlySet<number>;
  /** The reply code of connection.close, where that is written; 200 is the application's own. */
  readonly closeCode: number | undefined;
  /** The commands that a `wrote` entry completes, by the entry's place in the transcript. */
  readonly commands: ReadonlyMap<number, readonly WrittenCommand[]>;
  /** The publishes that were written, sooner or later, and the places of their entries. */
  readonly publishes: ReadonlyMap<number, number>;
  readonly problems: readonly string[];
}

/** Reads all octets that the client wrote. */
export function readWritten(transcript: readonly Entry[], heard: Heard, frameMax: number): Written {
  const reader = new WrittenReader(transcript, heard, frameMax);
  transcript.forEach((entry, at) => {
    try {
      reader.read(entry, at);
    } catch (error) {
      reader.problems.push(`what the client wrote cannot be read: ${(error as Error).message}`);
    }
  });
  return reader;
}

interface Submitted {
  readonly id: number;
  readonly message: Message;
  settled: boolean;
}

class WrittenReader implements Written {
  readonly commands: Map<number, readonly WrittenCommand[]> = new Map();
  /** The entries that write them. */
  readonly publishes: Map<number, number> = new Map();
  readonly closes: Set<number> = new Set();
  closeCode: number | undefined;
  readonly problems: string[] = [];
  readonly #frames: FrameStream;
  /** Publishes that the client says it never wrote. */
  readonly #disowned: Set<number>;
  readonly #contents: Map<number, CommandStream> = new Map();
  /** Openings whose channel.open was not written yet. */
  #openings: number[] = [];
  /** Whose a channel number is. */
  readonly #members: Map<number, number> = new Map();
  readonly #submitted: Map<number, Submitted[]> = new Map();
  readonly #byId: Map<number, Submitted> = new Map();
  readonly #closing: Set<number> = new Set();
  readonly #owesCloseOk: Set<number> = new Set();
  #connectionEnd: "close" | "close-ok" | undefined;
  #at = 0;
  readonly #heard: Heard;

  constructor(transcript: readonly Entry[], heard: Heard, frameMax: number) {
    this.#frames = new FrameStream("client", frameMax);
    this.#heard = heard;
    this.#disowned = new Set(transcript.flatMap(disowned));
  }

  read(entry: Entry, at: number): void {
    this.#at = at;
    switch (entry.what) {
      case "opens":
        this.#openings.push(entry.member);
        break;
      case "opening failed":
        // All channels are in use, or the connection is over: nothing was written.
        this.#openings = this.#openings.filter((member) => member !== entry.member);
        break;
      case "publishes": {
        const { id, member, message } = entry;
        const submitted = { id, message, settled: false };
        this.#byId.set(id, submitted);
        this.#submitted.set(member, [...(this.#submitted.get(member) ?? []), submitted]);
        break;
      }
      case "said":
        (this.#byId.get(entry.id) as Submitted).settled = true;
        break;
      case "delivered":
        for (const frame of this.#heard.get(at) ?? []) {
          if (frame.type !== "method") continue;
          if (frame.method.name === "channel.close") this.#owesCloseOk.add(frame.channel);
          if (frame.method.name === "channel.close-ok") {
            this.#members.delete(frame.channel);
            this.#closing.delete(frame.channel);
          }
        }
        break;
      case "wrote":
        this.commands.set(at, this.#read(entry.octets));
        break;
      default:
        break;
    }
  }

  #read(octets: Uint8Array): WrittenCommand[] {
    const commands: WrittenCommand[] = [];
    for (const frame of this.#frames.push(octets)) {
      const { channel } = frame;
      if (frame.type === "heartbeat") {
        if (channel !== 0) this.problems.push("a heartbeat on a channel");
        continue;
      }
      let content = this.#contents.get(channel);
      if (content === undefined) {
        content = new CommandStream();
        this.#contents.set(channel, content);
      }
      const command = content.push(frame);
      if (command !== undefined) commands.push(this.#place(channel, command));
    }
    return commands;
  }

  #place(channel: number, command: Command): WrittenCommand {
    const { name } = command.method;
    if (this.#connectionEnd !== undefined) {
      const allowed = this.#connectionEnd === "close" && name === "connection.close-ok";
      if (!allowed)
        this.problems.push(`${name} was written after connection.${this.#connectionEnd}`);
    }
    if (command.method.name === "connection.close") {
      this.#connectionEnd = "close";
      this.closeCode = command.method.replyCode;
    }
    if (name === "connection.close-ok") this.#connectionEnd = "close-ok";
    if (channel === 0) return nobodys(channel, command);
    if (name === "channel.close-ok") {
      // After both have closed, the number is free with the broker's close-ok only.
      if (!this.#closing.has(channel)) this.#members.delete(channel);
      if (this.#owesCloseOk.delete(channel)) return nobodys(channel, command);
      this.problems.push(`channel.close-ok on channel ${channel} answers nothing`);
    }
    if (name === "channel.open") {
      const member = this.#openings.shift();
      if (this.#members.has(channel)) this.problems.push(`channel ${channel} is still in use`);
      if (member === undefined) this.problems.push("a channel is opened for nobody");
      else this.#members.set(channel, member);
    }
    const member = this.#members.get(channel);
    if (member === undefined)
      this.problems.push(`${name} on channel ${channel}, which is not open`);
    if (this.#closing.has(channel)) {
      this.problems.push(`${name} was written after channel.close`);
    }
    if (name === "channel.close") {
      this.#closing.add(channel);
      if (member !== undefined) this.closes.add(member);
    }
    return { channel, command, member, publish: this.#publish(member, command) };
  }

  #publish(member: number | undefined, command: Command): number | undefined {
    if (command.method.name !== "basic.publish" || member === undefined) return undefined;
    const submitted = this.#submitted.get(member) ?? [];
    for (const [i, { id, message, settled }] of submitted.entries()) {
      if (this.#disowned.has(id)) continue;
      if (isSame(message, command)) {
        submitted.splice(0, i + 1);
        this.publishes.set(id, this.#at);
        return id;
      }
      if (!settled) this.problems.push(`publish ${id} was overtaken`);
    }
    this.problems.push(`member ${member} wrote a publish that nobody wants: ${command.body}`);
    return undefined;
  }
}

function nobodys(channel: number, command: Command): WrittenCommand {
  return { channel, command, member: undefined, publish: undefined };
}

function disowned(entry: Entry): number[] {
  if (entry.what === "threw") return [entry.id];
  if (entry.what !== "said") return [];
  const { ending } = entry.saying;
  return ending === "unsent" || ending === "usage" ? [entry.id] : [];
}

function isSame(message: Message, { method, properties, body }: Command): boolean {
  return (
    method.name === "basic.publish" &&
    method.exchange === message.exchange &&
    method.routingKey === message.routingKey &&
    method.mandatory === message.mandatory &&
    method.immediate === message.immediate &&
    body === message.body &&
    properties.appId === message.properties.appId &&
    properties.userId === message.properties.userId
  );
}
