import { toOutcomeLater } from "../../src/domain/durable-object/outcome.ts";
import type { MetricsMethods } from "../../src/domain/monitoring/metrics-methods.ts";
import { createMetricsObject, type MetricsObject } from "../../src/monitoring/metrics-object.ts";
import { createRemoteMetrics, type MetricsStub } from "../../src/monitoring/remote-metrics.ts";
import { createTestStorage, type TestStorage } from "./sql.ts";

/** Shards of the Durable Object `METRICS` in this process, by way of what crosses to them. */
export interface LocalMetrics {
  readonly storage: TestStorage;
  readonly connect: (shard: string) => MetricsMethods;
  readonly object: (shard: string) => MetricsObject;
  readonly storageOf: (shard: string) => TestStorage;
  /** Runs the alarms that are due. */
  work(): Promise<void>;
  /** Ends all objects, with what they have in memory. */
  restart(): void;
}

/** @param clock of the shards; each has a database of its own */
export function createLocalMetrics(clock: TestStorage = createTestStorage()): LocalMetrics {
  const storages = new Map<string, TestStorage>();
  const objects = new Map<string, MetricsObject>();
  let ended = Promise.withResolvers<never>();

  function storageOf(shard: string): TestStorage {
    const storage = storages.get(shard) ?? { ...createTestStorage(), now: clock.now };
    storages.set(shard, storage);
    return storage;
  }

  function object(shard: string): MetricsObject {
    const known = objects.get(shard) ?? createMetricsObject(storageOf(shard), () => undefined);
    objects.set(shard, known);
    return known;
  }

  return {
    storage: clock,
    object,
    storageOf,
    connect: (shard) =>
      createRemoteMetrics(
        () =>
          new Proxy({} as MetricsStub, {
            get:
              (_, name) =>
              async (...args: never[]) => {
                const method = object(shard)[name as keyof MetricsMethods] as (
                  ...args: never[]
                ) => Promise<unknown>;
                const outcome = toOutcomeLater(() => method(...structuredClone(args)));
                return structuredClone(await Promise.race([outcome, ended.promise]));
              },
          }),
      ),
    async work() {
      for (const each of objects.values()) {
        const at = each.dueAt();
        if (at !== undefined && at <= clock.now()) await each.work();
      }
    },
    restart() {
      objects.clear();
      ended.promise.catch(() => undefined);
      ended.reject(new Error("the object has ended"));
      ended = Promise.withResolvers();
    },
  };
}
