import * as z from "zod";
import { defineAlertKind } from "../alert-kind.ts";
import { duration, failuresOf, mostFrequent, percent, refusalsOf } from "../outcomes.ts";
import { recent } from "../readings.ts";

export const ERROR_RATIO = defineAlertKind({
  kind: "error_ratio",
  summary: "A share of the requests failed: the service answered with 5xx.",
  unit: "ratio",
  direction: "above",
  absence: "unknown",
  parameters: {
    refusals: z
      .boolean()
      .default(false)
      .describe("Whether requests that were refused with 429 count as failed."),
  },
  defaults: {
    severity: "critical",
    by: "version",
    windowSeconds: 300,
    threshold: 0.05,
    clearRatio: 0.4,
    minimumRequests: 20,
    forSeconds: 60,
    clearSeconds: 300,
  },
  reads: (rule) => [recent(rule)],
  *measure(rule, { groups }) {
    for (const { subject, aggregate } of groups(rule, recent(rule))) {
      const { requests, outcomes } = aggregate;
      if (requests < rule.minimumRequests) continue;
      const failed = failuresOf(aggregate) + (rule.refusals ? refusalsOf(aggregate) : 0);
      const most = mostFrequent(outcomes, (outcome) =>
        rule.refusals ? /^5|^429/.test(outcome) : outcome.startsWith("5"),
      );
      yield {
        subject,
        value: failed / requests,
        requests,
        details: { failed, ...(most !== undefined && { mostFrequent: most }) },
      };
    }
  },
  describe: ({ value, requests, details }, { windowSeconds }) =>
    `${percent(value)} of ${requests} requests failed in ${duration(windowSeconds)}${
      details?.mostFrequent === undefined ? "" : `, most of them with ${details.mostFrequent}`
    }`,
});
