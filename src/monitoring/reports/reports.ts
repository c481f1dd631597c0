import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import { sumOf } from "../../domain/monitoring/merge-aggregate.ts";
import type { Answered, Monitoring, Window } from "../../domain/monitoring/monitoring.ts";
import type {
  ModelSummary,
  OverviewReport,
  ReportFrame,
  ReportRequest,
  Reports,
} from "../../domain/monitoring/report.ts";
import { toHistograms } from "./histograms.ts";
import { toSeries } from "./series.ts";
import { errorsOf, summarize } from "./summarize.ts";

export interface ReportOptions {
  /** Whether the cache has the tier KV, whose reads and writes cost. */
  readonly usesKv: boolean;
}

/** What is shown of what was collected: sums of windows, as JSON. */
export function createReports(monitoring: Monitoring, { usesKv }: ReportOptions): Reports {
  async function read(
    request: ReportRequest,
  ): Promise<{ frame: ReportFrame; windows: readonly Window[] }> {
    const { model, version, to, stepSeconds, mayRead, onlyModels } = request;
    const from = floorTo(request.from, stepSeconds * 1000);
    const { value, unreachable }: Answered<readonly Window[]> = await monitoring.series({
      model,
      version,
      from,
      to,
      stepSeconds,
    });
    return {
      frame: { from, to, unreachable: unreachable.filter(({ shard }) => mayRead(modelOf(shard))) },
      windows: value.filter(
        (window) => !(onlyModels && window.model === "") && mayRead(window.model),
      ),
    };
  }

  return {
    async overview(request) {
      const { frame, windows } = await read(request);
      return toOverview(frame, windows, usesKv);
    },
    async series(request) {
      const { frame, windows } = await read(request);
      return toSeries(frame, windows, request);
    },
    async histograms(request) {
      const { frame, windows } = await read(request);
      return toHistograms(frame, windows, request);
    },
  };
}

function toOverview(
  frame: ReportFrame,
  windows: readonly Window[],
  usesKv: boolean,
): OverviewReport {
  const all = sumOf(windows.map(({ aggregate }) => aggregate));
  const { outcomes, operations, dataCenters, countries, invocations, lost } = all;
  return {
    ...frame,
    total: summarize(all, usesKv),
    models: [...Map.groupBy(windows, ({ model }) => model)]
      .map(([model, ofModel]) => toModel(model, ofModel, usesKv))
      .sort((one, two) => two.requests - one.requests || (one.model < two.model ? -1 : 1)),
    errors: errorsOf(outcomes),
    operations,
    dataCenters,
    countries,
    invocations,
    lost,
  };
}

function toModel(model: string, windows: readonly Window[], usesKv: boolean): ModelSummary {
  const versions = [...Map.groupBy(windows, ({ version }) => version)].map(
    ([version, ofVersion]) => ({ version, aggregate: sumOf(ofVersion.map(aggregateOf)) }),
  );
  return {
    model,
    ...summarize(sumOf(versions.map(aggregateOf)), usesKv),
    versions: versions
      .sort((one, two) => Number(two.version) - Number(one.version))
      .map(({ version, aggregate }) => ({ version, ...summarize(aggregate, usesKv) })),
  };
}

function modelOf(shard: string): string {
  return shard.startsWith("model:") ? shard.slice("model:".length) : "";
}

function aggregateOf({ aggregate }: { readonly aggregate: Aggregate }): Aggregate {
  return aggregate;
}

function floorTo(time: number, unit: number): number {
  return Math.floor(time / unit) * unit;
}
