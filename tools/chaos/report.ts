/** What a run is told as: a table with a line for each fault, and below it what is wrong. */
import { type Column, formatCount, formatSeconds, formatTable } from "../../src/cli/table.ts";
import { ENDINGS } from "./account.ts";
import type { FaultReport } from "./fault.ts";

/** The table: a line for each fault. */
export function formatAccounts(reports: readonly FaultReport[]): string[] {
  return formatTable(COLUMNS, reports.map(row));
}

/** What happened, and what was behind `unknown`, as lines. */
export function formatHappenings(reports: readonly FaultReport[]): string[] {
  return reports.flatMap(whatHappened);
}

/** What is wrong, as lines; none where nothing is. */
export function formatProblems(reports: readonly FaultReport[]): string[] {
  return reports.flatMap(({ fault, balance, lacking }) => [
    ...balance.violations.map(
      ({ rule, names }) => `${fault}: ${names.length} ${rule}: ${abridged(names)}`,
    ),
    ...lacking.map((what) => `${fault}: did not happen enough: ${what}`),
  ]);
}

const COLUMNS: readonly Column[] = [
  { title: "fault" },
  ...["published", ...ENDINGS, "found", "twice", "open", "% unknown"].map(
    (title): Column => ({ title, align: "right" }),
  ),
];

function row({ fault, balance }: FaultReport): string[] {
  const { published, endings, found, duplicates, unsettled } = balance;
  const counts = [published, ...ENDINGS.map((ending) => endings[ending]), found];
  const share = published === 0 ? 0 : (100 * endings.unknown) / published;
  return [fault, ...[...counts, duplicates, unsettled].map(formatCount), share.toFixed(1)];
}

function whatHappened({ fault, balance, happenings, ms }: FaultReport): string[] {
  const { unknownFound, unknownOffWire, unknownBy, endings } = balance;
  const happened = happenings.entries().map(([what, times]) => `${what} ${times}`);
  const causes = [...unknownBy].map(([cause, times]) => `${cause} ${times}`);
  const lines = [`${fault}, ${formatSeconds(ms)}: ${happened.join(", ")}`];
  if (endings.unknown > 0) {
    lines.push(
      `  unknown: ${causes.join(", ")}; ` +
        `found ${unknownFound}, not even seen by the proxy ${unknownOffWire}`,
    );
  }
  return lines;
}

function abridged(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(", ");
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}

/** Names shown of a violation. */
const MOST_NAMES = 20;
