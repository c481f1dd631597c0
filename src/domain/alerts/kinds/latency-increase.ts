import * as z from "zod";
import { quantileOf } from "../../monitoring/distribution.ts";
import { defineAlertKind } from "../alert-kind.ts";
import { duration } from "../outcomes.ts";
import { isSameSubject, past, recent } from "../readings.ts";
import { describeDuration, LATENCY_PARAMETERS, percentile } from "./latency.ts";

const PAST_SECONDS = 86_400;
/** A percentile of fewer requests says nothing of what is usual. */
const MINIMUM_PAST_REQUESTS = 100;

export const LATENCY_INCREASE = defineAlertKind({
  kind: "latency_increase",
  summary: "A percentile of the durations of requests is many times that of the day before.",
  unit: "times",
  direction: "above",
  absence: "unknown",
  parameters: {
    ...LATENCY_PARAMETERS,
    fromMs: z
      .number()
      .min(0)
      .default(250)
      .describe("Durations below this count as this, because nobody notices them."),
  },
  defaults: {
    severity: "warning",
    by: "version",
    windowSeconds: 600,
    threshold: 3,
    clearRatio: 0.6,
    minimumRequests: 50,
    forSeconds: 120,
    clearSeconds: 600,
  },
  reads: (rule) => [recent(rule), past(PAST_SECONDS)],
  *measure(rule, { groups }) {
    const before = groups(rule, past(PAST_SECONDS));
    for (const { subject, aggregate } of groups(rule, recent(rule))) {
      const now = aggregate.durations[rule.duration];
      const group = before.find((each) => isSameSubject(each.subject, subject));
      const usual = group?.aggregate.durations[rule.duration];
      if (!now || now.count < rule.minimumRequests) continue;
      if (!usual || usual.count < MINIMUM_PAST_REQUESTS) continue;
      const [nowMs, usualMs] = [quantileOf(now, rule.quantile), quantileOf(usual, rule.quantile)];
      if (nowMs === undefined || usualMs === undefined) continue;
      const floor = Math.max(rule.fromMs, 1);
      yield {
        subject,
        value: Math.max(nowMs, floor) / Math.max(usualMs, floor),
        requests: now.count,
        details: { milliseconds: Math.round(nowMs), usualMilliseconds: Math.round(usualMs) },
      };
    }
  },
  describe: ({ requests, details }, rule) =>
    `the ${percentile(rule.quantile)} percentile of ${describeDuration(rule.duration)} was ${details?.milliseconds} ms over ${requests} requests in ${duration(rule.windowSeconds)}; it was ${details?.usualMilliseconds} ms in the day before`,
});
