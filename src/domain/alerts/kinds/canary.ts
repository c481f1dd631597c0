import { defineAlertKind } from "../alert-kind.ts";

export const CANARY = defineAlertKind({
  kind: "canary",
  summary: "A version that gets a part of the requests is worse than the one before.",
  unit: "ratio",
  direction: "above",
  absence: "unknown",
  parameters: {},
  defaults: {
    severity: "critical",
    by: "version",
    windowSeconds: 3600,
    // The test is made to be looked at often; its own significance decides, and this is whether it has.
    threshold: 0,
    clearRatio: 1,
    minimumRequests: 1,
    forSeconds: 0,
    clearSeconds: 300,
  },
  reads: () => [],
  readsReports: true,
  *measure(rule, { reports }) {
    for (const { reports: of, ...subject } of reports(rule)) {
      const { canary } = of;
      if (!canary || canary.count < rule.minimumRequests) continue;
      const { isWorse, confidence, measure, stable, count } = canary;
      yield {
        subject,
        value: isWorse ? confidence : 0,
        requests: count,
        details: { measure, stable, confidence: Number(confidence.toFixed(5)) },
      };
    }
  },
  describe: ({ value, requests, details }) =>
    value > 0
      ? `it is worse than version ${details?.stable} in ${details?.measure}, over ${requests} requests`
      : `it is not worse than version ${details?.stable}, over ${requests} requests`,
});
