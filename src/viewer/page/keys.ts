/** The keys of the page, and the dialogue that lists them. */
import { element } from "./dom.ts";

/** What a key does. */
export interface Key {
  /** As `KeyboardEvent.key` has them. */
  readonly keys: readonly string[];
  readonly help: string;
  run(): void;
}

/** The dialogue that lists the keys. */
export function helpDialog(keys: readonly Key[]): HTMLDialogElement {
  const close = element("button", { type: "button" }, "Close");
  const dialog = element(
    "dialog",
    { "aria-labelledby": "help-title" },
    element("h2", { id: "help-title" }, "Keys"),
    element(
      "dl",
      {},
      ...keys.flatMap(({ keys: names, help }) => [
        element("dt", {}, ...names.map((name) => element("kbd", {}, NAMES[name] ?? name))),
        element("dd", {}, help),
      ]),
    ),
    close,
  );
  close.addEventListener("click", () => dialog.close());
  return dialog;
}

/** Calls what belongs to a key, unless somebody is writing, or has pressed Control with it. */
export function listenForKeys(keys: readonly Key[]): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target as Element;
    const isWriting = target.matches("input[type=search], select");
    if (isWriting && event.key !== "Escape") return;
    // Those have keys of their own, and the dialogue keeps all to itself.
    if (target.matches("button, input") && /^(Enter| )$/.test(event.key)) return;
    if (document.querySelector("dialog[open]") !== null) return;
    const key = keys.find(({ keys: names }) => names.includes(event.key));
    if (key === undefined) return;
    event.preventDefault();
    key.run();
  });
}

const NAMES: { readonly [name: string]: string } = {
  ...{ ArrowDown: "↓", ArrowUp: "↑", PageDown: "Page ↓", PageUp: "Page ↑", Escape: "Esc" },
};
