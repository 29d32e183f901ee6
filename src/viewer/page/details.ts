/** The selected event: what it is, what belongs to it, its fields explained, its octets coloured. */
import type { LinkItem } from "../../dissect/model.ts";
import type { EventRecord } from "../records.ts";
import type { Conversation, EventRow } from "./conversation.ts";
import { element } from "./dom.ts";
import { LINE, type ListedField, listFields, octetLines, type Segment } from "./octets.ts";
import { count, duration, octetsOf, placeOf, shownValue, titleOf, visible } from "./words.ts";

/** How many octets are shown at first, and how many links. */
const MAX_OCTETS = 4096;
const MAX_LINKS = 20;

/** The panel beside the diagram. */
export class Details {
  readonly element: HTMLElement = element("section", {
    ...{ class: "details", "aria-label": "The selected frame", tabindex: -1 },
  });
  readonly #conversation: Conversation;
  readonly #goTo: (id: number) => void;
  readonly #close = element(
    "button",
    { class: "close", type: "button", title: "Close ( Esc )", "aria-label": "Close the details" },
    "✕",
  );
  /** Says that the filter leaves the event out. */
  readonly #absent = element("p", { class: "absent", role: "status" });

  constructor(conversation: Conversation, goTo: (id: number) => void, onClose: () => void) {
    this.#conversation = conversation;
    this.#goTo = goTo;
    this.clear();
    this.#close.addEventListener("click", onClose);
    this.element.addEventListener("mouseover", ({ target }) => this.#light(target as Element));
    this.element.addEventListener("mouseleave", () => this.#light(undefined));
    this.element.addEventListener("focusin", ({ target }) => this.#light(target as Element));
    this.element.addEventListener("keydown", (event) => this.#moveFocus(event));
  }

  /** Shows an event; where the focus was on what goes away, the panel has it. */
  show(row: EventRow): void {
    const { event } = row;
    const hadFocus = this.element.contains(document.activeElement);
    const listed = listFields(this.#conversation.fieldsOf(event));
    this.element.classList.remove("empty");
    this.tell(true);
    this.element.replaceChildren(
      ...[this.#close, this.#absent],
      ...this.#about(row),
      ...this.#links(row),
      element("h3", {}, "Octets"),
      ...this.#octets(event, listed, MAX_OCTETS),
      element("h3", {}, "Fields"),
      element(
        "ul",
        { class: "fields" },
        ...listed.map((field, place) => this.#field(field, place)),
      ),
    );
    this.element.scrollTop = 0;
    if (hadFocus) this.element.focus({ preventScroll: true });
  }

  /** Shows no event: then it is a line that says what is there to see. */
  clear(): void {
    this.element.classList.add("empty");
    const hint = "Select a frame to see its octets, and what each field means.";
    this.element.replaceChildren(element("p", { class: "hint" }, hint));
  }

  /** Says whether the event is among those in the diagram. */
  tell(isListed: boolean): void {
    const all = element("kbd", {}, "Esc");
    this.#absent.replaceChildren(
      ...(isListed ? [] : ["Not among the frames that the filter leaves. ", all, " shows all."]),
    );
  }

  /** Moves the focus to the first field. */
  focus(): void {
    const first = this.element.querySelector<HTMLElement>("[data-field][tabindex]");
    (first ?? this.element).focus();
  }

  #about({ event, message }: EventRow): HTMLElement[] {
    const { from, offset, length, time, error } = event;
    const to = from === "client" ? "server" : "client";
    const when = time === undefined ? "" : new Date(time).toISOString().replace("T", " ");
    const facts = [
      `${from} → ${to}, ${placeOf(event)}`,
      `${count(length, "octet")}, after ${count(offset, "octet")} of its direction`,
      when,
      message === undefined
        ? ""
        : `a message of ${count(message.size, "octet")} in ${count(message.bodies, "body frame")}`,
    ];
    const doc = this.#conversation.text(event.text);
    return [
      element("h2", {}, `${event.id} · ${titleOf(event)}`),
      ...facts.filter(Boolean).map((fact) => element("p", { class: "fact" }, fact)),
      ...(doc === undefined ? [] : [element("p", { class: "about" }, doc)]),
      ...(error === undefined
        ? []
        : [
            element("p", { class: "error" }, `At octet ${error.offset}: ${visible(error.message)}`),
          ]),
    ];
  }

  #links({ next, previous }: EventRow): HTMLElement[] {
    const all = [
      ...next.map((link) => this.#link(link, link.second)),
      ...previous.map((link) => this.#link(link, link.first)),
    ];
    if (all.length === 0) return [];
    const more = all.length - MAX_LINKS;
    const list = element("ul", { class: "links" }, ...all.slice(0, MAX_LINKS));
    if (more > 0) list.append(element("li", {}, `and ${more.toLocaleString("en-US")} more`));
    return [list];
  }

  #link(link: LinkItem, to: number): HTMLElement {
    const said = `${describe(link, to === link.second)} `;
    const latency = link.latencyMs === undefined ? "" : `, ${duration(link.latencyMs)}`;
    const target = this.#conversation.events.get(to);
    if (target === undefined) {
      return element("li", {}, `${said}event ${to}, which is not in this page${latency}`);
    }
    const button = element("button", { type: "button" }, `${to} · ${titleOf(target.event)}`);
    button.addEventListener("click", () => this.#goTo(to));
    return element("li", {}, said, button, latency);
  }

  #octets(event: EventRecord, listed: readonly ListedField[], most: number): HTMLElement[] {
    const all = octetsOf(event);
    const octets = all.subarray(0, most);
    const wrong = event.error?.offset;
    const lines = octetLines(octets.length, listed, wrong);
    const table = element("div", { class: "octets", role: "group", "aria-label": "Octets" });
    const hex = (it: Segment): Node => {
      const isShown = !isHidden(listed[it.field ?? -1]);
      return segment(it, listed, isShown ? hexOf(octets, it) : maskOf(it));
    };
    lines.forEach((line, i) => {
      const offset = (i * LINE).toString(16).padStart(4, "0");
      table.append(
        element("span", { class: "at" }, offset),
        element("span", {}, ...line.flatMap((it) => [hex(it), " "])),
        element("span", {}, ...line.map((it) => segment(it, listed, asciiOf(octets, it)))),
      );
    });
    const shown = element("div", {}, table);
    if (octets.length < all.length) {
      const button = element("button", { type: "button" }, `Show ${count(all.length, "octet")}`);
      button.addEventListener("click", () => {
        shown.replaceWith(...this.#octets(event, listed, all.length));
        this.element.focus({ preventScroll: true });
      });
      shown.append(button);
    }
    const left = event.length - all.length;
    const note = `${count(left, "more octet")} ${left === 1 ? "is" : "are"} not in this page.`;
    return left > 0 ? [shown, element("p", { class: "hint" }, note)] : [shown];
  }

  #field(listed: ListedField, place: number): HTMLElement {
    const { field, depth } = listed;
    const { name, domain, type, text, reserved, secret } = field.shape;
    const kind = domain === type || domain === "field-value" ? type : `${domain}, ${type}`;
    const marks = [kind, reserved && "reserved", secret && "secret"].filter(Boolean).join(", ");
    const doc = this.#conversation.text(text);
    const value = field.children.length > 0 ? "" : shownValue(field);
    const item = element(
      "li",
      { "data-field": place, tabindex: place === 0 ? 0 : -1, class: depth > 0 ? "nested" : "" },
      element(
        "div",
        { class: "field" },
        element("span", { class: `name ${colourOf(listed)}` }, visible(name)),
        element("span", { class: "value" }, value),
        element("span", { class: "kind" }, marks),
      ),
      ...(doc === undefined ? [] : [element("p", { class: "doc" }, doc)]),
    );
    item.style.marginLeft = `${depth}rem`;
    return item;
  }

  /** Marks a field and its octets, wherever one of them is pointed at. */
  #light(target: Element | undefined): void {
    const field = target?.closest("[data-field]")?.getAttribute("data-field");
    for (const lit of this.element.querySelectorAll(".lit")) lit.classList.remove("lit");
    if (!field) return;
    for (const it of this.element.querySelectorAll(`[data-field="${field}"]`)) {
      it.classList.add("lit");
    }
  }

  #moveFocus(event: KeyboardEvent): void {
    const { key } = event;
    // The browser scrolls the panel; the diagram stays.
    if (key === "PageDown" || key === "PageUp") return event.stopPropagation();
    const items = [...this.element.querySelectorAll<HTMLElement>("li[data-field]")];
    const place = items.indexOf(document.activeElement as HTMLElement);
    if (place < 0) return;
    const to = { ArrowDown: place + 1, j: place + 1, ArrowUp: place - 1, k: place - 1 }[key];
    const end = { Home: 0, g: 0, End: items.length - 1, G: items.length - 1 }[key];
    if (to === undefined && end === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = items[to ?? (end as number)];
    if (next === undefined) return;
    items[place]?.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  }
}

function describe({ link, outcome, deliveryTag, multiple }: LinkItem, isNext: boolean): string {
  if (link === "return") return isNext ? "returned by" : "returns the message of";
  if (link === "reply") return isNext ? "answered by" : "answers";
  const verb = outcome === "ack" ? "confirm" : "refuse";
  const tag = `delivery tag ${deliveryTag}${multiple ? ", multiple" : ""}`;
  return isNext
    ? `${verb === "refuse" ? "refused" : "confirmed"} (${tag}) by`
    : `${verb}s (${tag})`;
}

function colourOf({ colour }: ListedField): string {
  return colour === undefined ? "frame" : `c${colour}`;
}

function segment({ field, isWrong }: Segment, listed: readonly ListedField[], text: string): Node {
  const owner = field === undefined ? undefined : listed[field];
  const colour = owner === undefined ? "" : colourOf(owner);
  const name = owner === undefined ? "" : visible(owner.field.shape.name);
  const title = isWrong ? `${name}: this octet is wrong` : name;
  const attributes = { class: `${colour}${isWrong ? " wrong" : ""}`, "data-field": field, title };
  return element("span", attributes, text);
}

/** A secret; its octets, and those that say how many they are, are not in the page. */
function isHidden(listed: ListedField | undefined): boolean {
  return listed?.field.shape.secret === true && listed.field.value === undefined;
}

function maskOf({ from, end }: Segment): string {
  return Array(end - from)
    .fill("**")
    .join(" ");
}

function hexOf(octets: Uint8Array, { from, end }: Segment): string {
  const pairs = Array.from(octets.subarray(from, end), (it) => it.toString(16).padStart(2, "0"));
  return pairs.join(" ");
}

function asciiOf(octets: Uint8Array, { from, end }: Segment): string {
  const letters = Array.from(octets.subarray(from, end), (it) =>
    it > 0x1f && it < 0x7f ? String.fromCharCode(it) : "·",
  );
  return letters.join("");
}
