import type { Measure } from "./answer-comparison/comparison.ts";
import type { ShadowEvent, ShadowSkip } from "./event.ts";

/** Counts of the copies of requests to one alias, from one version to another, since the isolate started. */
export interface ShadowCounts {
  readonly alias: string;
  readonly version: string;
  readonly shadowVersion: string;
  same: number;
  different: number;
  failed: number;
  skipped: number;
  /** Of those that failed, by the code of the error. */
  readonly failures: Record<string, number>;
  readonly skips: Partial<Record<ShadowSkip, number>>;
  /** Of those that were compared. */
  readonly measures: Partial<Record<Measure, ShadowDistances>>;
  /** Of those that were compared, without those for which the shadow was loaded first or an answer was in the cache; on average. */
  primaryMs: number | undefined;
  shadowMs: number | undefined;
  /** How many these averages are of. */
  timed: number;
  /** When the last copy began. */
  lastAt: string;
}

export interface ShadowDistances {
  count: number;
  mean: number;
  max: number;
}

export interface ShadowStatistics {
  /** Of a model, by alias and pair of versions. */
  of(model: string): readonly ShadowCounts[];
  /** Removes what was counted of a version, or of all of them; a copy that has begun before is not counted any more. */
  forget(model: string, version?: string): void;
}

/** Whether a copy involves the version. */
export function involves(
  { version, shadowVersion }: Pick<ShadowEvent, "version" | "shadowVersion">,
  of: string | undefined,
): boolean {
  return of === undefined || version === of || shadowVersion === of;
}
