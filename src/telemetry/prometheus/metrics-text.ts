import { modelOfShard } from "../../domain/monitoring/collector.ts";
import type { MetricsText } from "../../domain/monitoring/metrics-text.ts";
import type { Monitoring, VersionTotals } from "../../domain/monitoring/monitoring.ts";
import type { OfModel } from "../../domain/monitoring/shard-metrics.ts";
import { boundVersions } from "./bound-versions.ts";
import type { MetricsReading } from "./reading.ts";
import { METRIC_FAMILIES } from "./registry.ts";
import { TEXT_FORMAT, writeText } from "./write-text.ts";

export interface MetricsTextOptions {
  readonly monitoring: Pick<Monitoring, "metrics">;
  /** Whose numbers these are. */
  readonly scope: MetricsReading["scope"];
  readonly serverVersion: string;
  /** In milliseconds. */
  readonly now?: () => number;
}

/** For how long numbers that were read are shown again: whoever asks more often does not make the collector work more. */
const FRESH_MS = 1000;
/** Prometheus gives up a scrape after 10 s: a shard that hangs must not take the numbers of all others. */
const READ_MS = 5000;

/** The numbers of the service in Prometheus' text format. */
export function createMetricsText({
  monitoring,
  scope,
  serverVersion,
  now = Date.now,
}: MetricsTextOptions): MetricsText {
  let latest: { readonly at: number; readonly reading: MetricsReading } | undefined;

  async function read(): Promise<MetricsReading> {
    const at = now();
    if (latest && at - latest.at < FRESH_MS && at >= latest.at) return latest.reading;
    const { value, unreachable } = await monitoring.metrics({ withinMs: READ_MS });
    const alerts = value.find((shard) => shard.alerts)?.alerts;
    const totals = value.flatMap((shard) => shard.totals);
    const reading: MetricsReading = {
      scope,
      versions: boundVersions(totals.map(withoutPrincipals)),
      truths: value.flatMap(({ model, truths = [] }) => withModel(truths, model)),
      canaries: value.flatMap(({ model, canaries = [] }) => withModel(canaries, model)),
      findings: alerts?.reports ?? [],
      alerts,
      unreachable,
      seconds: (now() - at) / 1000,
      serverVersion,
    };
    latest = { at: now(), reading };
    return reading;
  }

  return {
    contentType: TEXT_FORMAT,
    async read({ mayRead, checkpoint }) {
      const reading = await read();
      const isReadable = ({ model }: { readonly model: string }): boolean => mayRead(model);
      const shown: MetricsReading = {
        ...reading,
        versions: reading.versions.filter(isReadable),
        truths: reading.truths.filter(isReadable),
        canaries: reading.canaries.filter(isReadable),
        findings: reading.findings.filter(isReadable),
        alerts: mayRead("") ? reading.alerts : undefined,
        unreachable: reading.unreachable.filter(({ shard }) => mayRead(modelOfShard(shard))),
      };
      return writeText(METRIC_FAMILIES, shown, checkpoint);
    },
  };
}

/** What is read is kept for a while, and who made requests is no part of it. */
function withoutPrincipals({ aggregate, ...version }: VersionTotals): VersionTotals {
  return { ...version, aggregate: { ...aggregate, principals: {} } };
}

function withModel<Gauge>(gauges: readonly Gauge[], model: string): OfModel<Gauge>[] {
  return gauges.map((gauge) => ({ ...gauge, model }));
}
