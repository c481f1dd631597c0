import type { AccuracyStore } from "../../domain/monitoring/accuracy-store.ts";
import {
  type MetricsCollector,
  SERVICE_SHARD,
  shardOf,
} from "../../domain/monitoring/collector.ts";
import { type PageOptions, type PersonalDataStore, RESTORABLE } from "../personal-data-store.ts";

type Shard = Pick<MetricsCollector, "models" | "erase" | "export"> &
  Pick<AccuracyStore, "exportFeedback">;

/** Between the name of a shard and the place in it, in a cursor. */
const SEPARATOR = "\n";

/**
 * What was collected of all isolates: counts of requests by principal, the last events, and what the other parts of `METRICS` keep of
 * requests. A page is one shard; the cursor is its name. Of an export, predictions and truths of the shard follow in pages of their own.
 */
export function createCollectedData(
  connect: (shard: string) => Shard,
  now: () => number = Date.now,
): PersonalDataStore {
  async function shardAt({ cursor, budget }: PageOptions) {
    budget.spend(2);
    const models = await connect(SERVICE_SHARD).models();
    const shards = [SERVICE_SHARD, ...models.map(({ model }) => shardOf(model))].sort();
    const rest = shards.filter((shard) => shard > (cursor ?? ""));
    const [shard] = rest;
    return { shard, next: rest.length > 1 ? shard : undefined };
  }

  return {
    name: "collected",

    async erase(selector, options) {
      const { shard, next } = await shardAt(options);
      if (shard === undefined) return { erased: 0 };
      const erased = await connect(shard).erase(selector);
      const until = new Date(now() + RESTORABLE.forMs).toISOString();
      return { erased, cursor: next, remains: [{ what: RESTORABLE.what, until }] };
    },

    async export(selector, options) {
      const [current = "", place] = options.cursor?.split(SEPARATOR) ?? [];
      if (place === undefined) {
        const { shard } = await shardAt(options);
        if (shard === undefined) return { items: [] };
        const items = await connect(shard).export(selector);
        options.budget.spend(0, JSON.stringify(items).length);
        return { items, cursor: `${shard}${SEPARATOR}` };
      }
      options.budget.spend(1);
      const { items, cursor } = await connect(current).exportFeedback(selector, place || undefined);
      options.budget.spend(0, JSON.stringify(items).length);
      if (cursor !== undefined) return { items, cursor: `${current}${SEPARATOR}${cursor}` };
      const { shard } = await shardAt({ ...options, cursor: current });
      return { items, cursor: shard === undefined ? undefined : current };
    },
  };
}
