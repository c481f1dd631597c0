import * as z from "zod";
import { MODEL_PATTERN } from "../access/model-pattern.ts";
import { MODEL_VERSION } from "../model-id.ts";

/** In the order of their weight. */
export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What requests are taken together: those of a version, of a model, or of the whole service. */
export const GROUPINGS = ["version", "model", "service"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export const RULE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** A rule is evaluated for every version, so their number is what an evaluation costs. */
export const MAX_RULES = 100;
const MAX_PATTERNS = 100;
const MAX_VERSIONS = 100;
/** What minutes are kept for. */
const MAX_WINDOW_SECONDS = 86_400;
/** A week. */
const MAX_DURATION_SECONDS = 604_800;

const duration = z.int().min(0).max(MAX_DURATION_SECONDS);

/** A time as `mutedUntil` has it. */
const time = z.iso.datetime({
  offset: true,
  error: "a time such as 2027-01-31T00:00:00Z is expected (ISO 8601, with Z or an offset)",
});

/** What all rules have beside their kind and its parameters. What is left out is as the kind says. */
export const RULE_FIELDS = {
  name: z
    .string()
    .regex(RULE_NAME, "1 to 63 of a-z 0-9 and - are expected, beginning with a letter or digit")
    .describe("Identifies the rule, and its alerts across changes of it."),
  description: z.string().max(500).optional().describe("Is part of the messages of its alerts."),
  enabled: z.boolean().optional().describe("true by default."),
  severity: z.enum(SEVERITIES).optional(),
  models: z
    .array(
      z
        .string()
        .regex(MODEL_PATTERN, "a pattern is a model's name, in which * stands for any characters"),
    )
    .min(1)
    .max(MAX_PATTERNS)
    .optional()
    .describe("Patterns of the names of models whose requests are looked at; all when left out."),
  versions: z
    .array(z.string().regex(MODEL_VERSION, "a version is a positive integer"))
    .max(MAX_VERSIONS)
    .optional()
    .describe("Versions whose requests are looked at; all when there are none."),
  by: z
    .enum(GROUPINGS)
    .optional()
    .describe("Whether there is an alert for each version, each model, or the whole service."),
  windowSeconds: z
    .int()
    .min(60)
    .max(MAX_WINDOW_SECONDS)
    .multipleOf(60, "whole minutes are expected, because minutes are what is kept")
    .optional()
    .describe("The requests of this time before each evaluation are looked at."),
  threshold: z.number().min(0).optional().describe("The alert is pending beyond this value."),
  clearThreshold: z
    .number()
    .min(0)
    .optional()
    .describe("A firing alert is only cleared on the other side of this value."),
  minimumRequests: z
    .int()
    .min(1)
    .optional()
    .describe("With fewer requests there is nothing to judge, and the alert stays as it is."),
  forSeconds: duration
    .optional()
    .describe("How long the value must be beyond the threshold before the alert fires."),
  clearSeconds: duration
    .optional()
    .describe("How long the value must be clear before the alert is resolved."),
  noDataSeconds: duration
    .optional()
    .describe("A firing alert without enough requests for so long is resolved."),
  mutedUntil: time
    .optional()
    .describe("Until then the alerts of the rule are evaluated, and no messages are sent."),
} as const;

/** A rule with everything that it leaves out. */
export interface AlertRule {
  readonly name: string;
  readonly kind: string;
  readonly description?: string | undefined;
  readonly enabled: boolean;
  readonly severity: Severity;
  readonly models: readonly string[];
  /** All when it is empty. */
  readonly versions: readonly string[];
  readonly by: Grouping;
  readonly windowSeconds: number;
  readonly threshold: number;
  readonly clearThreshold: number;
  readonly minimumRequests: number;
  readonly forSeconds: number;
  readonly clearSeconds: number;
  readonly noDataSeconds: number;
  readonly mutedUntil?: string | undefined;
}

/** What the kind of a rule says of what the rule leaves out. */
export interface RuleDefaults {
  readonly severity: Severity;
  readonly by: Grouping;
  readonly windowSeconds: number;
  readonly threshold: number;
  /** Of the threshold. */
  readonly clearRatio: number;
  readonly minimumRequests: number;
  readonly forSeconds: number;
  readonly clearSeconds: number;
}

/** Half an hour: longer than most pauses in the traffic of a service that is in use. */
export const NO_DATA_SECONDS = 1800;
