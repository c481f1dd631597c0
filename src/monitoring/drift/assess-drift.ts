import type { DriftRules } from "../../domain/monitoring/drift-fields.ts";
import type {
  DriftReport,
  DriftStatus,
  DriftWindow,
  FeatureState,
} from "../../domain/monitoring/drift-report.ts";
import type { KnownProfile } from "../../domain/monitoring/reference-profile.ts";
import { assessWindow } from "./assess-window.ts";
import { type Bucket, toWindows } from "./windows.ts";

/** In a report, the newest ones. */
export const MAX_WINDOWS = 24;
/** In a row, after which it is drift. */
const WINDOWS_OF_DRIFT = 2;
const ORDER: readonly DriftStatus[] = ["insufficient", "none", "suspected", "drift"];

/**
 * Compares requests with the reference of their version. A feature that differs in one window is suspected; it has drifted when it differs in the next one
 * as well.
 * @param buckets of the requests, in the order of their times
 */
export function assessDrift(
  id: Pick<DriftReport, "model" | "version">,
  known: KnownProfile | undefined,
  buckets: readonly Bucket[],
  { level, minEffect, minRows, minSeconds }: DriftRules,
): DriftReport {
  const rules = { level, minEffect, minRows, minSeconds };
  const { model, version } = id;
  if (!known) return { model, version, status: "no_profile", ...rules, features: [], windows: [] };
  const windows = toWindows(known, buckets, { minRows, minSeconds })
    .slice(-MAX_WINDOWS)
    .map(({ pairs, ...window }): DriftWindow => {
      const features = assessWindow(pairs, { level, minEffect });
      return { ...window, features };
    })
    .reverse();
  const features = toStates(
    known,
    windows.filter(({ complete }) => complete),
  );
  const status = features.reduce<DriftStatus>(
    (worst, each) => (ORDER.indexOf(each.status) > ORDER.indexOf(worst) ? each.status : worst),
    "insufficient",
  );
  const { rows, inputs, outputs } = known.profile;
  const reference = { digest: known.digest, rows, inputs, outputs };
  return { model, version, status, ...rules, reference, features, windows };
}

/** @param windows that are complete, the newest one first */
function toStates({ profile }: KnownProfile, windows: readonly DriftWindow[]): FeatureState[] {
  const stateOf = (side: FeatureState["side"], feature: string): FeatureState => {
    const found = windows
      .slice(0, WINDOWS_OF_DRIFT)
      .map(({ features }) =>
        features.find((each) => each.feature === feature && each.side === side),
      );
    const [last] = found;
    if (!last) return { feature, side, status: "insufficient" };
    const isDrift = found.length === WINDOWS_OF_DRIFT && found.every((each) => each?.drifted);
    return { feature, side, status: isDrift ? "drift" : last.drifted ? "suspected" : "none" };
  };
  return [
    ...profile.inputs.map(({ name }) => stateOf("input", name)),
    ...profile.outputs.map(({ name }) => stateOf("output", name)),
  ];
}
