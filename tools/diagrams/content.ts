/** Content on its way in: ContentAssembler is code, so each input is tried in each of its states. */
import { ContentAssembler, type Payload } from "../../src/protocol/content-assembler.ts";
import type { BasicReturn } from "../../src/wire/generated/methods.ts";
import { Output } from "../../src/wire/output.ts";
import { writeContentHeader } from "../../src/wire/properties.ts";
import { stateDiagram, table } from "./drawing.ts";
import { legend, refusal } from "./lives.ts";

/** The states of an assembler, drawn and as a table. */
export function contentDrawing(): string {
  const tried = STATES.map(([from, path]) =>
    INPUTS.map(([label, input]) => ({ from, label, to: tryInput(path, input) })),
  );
  const edges = tried.flat().filter(({ to }) => STATES.some(([state]) => state === to));
  const rows = INPUTS.map(([label], i) => [label, ...tried.map((row) => row[i]?.to as string)]);
  const head = ["", ...STATES.map(([state]) => `**${state}**`)];
  return [stateDiagram("LR", "idle", edges), table(head, rows), legend(rows)].join("\n\n");
}

type Input = (assembler: ContentAssembler) => unknown;

const METHOD: BasicReturn = {
  name: "basic.return",
  replyCode: 312,
  replyText: "NO_ROUTE",
  exchange: "",
  routingKey: "",
};
const method: Input = (assembler) => assembler.begin(METHOD);
const header =
  (size: number): Input =>
  (assembler) =>
    assembler.header(headerOf(size));
const body =
  (size: number): Input =>
  (assembler) =>
    assembler.body({ bytes: new Uint8Array(size), start: 0, end: size });

/** How to get into each state. */
const STATES: readonly (readonly [string, readonly Input[]])[] = [
  ["idle", []],
  ["header", [method]],
  ["body", [method, header(8)]],
];

const INPUTS: readonly (readonly [string, Input])[] = [
  ["method with content", method],
  ["header, empty body", header(0)],
  ["header, a body follows", header(8)],
  ["header, larger than allowed", header(1000)],
  ["body, more follows", body(4)],
  ["body, the last", body(8)],
  ["body, too long", body(9)],
];

/** The state that an input leads to, found out by what is accepted next, or the error. */
function tryInput(path: readonly Input[], input: Input): string {
  const play = (...inputs: readonly Input[]): void => {
    const assembler = new ContentAssembler(100);
    for (const each of [...path, ...inputs]) each(assembler);
  };
  const accepts = (next: Input): boolean => {
    try {
      play(input, next);
      return true;
    } catch {
      return false;
    }
  };
  if (accepts(method)) return "idle";
  if (accepts(header(0))) return "header";
  return accepts(body(1)) ? "body" : refusal(() => play(input));
}

function headerOf(bodySize: number): Payload {
  const output = new Output();
  writeContentHeader(output.writer, bodySize, {});
  const bytes = new Uint8Array(Buffer.concat(output.take()));
  return { bytes, start: 0, end: bytes.length };
}
