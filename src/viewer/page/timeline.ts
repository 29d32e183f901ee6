/**
 * The sequence diagram: time runs down, a row for each event, a lane for each channel. Only the rows
 * within sight are in the document, however many there are.
 */
import type { LinkItem } from "../../dissect/model.ts";
import type { Conversation, EventRow, Row } from "./conversation.ts";
import { drawn, element } from "./dom.ts";
import { isProblem } from "./filter.ts";
import { type Lane, laneKey, lanesOf, rowsInSight, widthsOf } from "./lanes.ts";
import { argumentsOf, outcomesOf, placeOf, titleOf, visible } from "./words.ts";

/** The same as in style.css, in pixels. */
const ROW_HEIGHT = 34;
const GUTTER = 132;
const OUTCOME = 176;

/** How many links of one event are drawn: an acknowledgement may have thousands. */
const MAX_CURVES = 50;

/** Draws rows, and knows which of them is selected. */
export class Timeline {
  readonly element: HTMLElement;
  readonly #conversation: Conversation;
  readonly #onSelect: (row: EventRow) => void;
  readonly #head = element("div", { class: "lane-heads", "aria-hidden": "true" });
  readonly #body = element("div", { class: "rows", role: "presentation" });
  readonly #lines = element("div", { class: "lifelines" });
  readonly #curves = drawn("svg", { class: "curves", "aria-hidden": "true" });
  readonly #drawn = new Map<number, HTMLElement>();
  #rows: readonly Row[] = [];
  /** The places of the events, by their ids. */
  #byId = new Map<number, number>();
  #lanes: Lane[] = [];
  #places = new Map<string, number>();
  #laneWidth = 0;
  #selected = -1;
  #frame = 0;

  constructor(conversation: Conversation, onSelect: (row: EventRow) => void) {
    this.#conversation = conversation;
    this.#onSelect = onSelect;
    this.#body.append(this.#lines, this.#curves);
    const label = "Frames, from the first to the last";
    this.element = element(
      "div",
      { class: "timeline", role: "listbox", tabindex: 0, "aria-label": label },
      this.#head,
      this.#body,
    );
    this.element.addEventListener("scroll", () => this.#drawSoon());
    this.#body.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.#layOut()).observe(this.element);
  }

  /** The row that is selected, if it is an event. */
  get selected(): EventRow | undefined {
    const row = this.#rows[this.#selected];
    return row?.kind === "event" ? row : undefined;
  }

  /** Shows other rows; what was selected stays so if it is among them. */
  show(rows: readonly Row[]): void {
    const selected = this.selected;
    this.#rows = rows;
    this.#byId = new Map(
      rows.flatMap((row, i) => (row.kind === "event" ? [[row.event.id, i]] : [])),
    );
    this.#selected = selected === undefined ? -1 : rows.indexOf(selected);
    ({ lanes: this.#lanes, places: this.#places } = lanesOf(rows));
    this.#layOut();
    if (this.#selected >= 0) this.#reveal();
    else this.element.scrollTop = 0;
  }

  /** Selects the event with this id; false if it is not shown. */
  selectEvent(id: number): boolean {
    const place = this.#byId.get(id);
    if (place === undefined) return false;
    this.#select(place);
    return true;
  }

  /** Selects the next event that many rows away, or the last on the way there. */
  move(by: number): void {
    const step = Math.sign(by);
    let place = this.#selected < 0 && step > 0 ? -1 : this.#selected;
    let left = Math.abs(by);
    for (let i = place + step; i >= 0 && i < this.#rows.length && left > 0; i += step) {
      if (this.#rows[i]?.kind !== "event") continue;
      place = i;
      left--;
    }
    if (place >= 0 && place !== this.#selected) this.#select(place);
  }

  /** Selects the next event for which something holds, going round at the end. */
  find(by: 1 | -1, wanted: (row: EventRow) => boolean): void {
    const { length } = this.#rows;
    for (let i = 1; i <= length; i++) {
      const place = (Math.max(this.#selected, by < 0 ? 0 : -1) + by * i + length * 2) % length;
      const row = this.#rows[place];
      if (row?.kind === "event" && wanted(row)) return this.#select(place);
    }
  }

  /** How many rows are within sight. */
  get page(): number {
    return Math.max(1, Math.floor(this.element.clientHeight / ROW_HEIGHT) - 3);
  }

  #select(place: number): void {
    this.#selected = place;
    this.#reveal();
    this.#draw(true);
    const row = this.selected;
    if (row !== undefined) this.#onSelect(row);
  }

  #click(event: MouseEvent): void {
    const target = event.target as Element;
    const to = target.closest("[data-to]")?.getAttribute("data-to");
    if (to && this.selectEvent(Number(to))) return;
    const place = target.closest("[data-row]")?.getAttribute("data-row");
    if (place && this.#rows[Number(place)]?.kind === "event") this.#select(Number(place));
  }

  /** Scrolls until the selected row is within sight, in both directions. */
  #reveal(): void {
    const view = this.element;
    const head = this.#head.offsetHeight;
    const top = this.#selected * ROW_HEIGHT;
    const room = view.clientHeight - head;
    if (top < view.scrollTop + ROW_HEIGHT) view.scrollTop = top - ROW_HEIGHT;
    else if (top + 2 * ROW_HEIGHT > view.scrollTop + room) {
      view.scrollTop = top + 2 * ROW_HEIGHT - room;
    }
    const row = this.selected;
    if (row === undefined) return;
    const left = this.#placeOf(row) * this.#laneWidth;
    const width = view.clientWidth - GUTTER - OUTCOME;
    if (left < view.scrollLeft) view.scrollLeft = left;
    else if (left + this.#laneWidth > view.scrollLeft + width) {
      view.scrollLeft = left + this.#laneWidth - width;
    }
  }

  #placeOf({ event }: EventRow): number {
    return this.#places.get(laneKey(event)) ?? 0;
  }

  #layOut(): void {
    const room = this.element.clientWidth - GUTTER - OUTCOME;
    const { lane, lanes } = widthsOf(this.#lanes.length, room);
    this.#laneWidth = lane;
    const width = `${GUTTER + lanes + OUTCOME}px`;
    this.#head.style.width = width;
    this.#body.style.width = width;
    this.#body.style.height = `${this.#rows.length * ROW_HEIGHT}px`;
    this.element.style.setProperty("--lane", `${lane}px`);
    this.#head.replaceChildren(
      element(
        "div",
        { class: "gutter" },
        element("span", {}, "event"),
        element("span", {}, "seconds"),
      ),
      ...this.#lanes.map((it) => this.#laneHead(it)),
      element("div", { class: "outcome" }, "what came of it"),
    );
    this.#lines.replaceChildren(...this.#lanes.map(() => element("div", { class: "lifeline" })));
    this.#draw(true);
  }

  #laneHead({ connection, channel }: Lane): HTMLElement {
    const known = this.#conversation.connections.get(connection);
    const what = channel === 0 ? "the connection itself" : `channel ${channel}`;
    return element(
      "div",
      { class: "lane-head" },
      element("strong", {}, `${connection} · ${what}`),
      element(
        "span",
        { class: "ends" },
        element("span", {}, `client ${this.#laneWidth > 400 ? (known?.client ?? "") : ""}`),
        element("span", {}, `${this.#laneWidth > 400 ? (known?.server ?? "") : ""} server`),
      ),
    );
  }

  #drawSoon(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw(false);
    });
  }

  /** Puts the rows within sight into the document and takes the others out of it. */
  #draw(all: boolean): void {
    const { scrollTop, clientHeight } = this.element;
    const { first, end } = rowsInSight(scrollTop, clientHeight, ROW_HEIGHT, this.#rows.length);
    for (const [place, drawnRow] of this.#drawn) {
      if (!all && place >= first && place < end) continue;
      drawnRow.remove();
      this.#drawn.delete(place);
    }
    const added: HTMLElement[] = [];
    for (let place = first; place < end; place++) {
      if (this.#drawn.has(place)) continue;
      const made = this.#row(place, this.#rows[place] as Row);
      made.style.top = `${place * ROW_HEIGHT}px`;
      this.#drawn.set(place, made);
      added.push(made);
    }
    this.#body.append(...added);
    if (all) this.#drawCurves();
    const isDrawn = this.#drawn.has(this.#selected);
    if (isDrawn) this.element.setAttribute("aria-activedescendant", `row-${this.#selected}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  #row(place: number, row: Row): HTMLElement {
    if (row.kind === "note") {
      const note = `row note${row.isNotice ? " notice" : ""}`;
      return element(
        "div",
        { class: note, role: "presentation" },
        element("span", {}, visible(row.text)),
      );
    }
    const { event } = row;
    const title = titleOf(event);
    const details = argumentsOf(this.#conversation, event);
    const outcomes = outcomesOf(row);
    const problem = isProblem(this.#conversation, row) ? " problem" : "";
    const wrong = event.error !== undefined || event.type === "undecodable" ? " wrong" : "";
    const seconds = this.#seconds(event.time);
    const said = [
      ...[`event ${event.id}`, seconds && `${seconds} s`, placeOf(event), `${event.from} sends`],
      ...[title, details, ...outcomes.map(({ text }) => text)],
      event.error === undefined ? "" : `error: ${event.error.message}`,
    ];
    const arrow = element(
      "div",
      { class: `arrow ${event.from} ${event.type}` },
      element("span", { class: "label" }, element("b", {}, title), " ", visible(details)),
    );
    const left = this.#placeOf(row) * this.#laneWidth;
    arrow.style.marginLeft = `${left}px`;
    arrow.style.setProperty("--room", `${this.#lanes.length * this.#laneWidth - left - 60}px`);
    return element(
      "div",
      {
        ...{ class: `row event${problem}${wrong}`, role: "option", id: `row-${place}` },
        ...{ "data-row": place, "aria-selected": String(place === this.#selected) },
        ...{ "aria-setsize": this.#rows.length, "aria-posinset": place + 1 },
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
  }

  #seconds(time: number | undefined): string {
    if (time === undefined) return "";
    return ((time - (this.#conversation.start ?? 0)) / 1000).toFixed(6);
  }

  /** From the selected event to those that it belongs to. */
  #drawCurves(): void {
    const row = this.selected;
    const links = row === undefined ? [] : [...row.next, ...row.previous].slice(0, MAX_CURVES);
    const curves = links.flatMap((link) => this.#curve(link));
    this.#curves.replaceChildren(...curves);
  }

  #curve({ first, second, link, outcome }: LinkItem): SVGElement[] {
    const ends = [first, second].flatMap((id) => this.#byId.get(id) ?? []) as [number, number];
    if (ends.length < 2) return [];
    const [from, to] = ends.map((place) => (place + 0.5) * ROW_HEIGHT) as [number, number];
    const row = this.#rows[ends[0]] as EventRow;
    const x = GUTTER + (this.#placeOf(row) + 1) * this.#laneWidth - 16;
    const bulge = Math.min(40, 12 + (to - from) / 12);
    const d = `M ${x} ${from} C ${x + bulge} ${from}, ${x + bulge} ${to}, ${x} ${to}`;
    const mood = outcome === "nack" ? "bad" : outcome === "ack" ? "good" : link;
    return [
      drawn("path", { d, class: mood }),
      drawn("circle", { cx: x, cy: to, r: 3.5, class: mood }),
    ];
  }
}
