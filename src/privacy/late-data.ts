import { isErasure, type Purge } from "../domain/cache.ts";
import { ErasureIndex } from "../domain/erasure-index.ts";
import { toApiError } from "../domain/errors.ts";
import type { PersonalDataStore } from "./personal-data-store.ts";
import { WorkBudget } from "./work-budget.ts";

/** What a sweep did. */
export interface LateDataSwept {
  /** Objects and entries. */
  readonly erased: number;
  /** Whether everything was looked at. */
  readonly complete: boolean;
  /** The code of an error that ended it in one of the stores. */
  readonly problem?: string | undefined;
}

/** Of those the stores are looked through again: a daily run sees each of them twice. */
const RECENT_MS = 3 * 86_400_000;
/** Half of what the platform permits a scheduled run, which removes other garbage as well. */
const MAX_OPERATIONS = 400;

/**
 * Erases what was stored after an erasure by requests that had begun before it, in isolates that did not know of it yet. None of it
 * was used since.
 * @param purges of all isolates
 */
export async function sweepLateData(
  stores: readonly PersonalDataStore[],
  purges: readonly Purge[],
  now: number,
): Promise<LateDataSwept> {
  const erasures = new ErasureIndex();
  for (const purge of purges)
    if (isErasure(purge) && purge.at > now - RECENT_MS) erasures.add(purge);
  if (erasures.isEmpty) return { erased: 0, complete: true };
  let erased = 0;
  let complete = true;
  let problem: string | undefined;
  for (const store of stores) {
    if (!store.sweep) continue;
    const budget = new WorkBudget(MAX_OPERATIONS, Number.POSITIVE_INFINITY);
    let cursor: string | undefined;
    try {
      do {
        const page = await store.sweep(erasures, { cursor, budget });
        erased += page.erased;
        cursor = page.cursor;
      } while (cursor !== undefined && !budget.isSpent);
    } catch (error) {
      problem = toApiError(error).code;
    }
    complete &&= cursor === undefined && problem === undefined;
  }
  return { erased, complete, problem };
}
