import type { Series, SeriesReport } from "../../../../src/domain/monitoring/report.ts";
import { formatBytes, formatCount, formatDuration, formatPercent } from "../format.ts";
import { Chart, type ChartProps, type Line } from "./chart.tsx";
import { hitRatios } from "./traffic-charts.tsx";

interface VersionChartsProps {
  readonly report: SeriesReport;
  /** One or two of the series of the report. */
  readonly versions: readonly string[];
}

const COLORS = ["--series-1", "--series-2"];

/** The same numbers of versions in one chart. */
export function VersionCharts({ report: { starts, series }, versions }: VersionChartsProps) {
  const lines = (values: (each: Series) => readonly (number | null)[], name = ""): Line[] =>
    versions.map((version, index) => {
      const of = series.find((each) => each.version === version);
      return {
        label: [`v${version}`, name].filter(Boolean).join(" "),
        color: COLORS[index] ?? "--series-3",
        values: of ? values(of) : starts.map(() => null),
      };
    });
  const dashed = (line: Line): Line => ({ ...line, isDashed: true });
  const charts: Omit<ChartProps, "starts">[] = [
    { title: "Requests", format: formatCount, lines: lines(({ requests }) => requests) },
    {
      title: "Latency",
      format: formatDuration,
      lines: [...lines(({ p50 }) => p50, "p50"), ...lines(({ p95 }) => p95, "p95").map(dashed)],
    },
    { title: "Error ratio (5xx)", format: formatPercent, lines: lines(errorRatios) },
    {
      title: "Cache hit ratio",
      format: formatPercent,
      lines: lines(hitRatios),
      emptyText: "No request has used the cache in this time.",
    },
    { title: "Cold starts", format: formatCount, lines: lines(({ coldStarts }) => coldStarts) },
    {
      title: "Model memory of an isolate",
      format: formatBytes,
      lines: lines(({ heapBytes }) => heapBytes),
      emptyText: "No model has been in memory in this time.",
    },
  ];
  return (
    <div class="charts">
      {charts.map((chart) => (
        <Chart key={chart.title} starts={starts} {...chart} />
      ))}
    </div>
  );
}

function errorRatios({ errors, requests }: Series): (number | null)[] {
  return requests.map((count, index) => (count > 0 ? (errors[index] ?? 0) / count : null));
}
