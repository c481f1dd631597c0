import { type Aggregate, createAggregate } from "../../domain/monitoring/aggregate.ts";
import { quantileOf } from "../../domain/monitoring/distribution.ts";
import { mergeAggregate } from "../../domain/monitoring/merge-aggregate.ts";
import type { Window } from "../../domain/monitoring/monitoring.ts";
import type {
  ReportFrame,
  Series,
  SeriesGroup,
  SeriesReport,
} from "../../domain/monitoring/report.ts";
import { countOf } from "./summarize.ts";

/** One series for each group, with a number for each step from the first to the last one, also where there were no requests. */
export function toSeries(
  frame: ReportFrame,
  windows: readonly Window[],
  { stepSeconds: asked, group }: { readonly stepSeconds: number; readonly group: SeriesGroup },
): SeriesReport {
  // What is far back is kept by hours alone.
  const stepSeconds = windows.reduce((longest, { seconds }) => Math.max(longest, seconds), asked);
  const stepMs = stepSeconds * 1000;
  const from = Math.floor(frame.from / stepMs) * stepMs;
  const length = Math.max(1, Math.ceil((frame.to - from) / stepMs));
  const starts = Array.from({ length }, (_, index) => from + index * stepMs);
  const grouped = Map.groupBy(windows, ({ model, version }) => keyOf(group, model, version));
  return {
    ...frame,
    from,
    stepSeconds,
    starts,
    series: [...grouped]
      .map(([key, ofGroup]) => {
        const [model = "", version = ""] = key.split(" ");
        return { model, version, ...toColumns(toSteps(ofGroup, from, stepMs, length)) };
      })
      .sort((one, two) => compareNames(one, two)),
  };
}

function keyOf(group: SeriesGroup, model: string, version: string): string {
  if (group === "total") return " ";
  return group === "model" ? `${model} ` : `${model} ${version}`;
}

function compareNames(one: Series, two: Series): number {
  if (one.model !== two.model) return one.model < two.model ? -1 : 1;
  return Number(one.version) - Number(two.version);
}

/** What has happened in each step; `undefined` without requests. */
function toSteps(
  windows: readonly Window[],
  from: number,
  stepMs: number,
  length: number,
): (Aggregate | undefined)[] {
  const steps = new Array<Aggregate | undefined>(length).fill(undefined);
  for (const { start, aggregate } of windows) {
    const index = Math.max(0, Math.floor((start - from) / stepMs));
    if (index >= length) continue;
    steps[index] ??= createAggregate();
    mergeAggregate(steps[index], aggregate);
  }
  return steps;
}

function toColumns(steps: readonly (Aggregate | undefined)[]): Omit<Series, "model" | "version"> {
  const count = (read: (aggregate: Aggregate) => number): number[] =>
    steps.map((step) => (step ? read(step) : 0));
  const percentile = (fraction: number): (number | null)[] =>
    steps.map((step) => {
      const total = step?.durations.total;
      return (total && quantileOf(total, fraction)) ?? null;
    });
  return {
    requests: count(({ requests }) => requests),
    errors: count(({ outcomes }) => countOf(outcomes, 5)),
    clientErrors: count(({ outcomes }) => countOf(outcomes, 4)),
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
    cacheHits: count(({ cache }) => cache.hit ?? 0),
    cacheMisses: count(({ cache }) => cache.miss ?? 0),
    coldStarts: count(({ coldStarts }) => coldStarts),
    heapBytes: steps.map((step) => step?.heapBytes?.max ?? null),
    outputTokens: count(({ tokens }) => tokens.output ?? 0),
  };
}
