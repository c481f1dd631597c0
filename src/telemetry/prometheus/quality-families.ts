import type { VersionReports } from "../../domain/alerts/readings.ts";
import type { OfModel, TruthGauge } from "../../domain/monitoring/shard-metrics.ts";
import type { MetricFamily, NumberFamily } from "./family.ts";
import { VERSION_LABELS } from "./samples.ts";

function truthGauge(
  name: string,
  help: string,
  read: (gauge: OfModel<TruthGauge>) => number | undefined,
): NumberFamily {
  return {
    name,
    type: "gauge",
    help,
    labels: VERSION_LABELS,
    *samples({ truths }) {
      for (const gauge of truths) {
        const value = read(gauge);
        if (value !== undefined) yield [[gauge.model, gauge.version], value];
      }
    },
  };
}

function findingGauge(
  name: string,
  help: string,
  read: (reports: VersionReports) => number | undefined,
): NumberFamily {
  return {
    name,
    type: "gauge",
    help,
    labels: VERSION_LABELS,
    *samples({ findings }) {
      for (const { model, version, reports } of findings) {
        const value = read(reports);
        if (value !== undefined) yield [[model, version], value];
      }
    },
  };
}

/** What is known of predictions: by their truth, by the reference profile as alerts have looked at it last, and of canaries. */
export const QUALITY_FAMILIES: readonly MetricFamily[] = [
  truthGauge("onnxflare_truths", "Predictions whose truth was told.", ({ truths }) => truths),
  truthGauge(
    "onnxflare_accuracy_ratio",
    "Share of right labels among the predictions whose truth was told.",
    ({ accuracy }) => accuracy,
  ),
  truthGauge(
    "onnxflare_calibration_error_ratio",
    "Expected calibration error: how far confidences are from the share of right predictions.",
    ({ calibrationError }) => calibrationError,
  ),
  truthGauge(
    "onnxflare_mean_absolute_error",
    "Mean absolute error of predicted numbers whose truth was told.",
    ({ meanAbsoluteError }) => meanAbsoluteError,
  ),
  truthGauge(
    "onnxflare_root_mean_squared_error",
    "Root of the mean squared error of predicted numbers whose truth was told.",
    ({ rootMeanSquaredError }) => rootMeanSquaredError,
  ),
  findingGauge(
    "onnxflare_estimated_accuracy_ratio",
    "Accuracy as estimated by confidences, before truths are told.",
    ({ accuracy }) => accuracy?.estimated,
  ),
  findingGauge(
    "onnxflare_drifted_features",
    "Inputs and outputs that differ from the reference profile in two windows in a row.",
    ({ drift }) => drift?.drifted.length,
  ),
  findingGauge(
    "onnxflare_drift_effect",
    "The largest difference among them, in deviations; 0 where there is none.",
    ({ drift }) => drift?.effect,
  ),
  {
    name: "onnxflare_canary_worse",
    type: "gauge",
    help: "1 for a canary that a sequential test calls worse than the stable version, else 0.",
    labels: [...VERSION_LABELS, "alias", "stable"],
    *samples({ canaries }) {
      for (const { model, version, alias, stable, isWorse } of canaries)
        yield [[model, version, alias, stable], isWorse ? 1 : 0];
    },
  },
];
