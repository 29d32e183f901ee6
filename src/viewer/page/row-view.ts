/** The element of a row: of an event with its arrow, or of a note. */
import type { Conversation, EventRow, NoteRow } from "./conversation.ts";
import { element } from "./dom.ts";
import { isProblem } from "./filter.ts";
import { type Lane, laneName, type Sight } from "./lanes.ts";
import { argumentsOf, outcomesOf, placeOf, secondsOf, titleOf, visible } from "./words.ts";

/** A row in the document. */
export interface RowView {
  readonly element: HTMLElement;
  /** Puts the text where it can be read. */
  show(sight: Sight): void;
}

/** Where an event's row is among the others. */
export interface RowPlace {
  readonly place: number;
  /** Its number among the events that are shown, from 1; notes do not count. */
  readonly number: number;
  /** How many events are shown. */
  readonly count: number;
  readonly isSelected: boolean;
  /** The left of its lane, in pixels. */
  readonly left: number;
}

/** The row of an event. */
export function eventRow(conversation: Conversation, row: EventRow, at: RowPlace): RowView {
  const { event } = row;
  const title = titleOf(event);
  const details = argumentsOf(conversation, event);
  const outcomes = outcomesOf(row);
  const problem = isProblem(conversation, row) ? " problem" : "";
  const wrong = event.error !== undefined || event.type === "undecodable" ? " wrong" : "";
  const seconds = secondsOf(conversation, event.time);
  const said = [
    ...[`event ${event.id}`, seconds && `${seconds} s`, placeOf(event), `${event.from} sends`],
    ...[title, details, ...outcomes.map(({ text }) => text)],
    event.error === undefined ? "" : `error: ${event.error.message}`,
  ];
  const kind = `${event.from} ${event.type}`;
  const label = element("span", { class: "label" }, element("b", {}, title), " ", visible(details));
  const arrow = element("div", { class: `arrow ${kind}` }, label);
  arrow.style.marginLeft = `${at.left}px`;
  const lane: Lane = { connection: event.connection, channel: event.channel ?? 0 };
  let away: HTMLElement | undefined;
  const whole = element(
    "div",
    {
      ...{ class: `row event${problem}${wrong}`, role: "option", id: `row-${at.place}` },
      ...{ "data-row": at.place, "aria-selected": String(at.isSelected) },
      ...{ "aria-setsize": at.count, "aria-posinset": at.number },
      "aria-label": visible(said.filter(Boolean).join(", ")),
    },
    element(
      "div",
      { class: "gutter" },
      element("span", {}, `${event.id}`),
      element("span", {}, seconds),
    ),
    arrow,
    element(
      "div",
      { class: "outcome" },
      event.error === undefined
        ? undefined
        : element("span", { class: "bad", title: visible(event.error.message) }, "✗ error"),
      ...outcomes.slice(0, 2).map(({ text, mood, to }) => {
        const title = `${text}: go to event ${to}`;
        return element("span", { class: mood, "data-to": to, title }, text);
      }),
    ),
  );
  return {
    element: whole,
    show({ side, isAway, shift, room }) {
      away?.remove();
      whole.classList.toggle("out", isAway);
      label.style.setProperty("--room", `${room}px`);
      label.style.setProperty("--shift", `${shift}px`);
      label.classList.toggle("leftwards", side === "right");
      if (!isAway) return;
      away = element(
        "div",
        { class: `away ${side} ${kind}` },
        chip(lane, side),
        element("span", { class: "way" }, event.from === "client" ? "→" : "←"),
        label.cloneNode(true),
      );
      if (side === "left") arrow.before(away);
      else arrow.after(away);
    },
  };
}

/** The row of a note. */
export function noteRow(conversation: Conversation, { text, isNotice, time }: NoteRow): RowView {
  const seconds = isNotice ? secondsOf(conversation, time) : "";
  const shown = visible(text) + (seconds && ` · ${seconds} s`);
  const whole = element(
    "div",
    { class: `row note${isNotice ? " notice" : ""}`, role: "presentation" },
    element("div", { class: "gutter" }),
    element("span", { title: shown }, shown),
    element("div", { class: "outcome" }),
  );
  return { element: whole, show() {} };
}

/** Says in which lane a frame is that is out of sight, and on which side. */
function chip(lane: Lane, side: Sight["side"]): HTMLElement {
  const name = laneName(lane, true);
  const title = `${laneName(lane, false)} is further ${side}: click to go there`;
  return element("span", { class: "chip", title }, side === "left" ? `◂ ${name}` : `${name} ▸`);
}
