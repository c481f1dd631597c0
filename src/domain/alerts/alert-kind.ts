import * as z from "zod";
import { type AlertRule, NO_DATA_SECONDS, RULE_FIELDS, type RuleDefaults } from "./alert-rule.ts";
import type { Measurement, Range, Readings } from "./readings.ts";

/** What a value is, for those who read a message. */
export const UNITS = [
  "ratio", // of requests: 0.05 is 5 %
  "milliseconds",
  "times", // as much as expected
  "requests",
  "features", // inputs and outputs of a model
  "points", // of accuracy: 0.05 is 5 percentage points
] as const;
export type Unit = (typeof UNITS)[number];

/** A rule with the parameters of its kind. */
export type RuleOf<Shape extends z.ZodRawShape> = AlertRule & z.output<z.ZodObject<Shape>>;

/** One kind of rule: its parameters, what it leaves out, and how it is evaluated. */
export interface AlertKindDefinition<Shape extends z.ZodRawShape> {
  readonly kind: string;
  /** What its alerts say, in one sentence. */
  readonly summary: string;
  readonly unit: Unit;
  /** On which side of the threshold an alert is pending. The threshold itself is not beyond it. */
  readonly direction: "above" | "below";
  /**
   * What it says of an item that nothing was measured of: `clear`, where only what is unusual is measured, or `unknown`, where too
   * few requests are no reason to resolve an alert.
   */
  readonly absence: "clear" | "unknown";
  /** Parameters beside those of all rules; each has a default. */
  readonly parameters: Shape;
  readonly defaults: RuleDefaults;
  /** What is to be read for it. */
  reads(rule: RuleOf<Shape>): readonly Range[];
  /** Whether it needs what drift, canaries and accuracy say. */
  readonly readsReports?: boolean;
  /** Everything that there are enough requests to measure of. */
  measure(rule: RuleOf<Shape>, readings: Readings): Iterable<Measurement>;
  /** What happened, without the subject: `12 % of 340 requests failed`. */
  describe(measurement: Measurement, rule: RuleOf<Shape>): string;
}

export interface AlertKind
  extends Omit<AlertKindDefinition<z.ZodRawShape>, "reads" | "measure" | "describe"> {
  readonly schema: z.ZodObject<z.ZodRawShape>;
  reads(rule: AlertRule): readonly Range[];
  measure(rule: AlertRule, readings: Readings): Iterable<Measurement>;
  describe(measurement: Measurement, rule: AlertRule): string;
  /** With everything that the fields leave out. @throws ZodError for fields that the schema refuses */
  toRule(fields: Readonly<Record<string, unknown>>): AlertRule;
}

/** Its rules passed the schema, so they have its parameters. */
export function defineAlertKind<Shape extends z.ZodRawShape>(
  definition: AlertKindDefinition<Shape>,
): AlertKind {
  const { kind, summary, parameters, defaults } = definition;
  const { clearRatio, ...others } = defaults;
  const schema = z
    .strictObject({ ...RULE_FIELDS, kind: z.literal(kind), ...parameters })
    .describe(summary);
  const kindOf = definition as unknown as Omit<AlertKind, "schema" | "toRule">;
  return {
    ...kindOf,
    schema: schema as unknown as z.ZodObject<z.ZodRawShape>,
    toRule(fields) {
      const given: Readonly<Record<string, unknown>> = schema.parse(fields);
      const threshold = Number(given.threshold ?? defaults.threshold);
      return {
        enabled: true,
        models: ["*"],
        versions: [],
        clearThreshold: threshold * clearRatio,
        noDataSeconds: NO_DATA_SECONDS,
        ...others,
        ...given,
        threshold,
      } as unknown as AlertRule;
    },
  };
}

/** Whether an alert is pending or firing at this value. */
export function isBeyond(
  kind: Pick<AlertKind, "direction">,
  value: number,
  limit: number,
): boolean {
  return kind.direction === "above" ? value > limit : value < limit;
}
