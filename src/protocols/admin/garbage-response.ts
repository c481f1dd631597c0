import * as z from "zod";
import type { CollectedPage, GarbagePage } from "../../registry/collect-garbage.ts";
import { ORPHAN_REASONS, type Orphan } from "../../registry/garbage-rules.ts";

const size = z.int().min(0);

const orphan = z.strictObject({
  key: z.string(),
  sizeBytes: size,
  reason: z
    .enum(ORPHAN_REASONS)
    .describe(
      "`no-manifest`: its version was never published; `not-in-manifest`: its version does not need it; `version-deleted`: it is left of a deletion that was interrupted; `upload`: it was uploaded and not published; `capture-expired`: a stored request whose retention has ended.",
    ),
  ageSeconds: z
    .int()
    .min(0)
    .describe("Since it was written, or since the last upload for its version."),
});

const cursor = z.string().optional().describe("Where to go on; absent at the end.");
const skipped = z
  .array(z.strictObject({ name: z.string(), version: z.string(), problem: z.string() }))
  .describe("Versions whose objects were left alone, because storage did not say what they need.");

export const garbageSchema = z.strictObject({
  orphans: z.array(
    orphan.extend({
      protected: z
        .literal(true)
        .optional()
        .describe("Too young to be removed: a publication may still need it."),
    }),
  ),
  totalBytes: size,
  olderThanSeconds: z.number().min(0),
  skipped,
  cursor,
});

export const collectedGarbageSchema = z.strictObject({
  removed: z.array(orphan),
  removedBytes: size,
  failed: z.array(orphan.extend({ problem: z.string() })),
  skipped,
  cursor,
});

export function toGarbage(
  { orphans, skipped: left, cursor: next }: GarbagePage,
  olderThanMs: number,
): z.output<typeof garbageSchema> {
  return {
    orphans: orphans.map((each) => ({
      ...toOrphan(each),
      ...(each.isProtected && { protected: true as const }),
    })),
    totalBytes: totalBytes(orphans),
    olderThanSeconds: olderThanMs / 1000,
    skipped: [...left],
    ...(next !== undefined && { cursor: next }),
  };
}

export function toCollectedGarbage({
  removed,
  failed,
  skipped: left,
  cursor: next,
}: CollectedPage): z.output<typeof collectedGarbageSchema> {
  return {
    removed: removed.map(toOrphan),
    removedBytes: totalBytes(removed),
    failed: failed.map((each) => ({ ...toOrphan(each), problem: each.problem })),
    skipped: [...left],
    ...(next !== undefined && { cursor: next }),
  };
}

function toOrphan({ key, sizeBytes, reason, ageMs }: Orphan): z.output<typeof orphan> {
  return { key, sizeBytes, reason, ageSeconds: Math.floor(ageMs / 1000) };
}

function totalBytes(orphans: readonly Orphan[]): number {
  return orphans.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
