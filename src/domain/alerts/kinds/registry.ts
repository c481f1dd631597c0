import * as z from "zod";
import { type AlertKind, isBeyond } from "../alert-kind.ts";
import { type AlertRule, MAX_RULES, type RULE_FIELDS } from "../alert-rule.ts";
import { CACHE_COLLAPSE } from "./cache-collapse.ts";
import { CANARY } from "./canary.ts";
import { COLD_STARTS } from "./cold-starts.ts";
import { DRIFT } from "./drift.ts";
import { ERROR_RATIO } from "./error-ratio.ts";
import { ESTIMATED_ACCURACY } from "./estimated-accuracy.ts";
import { LATENCY } from "./latency.ts";
import { LATENCY_INCREASE } from "./latency-increase.ts";
import { LOST_EVENTS } from "./lost-events.ts";
import { NEW_COUNTRY } from "./new-country.ts";
import { PLATFORM_FAILURES } from "./platform-failures.ts";
import { UNUSUAL_CLIENT } from "./unusual-client.ts";

/** Every kind of rule. */
export const ALERT_KINDS: readonly AlertKind[] = [
  ERROR_RATIO,
  PLATFORM_FAILURES,
  LATENCY,
  LATENCY_INCREASE,
  COLD_STARTS,
  CACHE_COLLAPSE,
  UNUSUAL_CLIENT,
  NEW_COUNTRY,
  DRIFT,
  CANARY,
  ESTIMATED_ACCURACY,
  LOST_EVENTS,
];

const BY_KIND = new Map(ALERT_KINDS.map((kind) => [kind.kind, kind]));

/** @throws Error for a kind that there is not */
export function kindOf({ kind }: Pick<AlertRule, "kind">): AlertKind {
  const found = BY_KIND.get(kind);
  if (!found) throw new Error(`there is no kind of alert rule ${kind}`);
  return found;
}

type RuleSchema = z.ZodObject<typeof RULE_FIELDS & { kind: z.ZodLiteral<string> }>;

/** One rule as it is given, by its kind. */
export const ruleSchema = z.discriminatedUnion(
  "kind",
  ALERT_KINDS.map(({ schema }) => schema) as unknown as [RuleSchema],
);

/** All rules, whose names differ and whose thresholds fit one another. */
export const rulesSchema = z
  .array(ruleSchema)
  .max(MAX_RULES)
  .superRefine((given, context) => {
    // Of rules that are wrong by themselves nothing follows.
    if (context.issues.length > 0) return;
    const names = new Set<unknown>();
    for (const [index, fields] of given.entries()) {
      const rule = toRule(fields);
      if (names.has(rule.name))
        context.addIssue({
          code: "custom",
          path: [index, "name"],
          message: "each rule has a name of its own",
        });
      names.add(rule.name);
      const kind = kindOf(rule);
      if (!isBeyond(kind, rule.clearThreshold, rule.threshold)) continue;
      const side = kind.direction === "above" ? "at or below" : "at or above";
      context.addIssue({
        code: "custom",
        path: [index, fields.clearThreshold === undefined ? "threshold" : "clearThreshold"],
        message: `the clear threshold is ${side} the threshold, ${rule.threshold}; it is ${rule.clearThreshold}`,
      });
    }
  });

/** A rule with everything that it leaves out, as its kind says it. @param fields by {@link ruleSchema} */
export function toRule(fields: Readonly<Record<string, unknown>>): AlertRule {
  return kindOf({ kind: String(fields.kind) }).toRule(fields);
}
