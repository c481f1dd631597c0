import { ApiError, toApiError } from "../domain/errors.ts";
import type { Answered, Unreachable } from "../domain/monitoring/monitoring.ts";
import { NoAnswer, within } from "../shared/within.ts";

/** Shards that are queried at the same time. */
const CONCURRENCY = 16;

export interface QueryOptions {
  /** What has not been answered by then is unreachable; without it, each call has its own time. */
  readonly withinMs?: number | undefined;
  readonly now?: () => number;
}

/**
 * What each shard answers, in the order in which they do; of those that do not, why.
 * @throws ApiError `invalid_request` of a shard
 */
export async function queryShards<T>(
  shards: readonly string[],
  query: (shard: string) => Promise<T>,
  { withinMs = Number.POSITIVE_INFINITY, now = Date.now }: QueryOptions = {},
): Promise<Answered<readonly { readonly shard: string; readonly answer: T }[]>> {
  const endsAt = now() + withinMs;
  const answers: { shard: string; answer: T }[] = [];
  const unreachable: Unreachable[] = [];
  const left = shards.values();

  async function queryOne(shard: string): Promise<T> {
    if (withinMs === Number.POSITIVE_INFINITY) return query(shard);
    const leftMs = endsAt - now();
    if (leftMs <= 0) throw late();
    // Half of the time at most, so that shards which hang leave some for the others.
    return within(query(shard), Math.min(leftMs, withinMs / 2));
  }

  async function work(): Promise<void> {
    for (const shard of left)
      try {
        answers.push({ shard, answer: await queryOne(shard) });
      } catch (error) {
        if (error instanceof ApiError && error.code === "invalid_request") throw error;
        unreachable.push(toUnreachable(shard, error));
      }
  }

  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return { value: answers, unreachable };
}

function late(): ApiError {
  return new ApiError("monitoring_unavailable", "There was no time left to ask.");
}

export function toUnreachable(shard: string, error: unknown): Unreachable {
  const { code } = error instanceof NoAnswer ? late() : toApiError(error);
  return { shard, problem: code };
}
