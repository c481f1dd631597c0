import type { ModelId } from "../../domain/model-id.ts";
import type { CollectionPolicy } from "../../domain/monitoring/collector.ts";
import type { DriftRules } from "../../domain/monitoring/drift-fields.ts";
import type { DriftReader, DriftReport } from "../../domain/monitoring/drift-report.ts";
import type { SeriesRequest } from "../../domain/monitoring/monitoring.ts";
import type { KnownProfile } from "../../domain/monitoring/reference-profile.ts";
import { assessDrift } from "./assess-drift.ts";
import type { Bucket } from "./windows.ts";

export interface DriftSources {
  /** The requests of a version, in the order of their times. */
  windows(request: SeriesRequest & { model: string; version: string }): Promise<readonly Bucket[]>;
  profile(id: ModelId): Promise<KnownProfile | undefined>;
  readonly defaults: DriftRules;
  /** How far windows reach back. */
  readonly retention: Pick<CollectionPolicy, "minutesForMs" | "hoursForMs">;
  readonly now?: () => number;
  /** Whether only windows count that have ended: one that is looked at again and again while it grows is a false alarm more often than once. */
  readonly onlyEnded?: boolean;
}

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;
const HOUR_MS = HOUR_SECONDS * 1000;
/** Without so many windows in the last day, more of the past is looked at. */
const ENOUGH_WINDOWS = 2;

export function createDriftReader({
  windows,
  profile,
  defaults,
  retention,
  now = Date.now,
  onlyEnded = false,
}: DriftSources): DriftReader {
  return {
    async report(id, changed = {}) {
      const rules: DriftRules = { ...defaults, ...changed };
      const names = { model: id.name, version: id.version };
      const known = await profile(id);
      if (!known) return assessDrift(names, undefined, [], rules);
      const assess = async (hours: number, stepSeconds: number): Promise<DriftReport> => {
        const to = now();
        // From the beginning of an hour, so that windows begin where they began a minute ago.
        const from = Math.floor(to / HOUR_MS) * HOUR_MS - hours * HOUR_MS;
        const buckets = await windows({ ...names, from, to: to + 1, stepSeconds });
        const hasEnded = ({ start, seconds }: Bucket): boolean => start + seconds * 1000 <= to;
        return assessDrift(names, known, onlyEnded ? buckets.filter(hasEnded) : buckets, rules);
      };
      const step = Math.max(1, Math.floor(rules.minSeconds / MINUTE_SECONDS)) * MINUTE_SECONDS;
      if (step < HOUR_SECONDS) {
        const recent = await assess(hoursWithin(retention.minutesForMs), step);
        if (recent.windows.filter(({ complete }) => complete).length >= ENOUGH_WINDOWS)
          return recent;
      }
      return assess(hoursWithin(retention.hoursForMs), HOUR_SECONDS);
    },
  };
}

/** As many as are kept, from the beginning of an hour that has not ended. */
function hoursWithin(milliseconds: number): number {
  return Math.max(1, Math.floor(milliseconds / HOUR_MS) - 1);
}
