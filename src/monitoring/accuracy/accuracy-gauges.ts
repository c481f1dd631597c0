import type { CanaryReport } from "../../domain/monitoring/canary-report.ts";
import type {
  CanaryGauge,
  ShardGauges,
  TruthGauge,
} from "../../domain/monitoring/shard-metrics.ts";
import type { TruthSums } from "../../domain/monitoring/truth-sums.ts";
import { reportCalibration } from "../statistics/calibration.ts";
import { reportRegression } from "../statistics/regression.ts";

/**
 * @param totals of all time, by version
 * @param canaries the newest ones first
 */
export function toAccuracyGauges(
  totals: ReadonlyMap<string, TruthSums>,
  canaries: readonly CanaryReport[],
): ShardGauges {
  const gauges = canaries.map(toCanaryGauge);
  return {
    truths: [...totals].flatMap(([version, sums]) =>
      sums.truths > 0 ? [toTruthGauge(version, sums)] : [],
    ),
    // A version may have been a canary of the same alias before.
    canaries: gauges.filter((gauge, index) => gauges.findIndex(isAlike(gauge)) === index),
  };
}

function toTruthGauge(version: string, sums: TruthSums): TruthGauge {
  const labels = sums.truths - sums.values.count;
  const errors = reportRegression(sums.values);
  return {
    version,
    truths: sums.truths,
    accuracy: labels > 0 ? sums.correct / labels : undefined,
    calibrationError: reportCalibration(sums)?.expectedError,
    meanAbsoluteError: errors?.meanAbsoluteError.value,
    rootMeanSquaredError: errors?.rootMeanSquaredError.value,
  };
}

function toCanaryGauge({ alias, canary, stable, worse }: CanaryReport): CanaryGauge {
  return { alias, version: canary, stable, isWorse: worse !== undefined };
}

function isAlike(one: CanaryGauge): (other: CanaryGauge) => boolean {
  return ({ alias, version, stable }) =>
    alias === one.alias && version === one.version && stable === one.stable;
}
