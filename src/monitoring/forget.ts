import type { ModelId } from "../domain/model-id.ts";
import { type MetricsCollector, SERVICE_SHARD, shardOf } from "../domain/monitoring/collector.ts";

type Shard = Pick<MetricsCollector, "models" | "totals" | "forget" | "forgetModel">;

export interface CollectedVersions {
  /** Removes what was collected of a version that is deleted, and of its model when that was the last one. */
  forget(id: ModelId): Promise<void>;
  /** The same of whatever has been deleted without it, because the collector was out of reach; returns how many versions. */
  sweep(): Promise<number>;
}

/** @param published the versions of a model */
export function createCollectedVersions(
  connect: (shard: string) => Shard,
  published: (model: string) => Promise<readonly string[]>,
): CollectedVersions {
  async function forgetModel(model: string): Promise<void> {
    // First the list: a shard that is not in it is not asked any more.
    await connect(SERVICE_SHARD).forgetModel(model);
    await connect(shardOf(model)).forget();
  }

  return {
    async forget({ name, version }) {
      await connect(shardOf(name)).forget(version);
      const others = (await published(name)).filter((other) => other !== version);
      if (others.length === 0) await forgetModel(name);
    },

    async sweep() {
      let forgotten = 0;
      for (const { model } of await connect(SERVICE_SHARD).models()) {
        // In this order: what has requests was published before.
        const collected = await connect(shardOf(model)).totals();
        const versions = new Set(await published(model));
        const gone = collected.filter(({ version }) => version !== "" && !versions.has(version));
        for (const { version } of gone) await connect(shardOf(model)).forget(version);
        if (versions.size === 0) await forgetModel(model);
        forgotten += gone.length;
      }
      return forgotten;
    },
  };
}
