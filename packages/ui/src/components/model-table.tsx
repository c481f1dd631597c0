import type {
  ModelSummary,
  TrafficSummary,
  VersionSummary,
} from "../../../../src/domain/monitoring/report.ts";
import {
  formatBytes,
  formatCount,
  formatDollars,
  formatDuration,
  formatPercent,
  shareOf,
} from "../format.ts";
import { linkTo } from "../place.ts";
import type { RangeName } from "../time-range.ts";
import { type Column, DataTable } from "./data-table.tsx";

interface Row extends TrafficSummary {
  readonly model: string;
  /** Absent of the sum of a model with several versions. */
  readonly version?: string;
}

interface ModelTableProps {
  readonly models: readonly ModelSummary[];
  readonly range: RangeName;
}

/** A row for each version. */
export function ModelTable({ models, range }: ModelTableProps) {
  const rows = models.flatMap(({ model, versions }): Row[] =>
    versions.map((version) => ({ model, ...version })),
  );
  const columns: Column<Row>[] = [
    {
      name: "model",
      title: "Model",
      sortBy: ({ model, version = "" }) => `${model} ${version.padStart(9)}`,
      cell: ({ model, version }) =>
        model === "" ? (
          <span class="muted">no model</span>
        ) : (
          <a href={linkTo(["models", model], { range })}>
            {model} <small>{version ? `v${version}` : "no version"}</small>
          </a>
        ),
    },
    ...trafficColumns(),
  ];
  return (
    <DataTable
      caption="Requests by model and version"
      columns={columns}
      rows={rows}
      keyOf={({ model, version }) => `${model} ${version}`}
    />
  );
}

/** The numbers that are compared of models and versions. */
function trafficColumns(): Column<Row>[] {
  const number = (
    name: string,
    title: string,
    read: (row: Row) => number | undefined,
    format: (value: number | undefined) => string,
  ): Column<Row> => ({
    name,
    title,
    isNumber: true,
    sortBy: (row) => read(row) ?? -1,
    cell: (row) => format(read(row)),
  });
  return [
    number("requests", "Requests", ({ requests }) => requests, formatCount),
    {
      ...number(
        "errors",
        "Errors",
        ({ errors, requests }) => shareOf(errors, requests),
        formatPercent,
      ),
      cell: ({ errors, requests }) => (
        <span class={errors > 0 ? "bad" : ""}>{formatPercent(shareOf(errors, requests))}</span>
      ),
    },
    number("p50", "p50", ({ latencyMs }) => latencyMs?.p50, formatDuration),
    number("p95", "p95", ({ latencyMs }) => latencyMs?.p95, formatDuration),
    number("p99", "p99", ({ latencyMs }) => latencyMs?.p99, formatDuration),
    number("hits", "Cache hits", hitRatioOf, formatPercent),
    number("cold", "Cold starts", ({ coldStarts }) => coldStarts, formatCount),
    number("heap", "Memory", ({ heapBytes }) => heapBytes?.max, formatBytes),
    number("tokens", "Tokens", ({ outputTokens }) => outputTokens || undefined, formatCount),
    number("cost", "Cost", ({ cost }) => cost.total, formatDollars),
  ];
}

export function hitRatioOf({
  cacheHits,
  cacheMisses,
}: TrafficSummary | VersionSummary): number | undefined {
  return shareOf(cacheHits, cacheHits + cacheMisses);
}
