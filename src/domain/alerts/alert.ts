import type { Severity } from "./alert-rule.ts";

/** An alert begins and ends as `inactive`. */
export const ALERT_STATES = [
  "inactive", // the value is on the right side of the threshold
  "pending", // beyond the threshold, for less than `forSeconds`
  "firing", // beyond it for so long, and since then never clear for `clearSeconds`
  "resolved", // was firing
] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** Why a firing alert was resolved. */
export const RESOLUTIONS = [
  "clear", // beyond the clear threshold for `clearSeconds`
  "no_data", // too few requests for `noDataSeconds`
  "rule_removed", // the rule was removed or disabled, or does not look at this any more
] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** What an alert has a message for. */
export const TRANSITIONS = ["firing", "resolved"] as const;
export type Transition = (typeof TRANSITIONS)[number];

/** One rule for one subject, such as the errors of a version. Times are in milliseconds since the epoch. */
export interface Alert {
  /** From firing to resolved; another one when it fires again. */
  readonly id?: string | undefined;
  readonly rule: string;
  readonly kind: string;
  readonly severity: Severity;
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** A client or a country. */
  readonly item?: string | undefined;
  readonly state: AlertState;
  /** Since when it is in this state. */
  readonly since: number;
  /** When the value went beyond the threshold. */
  readonly pendingAt?: number | undefined;
  readonly firedAt?: number | undefined;
  readonly resolvedAt?: number | undefined;
  readonly resolution?: Resolution | undefined;
  /** Of a firing one: since when the value is clear. */
  readonly clearSince?: number | undefined;
  /** When the value was last measured, and what it was. */
  readonly measuredAt: number;
  readonly value: number;
  readonly summary: string;
  readonly details?: Readonly<Record<string, number | string>> | undefined;
  /** Whether its message was sent, or is in the outbox; no message is sent while a rule is muted. */
  readonly isAnnounced: boolean;
}

/** One that has happened. */
export interface AlertTransition {
  readonly at: number;
  readonly transition: Transition;
  readonly alert: Alert;
  /** Of the message; absent where none was sent. */
  readonly messageId?: string | undefined;
}
