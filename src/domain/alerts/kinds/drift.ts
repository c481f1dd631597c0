import { defineAlertKind } from "../alert-kind.ts";

/** More would make a message unreadable. */
const MAX_NAMES = 10;

export const DRIFT = defineAlertKind({
  kind: "drift",
  summary:
    "Inputs or outputs of a version differ from its reference profile in two windows in a row.",
  unit: "features",
  direction: "above",
  absence: "unknown",
  parameters: {},
  defaults: {
    severity: "warning",
    by: "version",
    windowSeconds: 3600,
    threshold: 0,
    clearRatio: 1,
    minimumRequests: 50,
    // The report itself waits for a second window.
    forSeconds: 0,
    clearSeconds: 3600,
  },
  reads: () => [],
  readsReports: true,
  *measure(rule, { reports }) {
    for (const { reports: of, ...subject } of reports(rule)) {
      const { drift } = of;
      if (!drift || drift.count < rule.minimumRequests) continue;
      const { drifted, effect, count } = drift;
      yield {
        subject,
        value: drifted.length,
        requests: count,
        details: {
          effect: Number(effect.toFixed(4)),
          ...(drifted.length > 0 && { features: drifted.slice(0, MAX_NAMES).join(", ") }),
        },
      };
    }
  },
  describe: ({ value, requests, details }) =>
    value === 0
      ? `no input or output differs from the reference profile, over ${requests} rows`
      : `${value} inputs or outputs differ from the reference profile, over ${requests} rows: ${details?.features}`,
});
