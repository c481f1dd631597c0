import { defineAlertKind } from "../alert-kind.ts";
import { duration, mostFrequent, percent, sumOf } from "../outcomes.ts";
import { recent } from "../readings.ts";

export const LOST_EVENTS = defineAlertKind({
  kind: "lost_events",
  summary: "A share of the events was lost, so that metrics and alerts know less than there is.",
  unit: "ratio",
  direction: "above",
  absence: "unknown",
  parameters: {},
  defaults: {
    severity: "warning",
    by: "service",
    windowSeconds: 900,
    threshold: 0.01,
    clearRatio: 0.5,
    minimumRequests: 20,
    forSeconds: 120,
    clearSeconds: 600,
  },
  reads: (rule) => [recent(rule)],
  *measure(rule, { groups }) {
    for (const { subject, aggregate } of groups(rule, recent(rule))) {
      const lost = sumOf(aggregate.lost);
      const all = aggregate.requests + lost;
      if (all < rule.minimumRequests) continue;
      const reason = mostFrequent(aggregate.lost, () => true);
      yield {
        subject,
        value: lost / all,
        requests: all,
        details: { lost, ...(reason !== undefined && { reason }) },
      };
    }
  },
  describe: ({ value, requests, details }, { windowSeconds }) =>
    `${percent(value)} of ${requests} events were lost in ${duration(windowSeconds)}${
      details?.reason === undefined ? "" : `, most of them because of ${details.reason}`
    }`,
});
