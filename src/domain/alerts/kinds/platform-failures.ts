import { CLIENT_LEFT } from "../../invocation-outcomes.ts";
import { defineAlertKind } from "../alert-kind.ts";
import { duration, mostFrequent, percent, sumOf } from "../outcomes.ts";
import { recent } from "../readings.ts";

/** As the platform says it; a client that left is no failure. */
const ENDED_WELL = new Set(["ok", ...CLIENT_LEFT]);

export const PLATFORM_FAILURES = defineAlertKind({
  kind: "platform_failures",
  summary: "The platform ended a share of the invocations: out of memory, out of CPU time.",
  unit: "ratio",
  direction: "above",
  absence: "unknown",
  parameters: {},
  defaults: {
    severity: "critical",
    by: "version",
    windowSeconds: 600,
    threshold: 0.01,
    clearRatio: 0.5,
    minimumRequests: 20,
    forSeconds: 60,
    clearSeconds: 600,
  },
  reads: (rule) => [recent(rule)],
  *measure(rule, { groups }) {
    for (const { subject, aggregate } of groups(rule, recent(rule))) {
      const all = sumOf(aggregate.invocations);
      if (all < rule.minimumRequests) continue;
      const isFailed = (outcome: string) => !ENDED_WELL.has(outcome);
      const failed = sumOf(aggregate.invocations, isFailed);
      const most = mostFrequent(aggregate.invocations, isFailed);
      yield {
        subject,
        value: failed / all,
        requests: all,
        details: { failed, ...(most !== undefined && { mostFrequent: most }) },
      };
    }
  },
  describe: ({ value, requests, details }, { windowSeconds }) =>
    `the platform ended ${percent(value)} of ${requests} invocations in ${duration(windowSeconds)}${
      details?.mostFrequent === undefined ? "" : `, most of them with ${details.mostFrequent}`
    }`,
});
