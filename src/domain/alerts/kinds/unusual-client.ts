import { OTHER } from "../../monitoring/counts.ts";
import { defineAlertKind } from "../alert-kind.ts";
import { duration } from "../outcomes.ts";
import { isSameSubject, past, recent } from "../readings.ts";

/** A week has each hour of the day, and each day. */
const PAST_SECONDS = 604_800;
/** One with less has no usual clients yet, and not seen all hours of a day. */
const MINIMUM_PAST_SECONDS = 86_400;
/** Of all clients: a service with fewer has no usual clients yet. */
const MINIMUM_PAST_REQUESTS = 1000;

export const UNUSUAL_CLIENT = defineAlertKind({
  kind: "unusual_client",
  summary: "A client sends many times what it sent before, or, if it is new, what others send.",
  unit: "times",
  direction: "above",
  absence: "clear",
  parameters: {},
  defaults: {
    severity: "warning",
    by: "service",
    windowSeconds: 900,
    threshold: 10,
    clearRatio: 0.5,
    minimumRequests: 1000,
    forSeconds: 120,
    clearSeconds: 900,
  },
  reads: (rule) => [recent(rule), past(PAST_SECONDS)],
  *measure(rule, { groups }) {
    const before = groups(rule, past(PAST_SECONDS));
    for (const { subject, aggregate } of groups(rule, recent(rule))) {
      const group = before.find((each) => isSameSubject(each.subject, subject));
      if (!group || group.aggregate.requests < MINIMUM_PAST_REQUESTS) continue;
      if (group.seconds < MINIMUM_PAST_SECONDS) continue;
      const windows = group.seconds / rule.windowSeconds;
      const usual = group.aggregate.principals;
      const { principals } = aggregate;
      for (const [client, count] of Object.entries(principals)) {
        if (client === OTHER || count < rule.minimumRequests) continue;
        const own = (usual[client] ?? 0) / windows;
        // What a client may have sent that was not among the most frequent ones.
        const unnamed = usual[OTHER] === undefined ? 0 : leastOf(usual) / windows;
        const expected =
          own > 0 ? own : Math.max(unnamed, meanOfOthers(principals, client) ?? unnamed);
        if (expected === 0) continue;
        yield {
          subject,
          item: client,
          value: count / Math.max(expected, 1),
          requests: count,
          details: { expected: Math.round(expected), isNew: own > 0 ? "no" : "yes" },
        };
      }
    }
  },
  describe: ({ item, requests, details }, { windowSeconds }) =>
    `${item} sent ${requests} requests in ${duration(windowSeconds)}; ${details?.isNew === "yes" ? "it is new, and other clients send" : "it usually sends"} ${details?.expected}`,
});

function leastOf(counts: Readonly<Record<string, number>>): number {
  const named = Object.entries(counts).filter(([name]) => name !== OTHER);
  return named.length === 0 ? 0 : Math.min(...named.map(([, count]) => count));
}

function meanOfOthers(
  counts: Readonly<Record<string, number>>,
  client: string,
): number | undefined {
  const others = Object.entries(counts).filter(([name]) => name !== client && name !== OTHER);
  if (others.length === 0) return undefined;
  return others.reduce((sum, [, count]) => sum + count, 0) / others.length;
}
