import type { Series, SeriesReport } from "../../../../src/domain/monitoring/report.ts";
import { formatBytes, formatCount, formatDuration, formatPercent } from "../format.ts";
import { Chart } from "./chart.tsx";
import { Skeleton } from "./states.tsx";

/** What happened over time, of all requests of a series. */
export function TrafficCharts({ report }: { readonly report: SeriesReport }) {
  const { starts, stepSeconds } = report;
  const series = report.series[0] ?? emptySeries(starts.length);
  const per = stepSeconds === 60 ? "a minute" : `in ${formatDuration(stepSeconds * 1000)}`;
  return (
    <div class="charts">
      <Chart
        title={`Requests ${per}`}
        starts={starts}
        format={formatCount}
        lines={[
          {
            label: "All",
            color: "--series-1",
            values: orNone(series, series.requests),
            isFilled: true,
          },
          { label: "4xx", color: "--series-3", values: orNone(series, series.clientErrors) },
          { label: "5xx", color: "--bad", values: orNone(series, series.errors) },
        ]}
      />
      <Chart
        title="Latency"
        starts={starts}
        format={formatDuration}
        lines={[
          { label: "p50", color: "--series-2", values: series.p50 },
          { label: "p95", color: "--series-1", values: series.p95 },
          { label: "p99", color: "--series-3", values: series.p99, isDashed: true },
        ]}
      />
      <Chart
        title="Cache hit ratio"
        starts={starts}
        format={formatPercent}
        emptyText="No request has used the cache in this time."
        lines={[{ label: "Hits", color: "--series-2", values: hitRatios(series), isFilled: true }]}
      />
      <Chart
        title="Model memory of an isolate"
        starts={starts}
        format={formatBytes}
        emptyText="No model has been in memory in this time."
        lines={[
          { label: "Largest", color: "--series-4", values: series.heapBytes, isFilled: true },
        ]}
      />
    </div>
  );
}

/** As high as the charts. */
export function ChartsSkeleton() {
  return (
    <div class="charts">
      {["requests", "latency", "cache", "memory"].map((name) => (
        <Skeleton key={name} height={296} />
      ))}
    </div>
  );
}

export function hitRatios({ cacheHits, cacheMisses }: Series): (number | null)[] {
  return cacheHits.map((hits, index) => {
    const asked = hits + (cacheMisses[index] ?? 0);
    return asked > 0 ? hits / asked : null;
  });
}

/** Without any request there is nothing to draw. */
function orNone({ requests }: Series, values: readonly number[]): readonly (number | null)[] {
  return requests.some((count) => count > 0) ? values : values.map(() => null);
}

function emptySeries(length: number): Series {
  const zeros = new Array<number>(length).fill(0);
  const gaps = new Array<null>(length).fill(null);
  const counts = { requests: zeros, errors: zeros, clientErrors: zeros, coldStarts: zeros };
  const cache = { cacheHits: zeros, cacheMisses: zeros, outputTokens: zeros };
  const none = { p50: gaps, p95: gaps, p99: gaps, heapBytes: gaps };
  return { model: "", version: "", ...counts, ...cache, ...none };
}
