import * as z from "zod";
import type { CollectionPolicy } from "./collector.ts";

/** The settings of the collector. */
export const MONITORING_FIELDS = {
  /** How long isolates gather what they have counted before they send it to the collector, in milliseconds. */
  MONITORING_FLUSH_MS: z.coerce.number().int().min(50).max(10_000).default(5000),
  /** For how long windows of minutes are kept, in hours. */
  MONITORING_MINUTES_FOR_HOURS: z.coerce.number().min(1).max(168).default(24),
  /** For how long windows of hours are kept, in days. */
  MONITORING_HOURS_FOR_DAYS: z.coerce.number().min(1).max(400).default(35),
  /** For how many days predictions wait for their truth, unless their model says otherwise; 0 for none. */
  FEEDBACK_RETENTION_DAYS: z.coerce.number().min(0).max(400).default(30),
};

type MonitoringFields = {
  readonly [Name in keyof typeof MONITORING_FIELDS]: z.output<(typeof MONITORING_FIELDS)[Name]>;
};

export interface MonitoringSettings {
  readonly flushMs: number;
  readonly policy: CollectionPolicy;
  readonly feedbackRetentionDays: number;
}

/** The collector stores what comes within this time together. */
const MAX_COMMIT_MS = 2000;

export function toMonitoringSettings(settings: MonitoringFields): MonitoringSettings {
  const flushMs = settings.MONITORING_FLUSH_MS;
  return Object.freeze({
    flushMs,
    feedbackRetentionDays: settings.FEEDBACK_RETENTION_DAYS,
    policy: Object.freeze({
      commitMs: Math.min(MAX_COMMIT_MS, flushMs / 2),
      minutesForMs: settings.MONITORING_MINUTES_FOR_HOURS * 3_600_000,
      hoursForMs: settings.MONITORING_HOURS_FOR_DAYS * 86_400_000,
    }),
  });
}
