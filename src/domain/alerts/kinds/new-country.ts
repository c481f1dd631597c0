import * as z from "zod";
import { defineAlertKind } from "../alert-kind.ts";
import { duration, sumOf } from "../outcomes.ts";
import { isSameSubject, past, recent } from "../readings.ts";

/** A week has each day. */
const PAST_SECONDS = 604_800;
const MINIMUM_PAST_SECONDS = 86_400;
/** As the platform says it of Tor, and of addresses that it cannot place. */
const NO_COUNTRIES = new Set(["XX", "T1", "other", "unknown", ""]);

export const NEW_COUNTRY = defineAlertKind({
  kind: "new_country",
  summary: "Requests come from a country from which next to none came in the week before.",
  unit: "requests",
  direction: "above",
  absence: "clear",
  parameters: {
    knownShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.0005)
      .describe("A country is known that had more than this share of the requests before."),
    minimumPast: z
      .int()
      .min(1)
      .default(10_000)
      .describe("With fewer requests before, all countries would be new."),
  },
  defaults: {
    severity: "info",
    by: "service",
    windowSeconds: 3600,
    threshold: 100,
    clearRatio: 0.5,
    minimumRequests: 100,
    forSeconds: 0,
    clearSeconds: 3600,
  },
  reads: (rule) => [recent(rule), past(PAST_SECONDS)],
  *measure(rule, { groups }) {
    const before = groups(rule, past(PAST_SECONDS));
    for (const { subject, aggregate } of groups(rule, recent(rule))) {
      const group = before.find((each) => isSameSubject(each.subject, subject));
      if (!group || group.seconds < MINIMUM_PAST_SECONDS) continue;
      const usual = group.aggregate.countries;
      const all = sumOf(usual);
      if (all < rule.minimumPast || aggregate.requests < rule.minimumRequests) continue;
      for (const [country, count] of Object.entries(aggregate.countries)) {
        if (NO_COUNTRIES.has(country) || (usual[country] ?? 0) > all * rule.knownShare) continue;
        yield {
          subject,
          item: country,
          value: count,
          requests: count,
          details: { before: usual[country] ?? 0 },
        };
      }
    }
  },
  describe: ({ item, requests, details }, { windowSeconds }) =>
    `${requests} requests came from ${item} in ${duration(windowSeconds)}; ${details?.before} came in the week before`,
});
