import type { CommandContext } from "../context.ts";
import { createProgress } from "../format/progress.ts";

const PATH = "/admin/gc";
/** Of one request that removes. */
const MAX_KEYS = 500;

/** An object that belongs to no version. */
export interface Orphan {
  readonly key: string;
  readonly sizeBytes: number;
  readonly reason: string;
  readonly ageSeconds?: number;
  /** Too young to be removed: an operation may still use it. */
  readonly protected?: boolean;
}

export interface Removal {
  readonly removed: readonly { readonly key: string; readonly sizeBytes: number }[];
  readonly removedBytes: number;
  readonly failed: readonly { readonly key: string; readonly problem: string }[];
}

interface Page {
  /** There is more after it. */
  readonly cursor?: string;
}

export async function listOrphans(
  { server }: CommandContext,
  olderThanSeconds: number | undefined,
): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  let cursor: string | undefined;
  do {
    const page = await server.json<Page & { orphans: readonly Orphan[] }>({
      path: PATH,
      query: { olderThanSeconds, cursor },
    });
    orphans.push(...page.orphans);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return orphans;
}

/** Removes what was listed, and nothing that has become an orphan since. */
export async function removeOrphans(
  { server }: CommandContext,
  orphans: readonly Orphan[],
  olderThanSeconds: number | undefined,
): Promise<Removal> {
  const removed: Removal["removed"][number][] = [];
  const failed: Removal["failed"][number][] = [];
  const progress = createProgress("removing", orphans.length, 0, { format: String });
  try {
    for (let start = 0; start < orphans.length; start += MAX_KEYS) {
      const keys = orphans.slice(start, start + MAX_KEYS).map(({ key }) => key);
      let cursor: string | undefined;
      do {
        const page = await server.json<Page & Removal>({
          method: "POST",
          path: PATH,
          value: {
            keys,
            ...(olderThanSeconds !== undefined && { olderThanSeconds }),
            ...(cursor !== undefined && { cursor }),
          },
        });
        removed.push(...page.removed);
        failed.push(...page.failed);
        cursor = page.cursor;
      } while (cursor !== undefined);
      progress.advance(keys.length);
    }
  } finally {
    progress.end();
  }
  const removedBytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { removed, removedBytes, failed };
}
