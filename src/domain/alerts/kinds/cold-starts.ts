import { defineAlertKind } from "../alert-kind.ts";
import { duration, percent } from "../outcomes.ts";
import { recent } from "../readings.ts";

export const COLD_STARTS = defineAlertKind({
  kind: "cold_starts",
  summary: "A share of the requests waited for their model to be loaded.",
  unit: "ratio",
  direction: "above",
  absence: "unknown",
  parameters: {},
  defaults: {
    severity: "warning",
    by: "version",
    windowSeconds: 900,
    threshold: 0.25,
    clearRatio: 0.6,
    // The first requests of a deployment in every data center are cold.
    minimumRequests: 100,
    forSeconds: 300,
    clearSeconds: 600,
  },
  reads: (rule) => [recent(rule)],
  *measure(rule, { groups }) {
    for (const { subject, aggregate } of groups(rule, recent(rule))) {
      const { requests, coldStarts } = aggregate;
      if (requests >= rule.minimumRequests)
        yield { subject, value: coldStarts / requests, requests, details: { coldStarts } };
    }
  },
  describe: ({ value, requests }, { windowSeconds }) =>
    `${percent(value)} of ${requests} requests in ${duration(windowSeconds)} waited for the model to be loaded`,
});
