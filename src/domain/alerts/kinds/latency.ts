import * as z from "zod";
import { quantileOf } from "../../monitoring/distribution.ts";
import { defineAlertKind } from "../alert-kind.ts";
import { duration } from "../outcomes.ts";
import { DURATIONS, recent } from "../readings.ts";

/** Of both kinds of rules on latency. */
export const LATENCY_PARAMETERS = {
  duration: z
    .enum(DURATIONS)
    .default("total")
    .describe(
      "`cpu` and `wall` are told by the Tail Worker: without it there is nothing to judge.",
    ),
  quantile: z.number().gt(0).lt(1).default(0.95).describe("0.95 is the 95th percentile."),
} as const;

export const LATENCY = defineAlertKind({
  kind: "latency",
  summary: "A percentile of the durations of requests is above a limit, in milliseconds.",
  unit: "milliseconds",
  direction: "above",
  absence: "unknown",
  parameters: LATENCY_PARAMETERS,
  defaults: {
    severity: "warning",
    by: "version",
    windowSeconds: 600,
    threshold: 10_000,
    clearRatio: 0.8,
    minimumRequests: 20,
    forSeconds: 120,
    clearSeconds: 300,
  },
  reads: (rule) => [recent(rule)],
  *measure(rule, { groups }) {
    for (const { subject, aggregate } of groups(rule, recent(rule))) {
      const distribution = aggregate.durations[rule.duration];
      if (!distribution || distribution.count < rule.minimumRequests) continue;
      const value = quantileOf(distribution, rule.quantile);
      if (value !== undefined) yield { subject, value, requests: distribution.count };
    }
  },
  describe: ({ value, requests }, rule) =>
    `the ${percentile(rule.quantile)} percentile of ${describeDuration(rule.duration)} was ${Math.round(value)} ms over ${requests} requests in ${duration(rule.windowSeconds)}`,
});

export function percentile(quantile: number): string {
  return `${Number((quantile * 100).toFixed(3))}th`;
}

export function describeDuration(name: (typeof DURATIONS)[number]): string {
  const words: Record<typeof name, string> = {
    total: "the durations of requests",
    queue: "the time in the queue",
    timeToFirstToken: "the time to the first token",
    cpu: "the CPU time",
    wall: "the wall time",
  };
  return words[name];
}
