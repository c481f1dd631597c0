import { ApiError } from "../domain/errors.ts";
import type { Trace } from "../domain/trace.ts";

/** Records a published version that cannot be read, for the event; a version that does not exist is not recorded. */
export function recordUnreadable(trace: Trace, error: unknown): void {
  if (!(error instanceof ApiError) || error.kind.status < 500) return;
  const { model, version, alias } = error.details ?? {};
  if (typeof model === "string") trace.model = model;
  if (typeof version === "string") trace.version = version;
  if (typeof alias === "string") trace.alias = alias;
}
