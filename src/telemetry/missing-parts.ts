import { EVENT_SCHEMA_VERSION, type NoticeEvent } from "../domain/event.ts";

/** Bindings and secrets that a deployment may lack, and what it does then. */
const WITHOUT = {
  LOADER:
    "The Worker Loader binding LOADER is missing: all models share this isolate and its MEMORY_BUDGET_BYTES. docs/isolates.md has the binding.",
  RATE_LIMITER:
    "The rate limit binding RATE_LIMITER is missing: nothing limits how many requests an address sends. docs/quotas.md has the binding.",
  KEYS: "The Durable Object binding KEYS is missing: there are no API keys but the secret ADMIN_KEY. docs/keys.md has the binding.",
  METRICS:
    "The Durable Object binding METRICS is missing: nothing is collected of all isolates, and there are no alerts. docs/monitoring.md has the binding.",
  ASSETS:
    "The binding ASSETS of static assets is missing: there is no dashboard. docs/dashboard.md has the binding.",
  PRIVACY_KEY:
    "The secret PRIVACY_KEY is not set: no request is captured, nothing is kept of requests with x-subject-id, data can be neither erased nor exported, and alerts have no webhooks. docs/privacy.md says how to make one.",
} as const;

type OptionalPart = keyof typeof WITHOUT;

/** A notice for each part that is missing. */
export function createMissingPartNotices(
  parts: Readonly<Record<OptionalPart, unknown>>,
): NoticeEvent[] {
  const time = new Date().toISOString();
  return (Object.keys(WITHOUT) as OptionalPart[])
    .filter((name) => !parts[name])
    .map((name) => ({
      event: "notice",
      schemaVersion: EVENT_SCHEMA_VERSION,
      time,
      message: WITHOUT[name],
    }));
}
