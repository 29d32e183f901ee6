/**
 * The sequence diagram: time runs down, a row for each event, a lane for each channel. Only the rows
 * within sight are in the document, however many there are.
 */
import type { LinkItem } from "../../dissect/model.ts";
import type { Conversation, EventRow, Row } from "./conversation.ts";
import { drawn, element } from "./dom.ts";
import {
  type Lane,
  laneKey,
  laneName,
  lanesOf,
  rowsInSight,
  type Sight,
  sightOf,
  widthsOf,
} from "./lanes.ts";
import { eventRow, noteRow, type RowView } from "./row-view.ts";
import { secondsOf } from "./words.ts";

/** The same as in style.css, in pixels. */
const ROW_HEIGHT = 34;
const OUTCOME = 176;

/** A diagram that is narrower has neither times nor outcomes beside its lanes, in pixels. */
const SMALL = 560;

/** Lanes that are narrower than this have short names, in pixels. */
const NARROW = 190;

/** How many links of one event are drawn: an acknowledgement may have thousands. */
const MAX_CURVES = 50;

/** Draws rows, and knows which of them is selected. */
export class Timeline {
  /** What scrolls, and has the focus. */
  readonly element: HTMLElement;
  /** It, with the ring that says so. */
  readonly frame: HTMLElement;
  readonly #conversation: Conversation;
  readonly #goTo: (id: number) => boolean;
  readonly #onSelect: (row: EventRow) => void;
  readonly #head = element("div", { class: "lane-heads", "aria-hidden": "true" });
  readonly #body = element("div", { class: "rows", role: "presentation" });
  readonly #lines = element("div", { class: "lifelines" });
  readonly #curves = drawn("svg", { class: "curves", "aria-hidden": "true" });
  readonly #drawn = new Map<number, RowView>();
  #rows: readonly Row[] = [];
  /** The places of the events, by their ids. */
  #byId = new Map<number, number>();
  /** For each place how many events there are up to it. */
  #counts: number[] = [];
  #lanes: Lane[] = [];
  #places = new Map<string, number>();
  #gutter = 0;
  #laneWidth = 0;
  /** What is within sight of all lanes: where it begins, and how wide it is. */
  #from = 0;
  #room = 0;
  /** The size for which it was laid out. */
  #size = "";
  /** The event that is selected; it may not be among the rows. */
  #chosen: EventRow | undefined;
  #selected = -1;
  #frame = 0;

  /** `goTo` shows an event, among the rows or not, or says that it cannot; `onSelect` hears what is selected. */
  constructor(
    conversation: Conversation,
    goTo: (id: number) => boolean,
    onSelect: (row: EventRow) => void,
  ) {
    this.#conversation = conversation;
    this.#goTo = goTo;
    this.#onSelect = onSelect;
    this.#body.append(this.#lines, this.#curves);
    const label = "Frames, from the first to the last";
    this.element = element(
      "div",
      { class: "timeline", role: "listbox", tabindex: 0, "aria-label": label },
      this.#head,
      this.#body,
    );
    this.frame = element("div", { class: "timeline-frame" }, this.element);
    const { ids, seconds } = widest(conversation);
    this.element.style.setProperty("--ids", `${ids}`);
    this.element.style.setProperty("--seconds", `${seconds}`);
    this.element.addEventListener("scroll", () => this.#drawSoon());
    this.#body.addEventListener("click", (event) => this.#click(event));
    new ResizeObserver(() => this.#fit()).observe(this.element);
  }

  /** The row that is selected, if it is an event. */
  get selected(): EventRow | undefined {
    const row = this.#rows[this.#selected];
    return row?.kind === "event" ? row : undefined;
  }

  /** Shows other rows; what was selected stays so, and is found again when it is among them. */
  show(rows: readonly Row[]): void {
    this.#rows = rows;
    this.#byId = new Map(
      rows.flatMap((row, i) => (row.kind === "event" ? [[row.event.id, i]] : [])),
    );
    let events = 0;
    this.#counts = rows.map(({ kind }) => (kind === "event" ? ++events : events));
    this.#selected = this.#chosen === undefined ? -1 : rows.indexOf(this.#chosen);
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

  /** Selects nothing. */
  deselect(): void {
    this.#chosen = undefined;
    this.#selected = -1;
    this.#fit();
    this.#draw(true);
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
    this.#chosen = this.selected;
    // That may take room from the diagram.
    if (this.#chosen !== undefined) this.#onSelect(this.#chosen);
    this.#fit();
    this.#reveal();
    this.#draw(true);
  }

  #click(event: MouseEvent): void {
    const target = event.target as Element;
    const to = target.closest("[data-to]")?.getAttribute("data-to");
    if (to && this.#goTo(Number(to))) return;
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
    if (left < view.scrollLeft) view.scrollLeft = left;
    else if (left + this.#laneWidth > view.scrollLeft + this.#room) {
      view.scrollLeft = left + this.#laneWidth - this.#room;
    }
  }

  #placeOf({ event }: EventRow): number {
    return this.#places.get(laneKey(event)) ?? 0;
  }

  /** Lays it out for its size, if that is another. */
  #fit(): void {
    const { clientWidth, clientHeight } = this.element;
    if (this.#size !== `${clientWidth} ${clientHeight}`) this.#layOut();
  }

  #layOut(): void {
    const { clientWidth, clientHeight, style } = this.element;
    this.#size = `${clientWidth} ${clientHeight}`;
    const isSmall = clientWidth < SMALL;
    const outcome = isSmall ? 0 : OUTCOME;
    this.element.classList.toggle("small", isSmall);
    const gutter = element(
      "div",
      { class: "gutter" },
      element("span", {}, "event"),
      element("span", {}, "seconds"),
    );
    this.#head.replaceChildren(gutter);
    this.#gutter = Math.ceil(gutter.getBoundingClientRect().width);
    gutter.style.width = `${this.#gutter}px`;
    this.#room = clientWidth - this.#gutter - outcome;
    const { lane, lanes } = widthsOf(this.#lanes.length, this.#room);
    this.#laneWidth = lane;
    const width = `${this.#gutter + lanes + outcome}px`;
    this.#head.style.width = width;
    this.#body.style.width = width;
    this.#body.style.height = `${this.#rows.length * ROW_HEIGHT}px`;
    style.setProperty("--gutter", `${this.#gutter}px`);
    style.setProperty("--lane", `${lane}px`);
    style.setProperty("--width", `${clientWidth}px`);
    this.element.classList.toggle("narrow", lane < NARROW);
    this.#head.append(
      ...this.#lanes.map((it) => this.#laneHead(it)),
      element("div", { class: "outcome" }, "what came of it"),
    );
    this.#lines.replaceChildren(...this.#lanes.map(() => element("div", { class: "lifeline" })));
    this.#draw(true);
  }

  #laneHead(lane: Lane): HTMLElement {
    const known = this.#conversation.connections.get(lane.connection);
    const isWide = this.#laneWidth > 400;
    return element(
      "div",
      { class: "lane-head", title: laneName(lane, false) },
      element("strong", {}, laneName(lane, this.#laneWidth < NARROW)),
      element(
        "span",
        { class: "ends" },
        element("span", {}, `client ${isWide ? (known?.client ?? "") : ""}`),
        element("span", {}, `${isWide ? (known?.server ?? "") : ""} server`),
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
    const { scrollTop, scrollLeft, clientHeight } = this.element;
    if (this.#from !== scrollLeft) {
      this.#from = scrollLeft;
      for (const [place, view] of this.#drawn) {
        const row = this.#rows[place];
        if (!all && row?.kind === "event") view.show(this.#sightOf(row));
      }
    }
    const { first, end } = rowsInSight(scrollTop, clientHeight, ROW_HEIGHT, this.#rows.length);
    for (const [place, view] of this.#drawn) {
      if (!all && place >= first && place < end) continue;
      view.element.remove();
      this.#drawn.delete(place);
    }
    const added: HTMLElement[] = [];
    for (let place = first; place < end; place++) {
      if (this.#drawn.has(place)) continue;
      const made = this.#row(place, this.#rows[place] as Row);
      made.element.style.top = `${place * ROW_HEIGHT}px`;
      this.#drawn.set(place, made);
      added.push(made.element);
    }
    this.#body.append(...added);
    if (all) this.#drawCurves();
    const isDrawn = this.#drawn.has(this.#selected);
    if (isDrawn) this.element.setAttribute("aria-activedescendant", `row-${this.#selected}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  #row(place: number, row: Row): RowView {
    if (row.kind === "note") return noteRow(this.#conversation, row);
    const view = eventRow(this.#conversation, row, {
      ...{ place, isSelected: place === this.#selected },
      ...{ number: this.#counts[place] as number, count: this.#byId.size },
      left: this.#placeOf(row) * this.#laneWidth,
    });
    view.show(this.#sightOf(row));
    return view;
  }

  #sightOf(row: EventRow): Sight {
    const left = this.#placeOf(row) * this.#laneWidth;
    return sightOf(left, this.#laneWidth, this.#from, this.#room);
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
    const isNarrow = this.#laneWidth < NARROW;
    const x = this.#gutter + (this.#placeOf(row) + 1) * this.#laneWidth - (isNarrow ? 2 : 16);
    const bulge = Math.min(isNarrow ? 16 : 40, 12 + (to - from) / 12);
    const d = `M ${x} ${from} C ${x + bulge} ${from}, ${x + bulge} ${to}, ${x} ${to}`;
    const mood = outcome === "nack" ? "bad" : outcome === "ack" ? "good" : link;
    return [
      drawn("path", { d, class: mood }),
      drawn("circle", { cx: x, cy: to, r: 3.5, class: mood }),
    ];
  }
}

/** How many characters the longest number of an event has, and the longest time. */
function widest(conversation: Conversation): { ids: number; seconds: number } {
  let ids = 0;
  let seconds = 0;
  for (const { event } of conversation.events.values()) {
    ids = Math.max(ids, `${event.id}`.length);
    seconds = Math.max(seconds, secondsOf(conversation, event.time).length);
  }
  return { ids, seconds };
}
