import type { ObjectArea } from "../domain/object-inventory.ts";
import type { CollectedPage, GarbageCollector } from "./collect-garbage.ts";
import { type CollectedCounts, countCollected } from "./garbage-event.ts";

const DAY_MS = 86_400_000;
/** A scheduled run may make as many calls of storage as a request: about 900 for the versions of two pages. */
const MAX_PAGES: Readonly<Record<ObjectArea, number>> = { captures: 50, uploads: 10, version: 2 };
const FIRST_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/**
 * Removes orphans of all models, as far as one run of a Worker may. Each day begins at models with another letter, so that a bucket with more versions than
 * that is looked at as a whole in time.
 * @param at in milliseconds since the epoch
 * @throws ApiError `storage_failed`
 */
export async function sweepGarbage(
  collector: Pick<GarbageCollector, "collect">,
  at: number,
): Promise<CollectedCounts> {
  const pages: CollectedPage[] = [];

  /** @returns where it has stopped */
  async function collect(area: ObjectArea, start: string | undefined, maxPages: number) {
    let cursor = start;
    for (let count = 0; count < maxPages; count++) {
      const page = await collector.collect({ olderThanMs: DAY_MS, cursor, areas: [area] });
      pages.push(page);
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    return cursor;
  }

  const expired = await collect("captures", undefined, MAX_PAGES.captures);
  const left = await collect("uploads", undefined, MAX_PAGES.uploads);
  const letter = FIRST_LETTERS[Math.floor(at / DAY_MS) % FIRST_LETTERS.length];
  const begun = pages.length;
  const last = await collect("version", `models/${letter}/1/`, MAX_PAGES.version);
  const pagesLeft = MAX_PAGES.version - (pages.length - begun);
  // The models before that letter.
  const rest =
    last === undefined && pagesLeft > 0 && (await collect("version", undefined, pagesLeft));
  const isComplete = expired === undefined && left === undefined && rest === undefined;
  return { ...countCollected(pages), complete: isComplete };
}
