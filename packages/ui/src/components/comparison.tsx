import type { VersionSummary } from "../../../../src/domain/monitoring/report.ts";
import {
  formatBytes,
  formatCount,
  formatDollars,
  formatDuration,
  formatPercent,
  shareOf,
} from "../format.ts";
import { hitRatioOf } from "./model-table.tsx";

interface Measure {
  readonly title: string;
  readonly read: (version: VersionSummary) => number | undefined;
  readonly format: (value: number | undefined) => string;
  /** Whether a smaller or a larger number is better; neither where it is not said. */
  readonly better?: "less" | "more";
}

const MEASURES: readonly Measure[] = [
  { title: "Requests", read: ({ requests }) => requests, format: formatCount },
  {
    title: "Errors (5xx)",
    read: ({ errors, requests }) => shareOf(errors, requests),
    format: formatPercent,
    better: "less",
  },
  {
    title: "Client errors (4xx)",
    read: ({ clientErrors, requests }) => shareOf(clientErrors, requests),
    format: formatPercent,
  },
  {
    title: "Latency p50",
    read: ({ latencyMs }) => latencyMs?.p50,
    format: formatDuration,
    better: "less",
  },
  {
    title: "Latency p95",
    read: ({ latencyMs }) => latencyMs?.p95,
    format: formatDuration,
    better: "less",
  },
  {
    title: "Latency p99",
    read: ({ latencyMs }) => latencyMs?.p99,
    format: formatDuration,
    better: "less",
  },
  {
    title: "CPU time p95",
    read: ({ cpuMs }) => cpuMs?.p95,
    format: formatDuration,
    better: "less",
  },
  { title: "Cache hits", read: hitRatioOf, format: formatPercent, better: "more" },
  { title: "Cold starts", read: ({ coldStarts }) => coldStarts, format: formatCount },
  { title: "Model memory", read: ({ heapBytes }) => heapBytes?.max, format: formatBytes },
  { title: "Predictions", read: ({ inferences }) => inferences, format: formatCount },
  { title: "Tokens", read: ({ outputTokens }) => outputTokens || undefined, format: formatCount },
  {
    title: "Cost of a million requests",
    read: ({ cost, requests }) => shareOf(cost.total * 1e6, requests),
    format: formatDollars,
    better: "less",
  },
];

interface ComparisonProps {
  readonly one: VersionSummary;
  readonly other: VersionSummary;
}

/** Two versions side by side. */
export function Comparison({ one, other }: ComparisonProps) {
  const caption = `Versions ${one.version} and ${other.version}`;
  const shown = MEASURES.filter(({ read }) => read(one) !== undefined || read(other) !== undefined);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section class="card scroll comparison" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <td />
            <th scope="col" class="number">
              <i class="swatch one" />v{one.version}
            </th>
            <th scope="col" class="number">
              <i class="swatch other" />v{other.version}
            </th>
            <th scope="col" class="number">
              Difference
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ title, read, format, better }) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              <td class="number">{format(read(one))}</td>
              <td class="number">{format(read(other))}</td>
              <td class={`number ${toneOf(read(one), read(other), better)}`}>
                {differenceOf(read(one), read(other))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** How much more the first one has, of the second one. */
function differenceOf(one: number | undefined, other: number | undefined): string {
  if (one === undefined || other === undefined || one === other) return "";
  if (other === 0) return "new";
  const change = one / other - 1;
  return `${change > 0 ? "+" : "−"}${formatPercent(Math.abs(change))}`;
}

/** Differences of less than a tenth are no better or worse. */
const NOTABLE = 0.1;

function toneOf(
  one: number | undefined,
  other: number | undefined,
  better: Measure["better"],
): string {
  if (!better || one === undefined || other === undefined) return "";
  const change = one - other;
  if (Math.abs(change) <= NOTABLE * other) return "";
  return change > 0 === (better === "more") ? "good" : "bad";
}
