import { migrate } from "../domain/durable-object/migrate.ts";
import type { MetricsMethods } from "../domain/monitoring/metrics-methods.ts";
import type { SqlStorage } from "../domain/sql-storage.ts";
import { createAccuracy } from "./accuracy/accuracy.ts";
import { createAlerting } from "./alerts/alerting.ts";
import { createCollector } from "./collector/collector.ts";
import { type MetricsEnvironment, NO_ENVIRONMENT } from "./environment.ts";
import { METRICS_MIGRATIONS } from "./migrations.ts";
import type { MonitoringPart } from "./part.ts";

/** What the Durable Object `METRICS` delegates to. */
export interface MetricsObject extends MetricsMethods {
  /** When its alarm is due, in milliseconds since the epoch. */
  dueAt(): number | undefined;
  /** What its alarm does. */
  work(): Promise<void>;
}

/**
 * The parts of one shard, each with its own tables and methods.
 * @param onDue called when something is due earlier than before, in the middle of a call
 * @param environment of its Worker
 * @param keepAlive gets work that goes on when a call has ended
 */
export function createMetricsObject(
  storage: SqlStorage,
  onDue: () => void,
  environment: MetricsEnvironment = NO_ENVIRONMENT,
  keepAlive: (work: Promise<unknown>) => void = () => undefined,
): MetricsObject {
  migrate(storage, METRICS_MIGRATIONS);
  const accuracy = createAccuracy(storage);
  const collector = createCollector(storage, onDue, accuracy);
  const alerting = createAlerting({
    storage,
    collector,
    environment: {
      ...environment,
      emit(event) {
        const written = environment.emit(event);
        collector.remember(written);
        return written;
      },
    },
    onDue,
    onWork: keepAlive,
  });
  const parts: readonly MonitoringPart[] = [collector, accuracy, alerting];

  return {
    ...collector,
    ...accuracy,
    ...alerting,

    async add(batch) {
      const receipt = await collector.add(batch);
      alerting.see(batch);
      return receipt;
    },

    async metrics() {
      const gauges = await Promise.all(parts.map((part) => part.gauges?.()));
      return Object.assign({ totals: await collector.totals() }, ...gauges);
    },

    async forget(version) {
      for (const part of parts) await part.forget?.(version);
    },

    async erase(selector) {
      let erased = 0;
      for (const part of parts) erased += (await part.erase?.(selector)) ?? 0;
      return erased;
    },

    async export(selector) {
      const items: unknown[] = [];
      for (const part of parts) items.push(...((await part.export?.(selector)) ?? []));
      return items;
    },

    dueAt() {
      const times = parts.flatMap((part) => part.dueAt?.() ?? []);
      return times.length === 0 ? undefined : Math.min(...times);
    },

    async work() {
      const failed: unknown[] = [];
      // One that fails does not keep the others from their work.
      for (const part of parts)
        await part.work?.().catch((error: unknown) => void failed.push(error));
      if (failed.length > 0) throw failed[0];
    },
  };
}
