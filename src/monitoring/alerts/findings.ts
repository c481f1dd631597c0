import type { AccuracyFinding, CanaryFinding, DriftFinding } from "../../domain/alerts/readings.ts";
import type { AccuracyReport } from "../../domain/monitoring/accuracy-report.ts";
import type { CanaryReport } from "../../domain/monitoring/canary-report.ts";
import type { DriftReport } from "../../domain/monitoring/drift-report.ts";

/** What alerts use of the reports of a version. */

/** A canary that has had no requests for so long is over. */
const CANARY_MS = 3_600_000;

/** `undefined` of a version without a profile, or without a complete window. */
export function toDriftFinding({
  status,
  features,
  windows,
}: DriftReport): DriftFinding | undefined {
  if (status === "no_profile" || status === "insufficient") return undefined;
  const last = windows.find(({ complete }) => complete);
  if (!last) return undefined;
  const drifted = features.filter((feature) => feature.status === "drift");
  const effects = last.features
    .filter(({ feature, side }) =>
      drifted.some((each) => each.feature === feature && each.side === side),
    )
    .map(({ effect }) => effect);
  return {
    drifted: drifted.map(({ feature }) => feature),
    effect: Math.max(0, ...effects),
    count: last.rows,
  };
}

/** `undefined` of a version that is no canary now. */
export function toCanaryFinding(
  reports: readonly CanaryReport[],
  version: string,
  now: number,
): CanaryFinding | undefined {
  const [report] = reports
    .filter(
      ({ canary, updatedAt }) => canary === version && Date.parse(updatedAt) > now - CANARY_MS,
    )
    .sort((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt));
  if (!report) return undefined;
  const { stable, worse, requests, metrics } = report;
  const significance =
    worse?.significance ?? Math.min(1, ...metrics.map((each) => each.significance));
  return {
    stable,
    isWorse: worse !== undefined,
    confidence: 1 - significance,
    measure: worse?.metric ?? "anything",
    count: requests.canary,
  };
}

/**
 * @param recent of the last requests
 * @param past of the truths of a longer time, which say what is expected
 */
export function toAccuracyFinding(
  recent: AccuracyReport | undefined,
  past: AccuracyReport | undefined,
): AccuracyFinding | undefined {
  const estimated = recent?.estimated;
  if (!estimated || "unavailable" in estimated) return undefined;
  return {
    estimated: estimated.accuracy.value,
    expected: past?.classification?.accuracy.value,
    count: estimated.predictions,
  };
}
