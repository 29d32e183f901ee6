/** What is above the diagram: the filters, the search, the theme, and how many rows are shown. */
import type { Conversation } from "./conversation.ts";
import { element } from "./dom.ts";
import { EVERYTHING, type Filter } from "./filter.ts";
import { count } from "./words.ts";

/** The controls, and the filter that they make. */
export class Toolbar {
  readonly element: HTMLElement;
  readonly search: HTMLInputElement = element("input", {
    ...{
      type: "search",
      placeholder: "Search  ( / )",
      "aria-label": "Search",
      spellcheck: "false",
    },
  });
  readonly #status = element("output", { class: "status", role: "status" });
  readonly #connection: HTMLSelectElement;
  readonly #channel: HTMLSelectElement;
  readonly #method: HTMLSelectElement;
  readonly #content = checkbox("content", "Show the frames with headers and bodies", true);
  readonly #heartbeats = checkbox("heartbeats", "Show heartbeats", true);
  readonly #problems = checkbox("only problems", "Show only what went wrong", false);

  constructor(conversation: Conversation, onChange: () => void, onHelp: () => void) {
    const found = optionsOf(conversation);
    this.#connection = choice("Connection", "connections", found.connections);
    this.#channel = choice("Channel", "channels", found.channels);
    this.#method = choice("Class or method", "methods", []);
    this.#method.append(...found.classes.map(([name, methods]) => classOptions(name, methods)));
    const help = element("button", { type: "button", title: "Keys ( ? )" }, "?");
    help.addEventListener("click", onHelp);
    help.setAttribute("aria-label", "Keyboard help");
    const title = document.title.replace(/ · AMQP conversation$/, "");
    const boxes = [this.#content, this.#heartbeats, this.#problems];
    this.element = element(
      "header",
      { class: "toolbar" },
      element("h1", { title }, title),
      this.search,
      element("div", { class: "group" }, this.#connection, this.#channel, this.#method),
      element(
        "div",
        { class: "group" },
        ...boxes.map((box) => box.closest("label") as HTMLElement),
      ),
      element("div", { class: "group end" }, this.#status, themeButton(), help),
    );
    this.element.addEventListener("input", onChange);
  }

  /** What is asked for. */
  get filter(): Filter {
    return {
      connection: numberOf(this.#connection),
      channel: numberOf(this.#channel),
      method: this.#method.value || undefined,
      content: this.#content.checked,
      heartbeats: this.#heartbeats.checked,
      problems: this.#problems.checked,
      search: this.search.value,
    };
  }

  /** Sets the controls back; false if they were. */
  clear(): boolean {
    const before = JSON.stringify(this.filter);
    for (const select of [this.#connection, this.#channel, this.#method]) select.value = "";
    this.#content.checked = EVERYTHING.content;
    this.#heartbeats.checked = EVERYTHING.heartbeats;
    this.#problems.checked = EVERYTHING.problems;
    this.search.value = "";
    return JSON.stringify(this.filter) !== before;
  }

  /** Says how many events are shown. */
  tell(shown: number, all: number): void {
    const total = count(all, "event");
    // Where there is room, nothing is to move when the other text comes.
    const characters = all.toLocaleString("en-US").length + " of ".length + total.length;
    this.#status.style.setProperty("--longest", `${characters}ch`);
    this.#status.value = shown === all ? total : `${shown.toLocaleString("en-US")} of ${total}`;
  }
}

interface Options {
  readonly connections: [value: string, text: string][];
  readonly channels: [value: string, text: string][];
  readonly classes: [name: string, methods: readonly string[]][];
}

function optionsOf(conversation: Conversation): Options {
  const channels = new Set<number>();
  const methods = new Set<string>();
  for (const { event } of conversation.events.values()) {
    if (event.channel !== undefined) channels.add(event.channel);
    if (event.method?.includes(".")) methods.add(event.method);
  }
  const sorted = [...methods].sort();
  const classes = [...new Set(sorted.map((method) => method.split(".", 1)[0] as string))];
  return {
    connections: [...conversation.connections.values()].map(({ id, client = "" }) => [
      `${id}`,
      `connection ${id} ${client}`.trim(),
    ]),
    channels: [...channels].sort((a, b) => a - b).map((it) => [`${it}`, `channel ${it}`]),
    classes: classes.map((name) => [name, sorted.filter((it) => it.startsWith(`${name}.`))]),
  };
}

function choice(
  label: string,
  all: string,
  options: readonly [value: string, text: string][],
): HTMLSelectElement {
  return element(
    "select",
    { "aria-label": label, title: `${label}: all, or one` },
    element("option", { value: "" }, all),
    ...options.map(([value, text]) => element("option", { value }, text)),
  );
}

function classOptions(name: string, methods: readonly string[]): HTMLElement {
  return element(
    "optgroup",
    { label: name },
    element("option", { value: `${name}.` }, `${name}.*`),
    ...methods.map((method) => element("option", { value: method }, method)),
  );
}

function checkbox(text: string, title: string, checked: boolean): HTMLInputElement {
  const box = element("input", { type: "checkbox", checked });
  element("label", { title }, box, ` ${text}`);
  return box;
}

function numberOf({ value }: HTMLSelectElement): number | undefined {
  return value === "" ? undefined : Number(value);
}

/** As the system has it, light, or dark, in turn. */
function themeButton(): HTMLButtonElement {
  const themes = { system: "light dark", light: "light", dark: "dark" } as const;
  const names = Object.keys(themes) as (keyof typeof themes)[];
  let current: keyof typeof themes = "system";
  const button = element("button", { type: "button", class: "theme", title: "Theme ( t )" });
  const show = (): void => {
    document.documentElement.style.colorScheme = themes[current];
    button.textContent = current;
    button.setAttribute("aria-label", `theme: ${current}`);
  };
  button.addEventListener("click", () => {
    current = names[(names.indexOf(current) + 1) % names.length] as keyof typeof themes;
    show();
  });
  show();
  return button;
}
