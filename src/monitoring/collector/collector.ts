import type { TelemetryEvent } from "../../domain/event.ts";
import type { CanaryVerdict } from "../../domain/monitoring/canary-report.ts";
import type {
  Batch,
  CollectionPolicy,
  MetricsCollector,
} from "../../domain/monitoring/collector.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import type { Accuracy, PreparedPredictions } from "../accuracy/accuracy.ts";
import type { MonitoringPart } from "../part.ts";
import { createCollectedData } from "./collected-data.ts";
import { createForgotten } from "./forgotten.ts";
import { createModelList } from "./model-list.ts";
import { PendingWindows } from "./pending-windows.ts";
import { readBatch } from "./read-batch.ts";
import { createRecentEventLog } from "./recent-events.ts";
import { createSenders } from "./senders.ts";
import { createWindowTable } from "./window-table.ts";

/** Windows in memory that are stored at once, so that there are never more. */
const MAX_PENDING = 1000;
/** Between two removals of what is too old. */
const SWEEP_MS = 3_600_000;

/** The methods of a Durable Object over its own storage. */
export interface Collector
  extends MetricsCollector,
    Required<Pick<MonitoringPart, "dueAt" | "work">> {
  /** Adds an event of this object itself to those that can be watched. */
  remember(event: TelemetryEvent): void;
}

/**
 * Adds what isolates have folded to windows and totals. Batches wait in memory for a moment, so that many are stored together, and are
 * answered when they are stored: what an object that ends had in memory is sent again.
 * @param onDue called when something is due that was not
 * @param predictions keeps those of a batch, with the batch
 */
export function createCollector(
  storage: SqlStorage,
  onDue: () => void,
  predictions: Pick<Accuracy, "prepare" | "append">,
): Collector {
  const { sql, transaction, now } = storage;
  const table = createWindowTable(sql);
  const senders = createSenders(sql);
  const models = createModelList(sql);
  const forgotten = createForgotten(sql);
  const recent = createRecentEventLog(now);
  const pending = new PendingWindows();
  const data = createCollectedData(storage, { pending, recent });
  let policy: CollectionPolicy | undefined = readPolicy();
  let waiting: PromiseWithResolvers<readonly CanaryVerdict[]> | undefined;
  let waitingPredictions: PreparedPredictions[] = [];
  let commitAt: number | undefined;
  /** Of this object: one that has just started removes what is too old at once. */
  let sweptAt = Number.NEGATIVE_INFINITY;

  function readPolicy(): CollectionPolicy | undefined {
    const [row] = sql.exec("SELECT value FROM collector_state WHERE name = 'policy'");
    return row && JSON.parse(String(row.value));
  }

  function setPolicy(given: CollectionPolicy): void {
    const text = JSON.stringify(given);
    if (text === JSON.stringify(policy)) return;
    policy = given;
    sql.exec("INSERT OR REPLACE INTO collector_state (name, value) VALUES ('policy', ?)", text);
  }

  /** Stores what waits, or tells its senders that it is not. */
  function commit(): void {
    const waiters = waiting;
    const kept = waitingPredictions;
    waiting = undefined;
    waitingPredictions = [];
    commitAt = undefined;
    if (!waiters) return;
    try {
      const verdicts = transaction(() => {
        for (const window of pending.values()) table.add(window);
        models.store();
        senders.store(now());
        return kept.flatMap((each) => predictions.append(each));
      });
      waiters.resolve(verdicts);
    } catch (error) {
      senders.revert();
      models.revert();
      waiters.reject(error);
    } finally {
      pending.clear();
    }
  }

  function sweep(): void {
    sweptAt = now();
    transaction(() => {
      if (policy) table.removeUntil(now() - policy.minutesForMs, now() - policy.hoursForMs);
      forgotten.sweep(now());
      data.sweep();
    });
  }

  /** @returns when the batch is stored */
  function accept(
    { source, number, windows, models: active, policy: given, ...batch }: Batch,
    prepared: PreparedPredictions | undefined,
  ) {
    setPolicy(given);
    if (senders.accept(source, number, now())) {
      for (const window of windows) if (!forgotten.covers(window)) pending.add(window);
      for (const model of active)
        if (!forgotten.coversModel(model, now())) models.see(model, now());
      recent.add(batch.events, batch.missed);
      if (prepared) waitingPredictions.push(prepared);
    } else if (!waiting) return undefined;
    if (!waiting) {
      waiting = Promise.withResolvers();
      // Whoever has sent it may have gone.
      waiting.promise.catch(() => undefined);
    }
    const stored = waiting.promise;
    if (commitAt === undefined || now() + given.commitMs < commitAt) {
      commitAt = now() + given.commitMs;
      onDue();
    }
    // The alarm is late, or there is too much.
    if (now() > commitAt + given.commitMs || pending.size > MAX_PENDING) commit();
    return stored;
  }

  return {
    async add(given) {
      const batch = await data.withoutErased(readBatch(given));
      const prepared = batch.predictions && (await predictions.prepare(batch.predictions));
      const canaries = (await accept(batch, prepared)) ?? [];
      return { isWatched: recent.isWatched, ...(canaries.length > 0 && { canaries }) };
    },

    remember: (event) => recent.add([event], 0),

    totals: async () => table.totals(),

    windows: async (request) => table.windows(request, now() - (policy?.minutesForMs ?? 0)),

    events: async (after) => recent.read(after),

    models: async () => models.list(),

    async forget(version) {
      transaction(() => {
        forgotten.addVersion(version, now());
        table.remove(version);
      });
      pending.remove(version);
    },

    async forgetModel(model) {
      transaction(() => {
        forgotten.addModel(model, now());
        models.remove(model);
      });
    },

    erase: data.erase,
    export: data.export,

    dueAt: () => earliest([commitAt, sweepAt()]),

    async work() {
      if (commitAt !== undefined && now() >= commitAt) commit();
      if (now() >= (sweepAt() ?? Number.POSITIVE_INFINITY)) sweep();
    },
  };

  /** When the first row is too old; an object without rows needs no alarm. */
  function sweepAt(): number | undefined {
    const { minute, hour } = table.oldest();
    const expiresAt = earliest([
      minute !== undefined && policy ? minute + policy.minutesForMs : undefined,
      hour !== undefined && policy ? hour + policy.hoursForMs : undefined,
      forgotten.expiresAt(),
      data.expiresAt(),
    ]);
    return expiresAt && Math.max(expiresAt, sweptAt + SWEEP_MS);
  }
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
