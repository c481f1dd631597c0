import { EVENT_SCHEMA_VERSION, type GarbageEvent } from "../domain/event.ts";
import type { CollectedPage } from "./collect-garbage.ts";

/** What was removed, in numbers. */
export type CollectedCounts = Pick<
  GarbageEvent,
  "removed" | "removedBytes" | "failed" | "skipped" | "complete"
>;

/** @param pages that follow each other */
export function countCollected(pages: readonly CollectedPage[]): CollectedCounts {
  const removed = pages.flatMap((page) => page.removed);
  return {
    removed: removed.length,
    removedBytes: removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    failed: pages.reduce((sum, { failed }) => sum + failed.length, 0),
    skipped: pages.reduce((sum, { skipped }) => sum + skipped.length, 0),
    complete: pages.at(-1)?.cursor === undefined,
  };
}

/** @param requestId of the request that removed it; `undefined` for a scheduled run */
export function toGarbageEvent(counts: CollectedCounts, requestId?: string): GarbageEvent {
  return {
    event: "gc",
    schemaVersion: EVENT_SCHEMA_VERSION,
    time: new Date().toISOString(),
    ...(requestId !== undefined && { requestId }),
    ...counts,
  };
}
