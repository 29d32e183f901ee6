/**
 * How well one can see what is on a page: the contrast ratios of WCAG 2.2 (1.4.3 for text, 1.4.11 for
 * marks), computed in the browser from the colours as they came out.
 */
import type { Page } from "playwright-core";

/** Something that is on the screen, with the ratio it has and the one it needs. */
export interface Contrast {
  readonly what: string;
  readonly foreground: string;
  readonly background: string;
  readonly ratio: number;
  readonly needed: number;
}

/** All texts and marks that are on the screen now. */
export function contrastsOf(page: Page): Promise<readonly Contrast[]> {
  return page.evaluate(`(${MEASURE})()`);
}

/** The ratio of two colours, each red, green and blue from 0 to 255. */
export function contrastOf(page: Page, one: string, other: string): Promise<number> {
  return page.evaluate(
    `(() => { ${COLOURS} return ratio(parse("${one}"), parse("${other}")); })()`,
  );
}

const COLOURS = `
  const parse = (text) => {
    const numbers = (text.match(/[\\d.]+(e-?\\d+)?%?/g) ?? []).map((it) =>
      it.endsWith("%") ? parseFloat(it) / 100 : Number(it));
    if (/^rgba?\\(/.test(text)) return [...numbers.slice(0, 3), numbers[3] ?? 1];
    if (/^color\\(srgb /.test(text)) {
      return [...numbers.slice(0, 3).map((it) => it * 255), numbers[3] ?? 1];
    }
    throw new Error("a colour of another kind: " + text);
  };
  const over = (top, under) => {
    const alpha = top[3] + under[3] * (1 - top[3]);
    if (alpha === 0) return [0, 0, 0, 0];
    const mix = (i) => (top[i] * top[3] + under[i] * under[3] * (1 - top[3])) / alpha;
    return [mix(0), mix(1), mix(2), alpha];
  };
  const luminance = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((it) => {
      const part = it / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ratio = (one, other) => {
    const [a, b] = [luminance(one), luminance(other)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
`;

const MEASURE = `() => {
  ${COLOURS}
  const show = (colour) => "rgb(" + colour.slice(0, 3).map(Math.round).join(" ") + ")";
  const found = [];
  /** What is behind an element, its own ground included or not. */
  const groundOf = (element, own) => {
    let ground = [0, 0, 0, 0];
    for (let it = own ? element : element.parentElement; it !== null; it = it.parentElement) {
      const style = getComputedStyle(it);
      if (style.backgroundImage !== "none") throw new Error("a picture behind " + it.className);
      ground = over(ground, parse(style.backgroundColor));
      if (it.matches("dialog, html")) break;
    }
    if (ground[3] < 0.999) throw new Error("nothing behind " + element.className);
    return ground;
  };
  const opacityOf = (element) => {
    let opacity = 1;
    for (let it = element; it !== null; it = it.parentElement) {
      opacity *= Number(getComputedStyle(it).opacity);
    }
    return opacity;
  };
  const nameOf = (element, text) => {
    const path = [element.parentElement, element].filter(Boolean).map((it) =>
      it.tagName.toLowerCase() + (it.getAttribute("class") ?? "").split(" ").filter(Boolean)
        .map((name) => "." + name).join(""));
    return path.join(" > ") + (text ? ": " + text.slice(0, 40) : "");
  };
  const add = (what, element, colour, ground, needed, opacity = opacityOf(element)) => {
    const [red, green, blue, alpha] = parse(colour);
    const seen = over([red, green, blue, alpha * opacity], ground);
    found.push({ what, foreground: show(seen), background: show(ground), needed,
      ratio: ratio(seen, ground) });
  };
  /** Whether it is on the screen, and not behind something else. */
  const isSeen = (element, box = element.getBoundingClientRect()) => {
    if (box.width === 0 || box.height === 0) return false;
    if (getComputedStyle(element).visibility !== "visible") return false;
    const [x, y] = [box.left + Math.min(box.width / 2, 3), box.top + box.height / 2];
    const top = document.elementFromPoint(x, y);
    return top !== null && (top === element || element.contains(top) || top.contains(element));
  };
  const neededFor = ({ fontSize, fontWeight }) => {
    const size = parseFloat(fontSize);
    return size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700) ? 3 : 4.5;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("script, style, noscript, select")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    if (!isSeen(element, range.getBoundingClientRect())) continue;
    const style = getComputedStyle(element);
    add(nameOf(element, node.data.trim()), element, style.color, groundOf(element, true),
      neededFor(style));
  }
  for (const control of document.querySelectorAll("button, select, input, output")) {
    if (!isSeen(control)) continue;
    const style = getComputedStyle(control);
    const name = nameOf(control, control.getAttribute("aria-label") ?? "");
    if (control.matches("select, [type=search], output")) {
      add(name + " (its text)", control, style.color, groundOf(control, true), neededFor(style));
    }
    if (control.matches("[type=search]")) {
      const placeholder = getComputedStyle(control, "::placeholder");
      add(name + " (placeholder)", control, placeholder.color, groundOf(control, true),
        neededFor(style), Number(placeholder.opacity));
    }
    if (control.matches("button, select, [type=search]")) {
      add(name + " (its edge)", control, style.borderTopColor, groundOf(control, false), 3);
    } else if (control.matches("[type=checkbox]")) {
      add(name + " (its edge)", control, style.borderTopColor, groundOf(control, false), 3);
    }
  }
  const focused = document.activeElement;
  if (focused !== null && focused.matches(":focus-visible")) {
    const { outlineColor, outlineStyle, outlineOffset, outlineWidth } = getComputedStyle(focused);
    const frame = focused.closest(".timeline-frame");
    if (outlineStyle === "none" && frame !== null) {
      // The timeline's is drawn by what is around it, above the rows.
      const ring = getComputedStyle(frame, "::after");
      if (parseFloat(ring.borderTopWidth) < 2) throw new Error("no focus");
      add(nameOf(focused, "(focus)"), focused, ring.borderTopColor, groundOf(focused, true), 3);
    } else {
      if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) throw new Error("no focus");
      const inside = parseFloat(outlineOffset) < 0;
      add(nameOf(focused, "(focus)"), focused, outlineColor, groundOf(focused, inside), 3);
    }
  }
  for (const row of document.querySelectorAll(".row.event")) {
    if (!isSeen(row)) continue;
    const arrow = row.querySelector(".arrow");
    const ground = groundOf(arrow, true);
    const after = getComputedStyle(arrow, "::after");
    const head = arrow.matches(".client") ? after.borderLeftColor : after.borderRightColor;
    add(nameOf(arrow, "(line)"), arrow, getComputedStyle(arrow, "::before").borderTopColor, ground, 3);
    add(nameOf(arrow, "(head)"), arrow, head, ground, 3);
    const gutter = row.querySelector(".gutter");
    const [bar] = getComputedStyle(gutter).boxShadow.match(/^(rgba?|color)\\([^)]*\\)/) ?? [];
    if (bar) add(nameOf(gutter, "(bar)"), gutter, bar, groundOf(gutter, true), 3);
    if (row.getAttribute("aria-selected") === "true") {
      const { borderTopColor, borderTopStyle } = getComputedStyle(row, "::after");
      if (borderTopStyle !== "solid") throw new Error("only a ground says which row is selected");
      add(nameOf(row, "(selected)"), row, borderTopColor, groundOf(row, false), 3);
    }
  }
  const lines = document.querySelector(".lifeline");
  if (lines !== null) {
    const { borderLeftColor, opacity } = getComputedStyle(lines, "::before");
    add("a lifeline", lines, borderLeftColor, groundOf(lines, true), 3, Number(opacity));
  }
  for (const mark of document.querySelectorAll(".curves path, .curves circle")) {
    const { stroke, fill } = getComputedStyle(mark);
    add(nameOf(mark), mark, mark.matches("path") ? stroke : fill, groundOf(mark, true), 3);
  }
  for (const lit of document.querySelectorAll(".octets .lit")) {
    add(nameOf(lit, "(lit)"), lit, getComputedStyle(lit).outlineColor, groundOf(lit, false), 3);
  }
  return found;
}`;
