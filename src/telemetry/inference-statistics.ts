import type { RequestEvent } from "../domain/event.ts";
import type {
  DurationStatistic,
  InferenceStatistics,
  StatisticsReader,
} from "../domain/inference-statistics.ts";
import type { EventSink } from "../domain/ports.ts";
import type { Phase } from "../domain/trace.ts";
import { LruMap } from "../shared/lru-map.ts";

const NS_PER_MS = 1_000_000;
/** Largest number of versions; the least recently requested one is evicted first. */
const MAX_VERSIONS = 1000;

/** Counts the events of `inference` operations by version. */
export function createStatisticsSink(): EventSink & StatisticsReader {
  const versions = new LruMap<string, InferenceStatistics>(MAX_VERSIONS);
  /** The statistics of the version that was requested last. */
  let latest: InferenceStatistics | undefined;

  function use(model: string, version: string): InferenceStatistics {
    const key = `${model}/${version}`;
    const known = versions.get(key);
    if (known) return known;
    const statistics = createStatistics(model, version);
    versions.set(key, statistics);
    return statistics;
  }

  return {
    emit(event) {
      if (event.event !== "request") return;
      const { model, version, operationKind } = event;
      if (operationKind !== "inference" || model === undefined || version === undefined) return;
      if (latest?.name !== model || latest.version !== version) latest = use(model, version);
      count(latest, event);
    },
    forget(name, version) {
      versions.delete(`${name}/${version}`);
      if (latest?.name === name && latest.version === version) latest = undefined;
    },
    of: (name, version) => versions.peek(`${name}/${version}`) ?? createStatistics(name, version),
  };
}

function count(statistics: InferenceStatistics, event: RequestEvent): void {
  const { status, totalMs, phasesMs } = event;
  add(status < 400 ? statistics.success : statistics.fail, totalMs);
  if (status >= 400) return;
  statistics.lastInference = Date.parse(event.time);
  if (event.cache?.outcome === "hit") {
    add(statistics.cacheHit, phasesMs.cache ?? 0);
    // Of the durations, only `queue` includes cache hits.
    add(statistics.queue, phasesMs.resolve ?? 0);
  }
  if (event.cache?.outcome === "miss") add(statistics.cacheMiss, phasesMs.cache ?? 0);
  if (phasesMs.infer === undefined) return;
  statistics.executions++;
  const sum = (...phases: Phase[]): number =>
    phases.reduce((total, phase) => total + (phasesMs[phase] ?? 0), 0);
  add(statistics.queue, sum("resolve", "load"));
  add(statistics.computeInput, sum("body", "parse", "decode", "preprocess"));
  add(statistics.computeInfer, sum("infer"));
  add(statistics.computeOutput, sum("postprocess", "serialize"));
}

function add(statistic: DurationStatistic, milliseconds: number): void {
  statistic.count++;
  statistic.ns += Math.round(milliseconds * NS_PER_MS);
}

function createStatistics(name: string, version: string): InferenceStatistics {
  const none = (): DurationStatistic => ({ count: 0, ns: 0 });
  return {
    name,
    version,
    lastInference: 0,
    executions: 0,
    success: none(),
    fail: none(),
    queue: none(),
    computeInput: none(),
    computeInfer: none(),
    computeOutput: none(),
    cacheHit: none(),
    cacheMiss: none(),
  };
}
