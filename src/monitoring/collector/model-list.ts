import type { ActiveModel } from "../../domain/monitoring/collector.ts";
import type { Sql } from "../../domain/sql-storage.ts";

/** More than a deployment has; those of the longest time ago are removed first. */
const MAX_MODELS = 10_000;

export type ModelList = ReturnType<typeof createModelList>;

/** The models that have had requests, each of which has a shard. */
export function createModelList(sql: Sql) {
  /** Not stored yet. */
  const seen = new Map<string, number>();

  return {
    see(model: string, at: number): void {
      seen.set(model, at);
    },
    store(): void {
      for (const [model, at] of seen)
        sql.exec("INSERT OR REPLACE INTO models (model, seen_at) VALUES (?, ?)", model, at);
      if (seen.size > 0)
        sql.exec(
          `DELETE FROM models WHERE model IN (SELECT model FROM models ORDER BY seen_at DESC LIMIT -1 OFFSET ${MAX_MODELS})`,
        );
      seen.clear();
    },
    revert(): void {
      seen.clear();
    },
    list(): ActiveModel[] {
      const rows = sql.exec("SELECT model, seen_at FROM models ORDER BY seen_at DESC, model");
      return [...rows].map(({ model, seen_at: at }) => ({
        model: String(model),
        seenAt: Number(at),
      }));
    },
    remove(model: string): void {
      seen.delete(model);
      sql.exec("DELETE FROM models WHERE model = ?", model);
    },
  };
}
