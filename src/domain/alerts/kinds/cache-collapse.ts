import * as z from "zod";
import type { Counts } from "../../monitoring/counts.ts";
import { defineAlertKind } from "../alert-kind.ts";
import { duration, percent } from "../outcomes.ts";
import { isSameSubject, past, recent } from "../readings.ts";

const PAST_SECONDS = 86_400;

export const CACHE_COLLAPSE = defineAlertKind({
  kind: "cache_collapse",
  summary: "The hit ratio of the cache has fallen to a part of what it was in the day before.",
  unit: "ratio",
  direction: "below",
  absence: "unknown",
  parameters: {
    fromRatio: z
      .number()
      .min(0.01)
      .max(1)
      .default(0.2)
      .describe("A hit ratio below this was of little use before, and is not looked at."),
  },
  defaults: {
    severity: "warning",
    by: "version",
    windowSeconds: 900,
    threshold: 0.5,
    clearRatio: 1.4,
    minimumRequests: 100,
    forSeconds: 300,
    clearSeconds: 600,
  },
  reads: (rule) => [recent(rule), past(PAST_SECONDS)],
  *measure(rule, { groups }) {
    const before = groups(rule, past(PAST_SECONDS));
    for (const { subject, aggregate } of groups(rule, recent(rule))) {
      const group = before.find((each) => isSameSubject(each.subject, subject));
      const usual = lookups(group?.aggregate.cache ?? {});
      const now = lookups(aggregate.cache);
      if (now.count < rule.minimumRequests || usual.count < rule.minimumRequests) continue;
      if (usual.ratio < rule.fromRatio) continue;
      yield {
        subject,
        value: now.ratio / usual.ratio,
        requests: now.count,
        details: { hitRatio: round(now.ratio), usualHitRatio: round(usual.ratio) },
      };
    }
  },
  describe: ({ requests, details }, { windowSeconds }) =>
    `the cache answered ${percent(Number(details?.hitRatio))} of ${requests} requests in ${duration(windowSeconds)}; it was ${percent(Number(details?.usualHitRatio))} in the day before`,
});

/** A request that bypasses the cache says nothing of it. */
function lookups({ hit = 0, miss = 0 }: Counts) {
  const count = hit + miss;
  return { count, ratio: count === 0 ? 0 : hit / count };
}

function round(ratio: number): number {
  return Number(ratio.toFixed(4));
}
