/** The page: reads the conversation that the document carries, and shows it. */
import { Conversation } from "./conversation.ts";
import { Details } from "./details.ts";
import { element } from "./dom.ts";
import { filterRows, isProblem, prepareSearch } from "./filter.ts";
import { helpDialog, type Key, listenForKeys } from "./keys.ts";
import { Timeline } from "./timeline.ts";
import { Toolbar } from "./toolbar.ts";

function main(): void {
  const conversation = readConversation();
  const details = new Details(conversation, goTo, closeDetails);
  const timeline = new Timeline(conversation, goTo, (row) => {
    details.show(row);
    setHash(`#event-${row.event.id}`);
  });
  const toolbar = new Toolbar(conversation, refresh, () => help.showModal());
  const keys: Key[] = [
    { keys: ["ArrowDown", "j"], help: "the next frame", run: () => timeline.move(1) },
    { keys: ["ArrowUp", "k"], help: "the frame before", run: () => timeline.move(-1) },
    { keys: ["PageDown"], help: "a page on", run: () => timeline.move(timeline.page) },
    { keys: ["PageUp"], help: "a page back", run: () => timeline.move(-timeline.page) },
    { keys: ["Home", "g"], help: "the first frame", run: () => timeline.move(-Infinity) },
    { keys: ["End", "G"], help: "the last frame", run: () => timeline.move(Infinity) },
    {
      keys: ["Enter"],
      help: "to the fields of the frame; ↓, ↑, Home, End move there",
      run: openDetails,
    },
    { keys: ["l"], help: "what came of the frame, or what it is about", run: follow },
    { keys: ["n"], help: "the next problem", run: () => timeline.find(1, isBad) },
    { keys: ["p"], help: "the problem before", run: () => timeline.find(-1, isBad) },
    { keys: ["/"], help: "search", run: () => toolbar.search.focus() },
    { keys: ["t"], help: "the theme: as the system has it, light, dark", run: switchTheme },
    { keys: ["Escape"], help: "to the frames; then: show all; then: no details", run: goBack },
    { keys: ["?"], help: "this list", run: () => help.showModal() },
  ];
  const help = helpDialog(keys);
  const columns = element("main", {}, timeline.frame, details.element);
  document.body.replaceChildren(toolbar.element, columns, help);
  listenForKeys(keys);
  toolbar.search.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") timeline.element.focus();
  });
  refresh();
  goToHash();
  window.addEventListener("hashchange", goToHash);
  timeline.element.focus();
  whenIdle(0);

  /** Prepares the search while nothing else is to be done. */
  function whenIdle(from: number): void {
    if (!("requestIdleCallback" in window)) return; // Safari; the first letter takes longer there
    requestIdleCallback((idle) => {
      const place = prepareSearch(conversation, from, () => idle.timeRemaining() > 1);
      if (place !== undefined) whenIdle(place);
    });
  }

  function refresh(): void {
    const rows = filterRows(conversation, toolbar.filter);
    timeline.show(rows);
    details.tell(timeline.selected !== undefined);
    toolbar.tell(rows.filter(({ kind }) => kind === "event").length, conversation.events.size);
  }

  /** Shows an event, if need be by showing all; false if it is not in this page. */
  function goTo(id: number): boolean {
    if (!conversation.events.has(id)) return false;
    if (timeline.selectEvent(id)) return true;
    toolbar.clear();
    refresh();
    return timeline.selectEvent(id);
  }

  /** Shows the event that the address names. */
  function goToHash(): void {
    const wanted = /^#event-(\d+)$/.exec(location.hash)?.[1];
    if (wanted !== undefined) goTo(Number(wanted));
  }

  function isBad(row: Parameters<typeof isProblem>[1]): boolean {
    return isProblem(conversation, row);
  }

  function openDetails(): void {
    if (timeline.selected === undefined) timeline.move(1);
    details.focus();
  }

  function follow(): void {
    const row = timeline.selected;
    const link = row?.next[0] ?? row?.previous[0];
    if (row === undefined || link === undefined) return;
    goTo(link.first === row.event.id ? link.second : link.first);
  }

  function switchTheme(): void {
    toolbar.element.querySelector<HTMLElement>(".theme")?.click();
  }

  function goBack(): void {
    if (document.activeElement !== timeline.element) timeline.element.focus();
    else if (toolbar.clear()) refresh();
    else closeDetails();
  }

  function closeDetails(): void {
    details.clear();
    timeline.deselect();
    timeline.element.focus();
    setHash("#");
  }
}

/** So that a link to the page can name a frame; a page within another may not be allowed to. */
function setHash(hash: string): void {
  try {
    history.replaceState(null, "", hash);
  } catch {}
}

function readConversation(): Conversation {
  const conversation = new Conversation();
  for (const block of document.querySelectorAll('script[type="application/json"]')) {
    const fault = conversation.addBlock(block.textContent ?? "");
    if (fault !== undefined) conversation.addNotice(fault);
    block.remove();
  }
  return conversation;
}

main();
