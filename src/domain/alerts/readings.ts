import type { Aggregate, DurationName } from "../monitoring/aggregate.ts";
import type { AlertRule } from "./alert-rule.ts";

/** What an alert is about: a version, a model, or the service where both are absent. */
export interface AlertSubject {
  readonly model?: string | undefined;
  readonly version?: string | undefined;
}

/** A time whose requests a rule looks at. */
export interface Range {
  /** `recent` is until now, and `past` the days before what is recent. */
  readonly kind: "recent" | "past";
  readonly seconds: number;
}

/** The requests of a subject in a range. */
export interface Group {
  readonly subject: AlertSubject;
  readonly aggregate: Aggregate;
  /** From the first of them in the range to its end. */
  readonly seconds: number;
}

/** What drift, canaries and accuracy say of a version; absent where there is nothing to judge. */
export interface VersionReports {
  readonly drift?: DriftFinding | undefined;
  readonly canary?: CanaryFinding | undefined;
  readonly accuracy?: AccuracyFinding | undefined;
}

export interface VersionFindings {
  readonly model: string;
  readonly version: string;
  readonly reports: VersionReports;
}

export interface DriftFinding {
  /** Names of the inputs and outputs that have drifted, in two windows in a row. */
  readonly drifted: readonly string[];
  /** The largest effect among them. */
  readonly effect: number;
  readonly count: number;
}

export interface CanaryFinding {
  /** The version that it is compared with. */
  readonly stable: string;
  readonly isWorse: boolean;
  /** 1 minus the p-value of the sequential test. */
  readonly confidence: number;
  /** What is worse, such as `errors` or `accuracy`. */
  readonly measure: string;
  readonly count: number;
}

export interface AccuracyFinding {
  /** Between 0 and 1. */
  readonly estimated: number;
  /** Of the example data, or of the time before. */
  readonly expected?: number | undefined;
  readonly count: number;
}

/** What rules are evaluated on. Everything has been read before, so that an evaluation is a pure function. */
export interface Readings {
  /** In milliseconds since the epoch. */
  readonly now: number;
  /** Whether something could not be read: what is missing then may be there. */
  readonly isPartial: boolean;
  /** The requests that the rule is about in a range, as it takes them together. */
  groups(rule: AlertRule, range: Range): readonly Group[];
  /** Of the versions that the rule is about. */
  reports(rule: AlertRule): readonly VersionFindings[];
}

/** A value that a rule compares with its threshold. */
export interface Measurement {
  readonly subject: AlertSubject;
  /** What of the subject it is about, such as a client or a country. */
  readonly item?: string | undefined;
  readonly value: number;
  /** How many requests it is made of. */
  readonly requests: number;
  /** Numbers and names that explain it; never anything of an input. */
  readonly details?: Readonly<Record<string, number | string>> | undefined;
}

export const DURATIONS = [
  "total",
  "queue",
  "timeToFirstToken",
  "cpu",
  "wall",
] as const satisfies readonly DurationName[];

export function recent(rule: Pick<AlertRule, "windowSeconds">): Range {
  return { kind: "recent", seconds: rule.windowSeconds };
}

/** Until an hour ago at least, or until the window of a rule that is longer. */
export function past(seconds: number): Range {
  return { kind: "past", seconds };
}

export function isSameSubject(a: AlertSubject, b: AlertSubject): boolean {
  return a.model === b.model && a.version === b.version;
}

/** `the service`, `iris` or `iris version 2`. */
export function describeSubject({ model, version }: AlertSubject): string {
  if (model === undefined) return "the service";
  return version === undefined ? model : `${model} version ${version}`;
}
