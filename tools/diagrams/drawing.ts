/** Drawings as text: Mermaid's state diagrams and Markdown's tables, both of which GitHub renders. */

/** A way from one state to another. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  /** What leads there. */
  readonly label: string;
}

/** A state diagram. Ways between the same two states share an arrow. */
export function stateDiagram(
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
    "  direction TB",
    `  [*] --> ${start}`,
    ...[...arrows].map(([arrow, labels]) => `  ${arrow}: ${labels.join("<br/>")}`),
    ...ends.map((end) => `  ${end} --> [*]`),
  ];
  return `\`\`\`mermaid\n${lines.join("\n")}\n\`\`\``;
}

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
