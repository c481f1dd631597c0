import { defineAlertKind } from "../alert-kind.ts";
import { percent } from "../outcomes.ts";

export const ESTIMATED_ACCURACY = defineAlertKind({
  kind: "estimated_accuracy",
  summary: "The accuracy that is estimated of the confidences is below what is expected.",
  unit: "points",
  direction: "above",
  absence: "unknown",
  parameters: {},
  defaults: {
    severity: "warning",
    by: "version",
    windowSeconds: 3600,
    threshold: 0.05,
    clearRatio: 0.5,
    minimumRequests: 200,
    forSeconds: 600,
    clearSeconds: 3600,
  },
  reads: () => [],
  readsReports: true,
  *measure(rule, { reports }) {
    for (const { reports: of, ...subject } of reports(rule)) {
      const { accuracy } = of;
      if (accuracy?.expected === undefined || accuracy.count < rule.minimumRequests) continue;
      const { estimated, expected, count } = accuracy;
      yield {
        subject,
        value: Math.max(0, expected - estimated),
        requests: count,
        details: {
          estimated: Number(estimated.toFixed(4)),
          expected: Number(expected.toFixed(4)),
        },
      };
    }
  },
  describe: ({ requests, details }) =>
    `its accuracy is estimated at ${percent(Number(details?.estimated))} over ${requests} predictions; ${percent(Number(details?.expected))} is expected`,
});
