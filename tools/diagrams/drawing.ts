/** Drawings as text: Mermaid's state diagrams and Markdown's tables, both of which GitHub renders. */

/** A way from one state to another. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  /** What leads there. */
  readonly label: string;
}

/** Down or to the right. */
export type Direction = "TB" | "LR";

/** A state diagram. Ways between the same two states share an arrow; many are only counted. */
export function stateDiagram(
  direction: Direction,
  start: string,
  edges: readonly Edge[],
  ends: readonly string[] = [],
): string {
  const arrows = new Map<string, string[]>();
  for (const { from, to, label } of edges) {
    const arrow = `${from} --> ${to}`;
    arrows.set(arrow, [...(arrows.get(arrow) ?? []), label]);
  }
  const lines = [
    "stateDiagram-v2",
    `  direction ${direction}`,
    `  [*] --> ${start}`,
    ...[...arrows].map(([arrow, labels]) => `  ${arrow}: ${labelOf(labels)}`),
    ...ends.map((end) => `  ${end} --> [*]`),
  ];
  return `\`\`\`mermaid\n${lines.join("\n")}\n\`\`\``;
}

/** Longer labels would lie over their neighbours. */
const MOST_LABELS = 4;

function labelOf(labels: readonly string[]): string {
  const isShort = labels.length <= MOST_LABELS;
  return isShort ? labels.join("<br/>") : `${labels.length} events,<br/>see the table`;
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
