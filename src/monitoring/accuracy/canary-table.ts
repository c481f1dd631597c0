import type {
  CanaryOutcome,
  CanaryReport,
  CanaryVerdict,
} from "../../domain/monitoring/canary-report.ts";
import type { CanaryBlock, CanaryPair } from "../../domain/monitoring/prediction-batch.ts";
import type { SqlRow, SqlStorage } from "../../domain/sql-storage.ts";
import { type CanaryState, createCanaryState, type Group } from "../canary/canary-state.ts";
import { addRequests, addTruthOfCanary } from "../canary/compare-canary.ts";
import { compareAll, verdictOf } from "../canary/report-canary.ts";
import type { CalibrationMap } from "../statistics/calibration-map.ts";

/** After which a canary that gets no requests is forgotten. */
const KEPT_MS = 90 * 86_400_000;
/** A request may have begun before the first block of its canary arrives. */
const EARLY_MS = 60_000;

type PairKey = Pick<CanaryPair, "alias" | "since" | "stable" | "canary">;

export type CanaryTable = ReturnType<typeof createCanaryTable>;

/** The canaries of a model, and what is known of each. */
export function createCanaryTable(
  { sql, now }: SqlStorage,
  calibrationOf: (version: string, isStated: boolean) => CalibrationMap | undefined,
) {
  function stateOf({ alias, since, stable, canary }: PairKey): CanaryState | undefined {
    const [row] = sql.exec(
      "SELECT state FROM canaries WHERE alias = ? AND since = ? AND stable = ? AND canary = ?",
      alias,
      since,
      stable,
      canary,
    );
    return row && (JSON.parse(String(row.state)) as CanaryState);
  }

  function put({ alias, since, stable, canary }: PairKey, state: CanaryState): void {
    sql.exec(
      "INSERT OR REPLACE INTO canaries (alias, since, stable, canary, updated_at, state) VALUES (?, ?, ?, ?, ?, ?)",
      alias,
      since,
      stable,
      canary,
      now(),
      JSON.stringify(state),
    );
  }

  /** Judges again, until it is worse: what was found stays. */
  function judge(key: CanaryPair, state: CanaryState): void {
    if (state.worse) return;
    const verdict = verdictOf(key, state, now());
    if (verdict) state.worse = verdict;
  }

  return {
    /** @returns the verdict on a canary that is worse, until it is acknowledged */
    add(block: CanaryBlock): CanaryVerdict | undefined {
      const { significance, metrics, stable, canary, calibrated } = block;
      const state = stateOf(block) ?? createCanaryState(now(), significance, metrics);
      addRequests(state, block.counts, {
        stable: calibrationOf(stable, calibrated.includes(stable)),
        canary: calibrationOf(canary, calibrated.includes(canary)),
      });
      judge(block, state);
      put(block, state);
      return state.outcome ? undefined : state.worse;
    },

    /** Adds the first truth of a request whose version was drawn. */
    addTruth(alias: string, version: string, predictedAt: number, isRight: boolean): void {
      for (const row of sql.exec("SELECT * FROM canaries WHERE alias = ?", alias)) {
        const key = keyOf(row);
        const group = groupOf(key, version);
        const state = JSON.parse(String(row.state)) as CanaryState;
        if (!group || predictedAt < state.startedAt - EARLY_MS) continue;
        if (Number(row.updated_at) < predictedAt - EARLY_MS) continue;
        addTruthOfCanary(state, group, isRight);
        const { significance, metrics } = state;
        judge({ ...key, significance, metrics, calibrated: [] }, state);
        put(key, state);
      }
    },

    /** Newest first. */
    reports(): CanaryReport[] {
      return [...sql.exec("SELECT * FROM canaries ORDER BY since DESC, canary")].map((row) => {
        const state = JSON.parse(String(row.state)) as CanaryState;
        return {
          ...keyOf(row),
          startedAt: new Date(state.startedAt).toISOString(),
          updatedAt: new Date(Number(row.updated_at)).toISOString(),
          requests: state.requests,
          significance: state.significance,
          metrics: compareAll(state),
          ...(state.worse && { worse: state.worse }),
          ...(state.outcome && { outcome: state.outcome }),
        };
      });
    },

    /** @returns whether it is the first time for this canary */
    acknowledge(key: PairKey, outcome: CanaryOutcome): boolean {
      const state = stateOf(key);
      if (!state?.worse || state.outcome) return false;
      state.outcome = outcome;
      put(key, state);
      return true;
    },

    /** Removes those that get no requests any longer. */
    sweep(): void {
      sql.exec("DELETE FROM canaries WHERE updated_at < ?", now() - KEPT_MS);
    },

    /** Removes all, or those of a version. */
    forget(version?: string): void {
      if (version === undefined) sql.exec("DELETE FROM canaries");
      else sql.exec("DELETE FROM canaries WHERE stable = ? OR canary = ?", version, version);
    },
  };
}

function keyOf(row: SqlRow): PairKey {
  return {
    alias: String(row.alias),
    since: Number(row.since),
    stable: String(row.stable),
    canary: String(row.canary),
  };
}

function groupOf({ stable, canary }: PairKey, version: string): Group | undefined {
  if (version === stable) return "stable";
  return version === canary ? "canary" : undefined;
}
