import type { TrafficSummary } from "../../../../src/domain/monitoring/report.ts";
import {
  formatBytes,
  formatCount,
  formatDollars,
  formatDuration,
  formatNumber,
  formatPercent,
  shareOf,
} from "../format.ts";
import { Tile, Tiles } from "./tile.tsx";

interface TrafficTilesProps {
  readonly summary: TrafficSummary;
  readonly seconds: number;
}

const CPU_BASES: Record<TrafficSummary["cost"]["cpuBasis"], string> = {
  platform: "CPU time of the platform",
  phases: "CPU time by phases",
  unknown: "without CPU time",
};

/** The numbers of a time, large. */
export function TrafficTiles({ summary, seconds }: TrafficTilesProps) {
  const { requests, errors, clientErrors, latencyMs, heapBytes, cost } = summary;
  const { cacheHits, cacheMisses, savedMs, coldStarts, inferences } = summary;
  const { inputTokens, outputTokens } = summary;
  return (
    <Tiles label="Sums of the time">
      <Tile
        label="Requests"
        value={formatCount(requests)}
        note={`${formatNumber(requests / seconds)} a second`}
      />
      <Tile
        label="Errors (5xx)"
        value={formatPercent(shareOf(errors, requests) ?? 0)}
        note={`${formatCount(errors)}, and ${formatCount(clientErrors)} of 4xx`}
        {...(errors > 0 && { tone: "bad" as const })}
      />
      <Tile
        label="Latency p95"
        value={formatDuration(latencyMs?.p95)}
        note={`p50 ${formatDuration(latencyMs?.p50)}, p99 ${formatDuration(latencyMs?.p99)}`}
      />
      <Tile
        label="Cache hits"
        value={formatPercent(shareOf(cacheHits, cacheHits + cacheMisses))}
        note={`${formatCount(cacheHits)} of ${formatCount(cacheHits + cacheMisses)}, saved ${formatDuration(savedMs)}`}
      />
      <Tile
        label="Cold starts"
        value={formatCount(coldStarts)}
        note={`${formatPercent(shareOf(coldStarts, requests))} of requests`}
      />
      <Tile
        label="Model memory"
        value={formatBytes(heapBytes?.max)}
        note={`largest of an isolate, now ${formatBytes(heapBytes?.last)}`}
      />
      {outputTokens > 0 || inputTokens > 0 ? (
        <Tile
          label="Tokens"
          value={formatCount(outputTokens)}
          note={`generated, of ${formatCount(inputTokens)} read`}
        />
      ) : (
        <Tile
          label="Predictions"
          value={formatCount(inferences)}
          note={`${formatCount(summary.executions)} runs of the engine`}
        />
      )}
      <Tile
        label="Cost, estimated"
        value={formatDollars(cost.total)}
        note={`${formatDollars(shareOf(cost.total * 1e6, requests))} a million, ${CPU_BASES[cost.cpuBasis]}`}
      />
    </Tiles>
  );
}
