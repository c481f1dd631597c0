import * as z from "zod";

/** The settings of alerts. */
export const ALERT_FIELDS = {
  /** How often alert rules are evaluated while there are requests, in seconds. */
  ALERT_INTERVAL_SECONDS: z.coerce.number().int().min(1).max(3600).default(60),
};

type AlertFields = {
  readonly [Name in keyof typeof ALERT_FIELDS]: z.output<(typeof ALERT_FIELDS)[Name]>;
};

export function toAlertSettings({ ALERT_INTERVAL_SECONDS: intervalSeconds }: AlertFields) {
  return Object.freeze({ intervalSeconds });
}
