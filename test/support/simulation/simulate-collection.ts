import type { MetricsMethods } from "../../../src/domain/monitoring/metrics-methods.ts";
import type { VersionTotals } from "../../../src/domain/monitoring/monitoring.ts";
import { createMonitoring } from "../../../src/monitoring/reader.ts";
import {
  type Aggregation,
  createAggregation,
} from "../../../src/telemetry/aggregation/aggregation.ts";
import { requestEvent } from "../events.ts";
import { createLocalMetrics } from "../local-metrics.ts";

/** What happens to messages and processes, as shares. */
export interface Adversity {
  /** Of batches that do not arrive. */
  readonly lost: number;
  /** Of answers that do not: the batch was stored. */
  readonly unanswered: number;
  /** Of batches that arrive a second time, a while later. */
  readonly repeated: number;
  /** Of steps at whose end all objects end, with what they have in memory. */
  readonly restarts: number;
}

export interface SimulatedCollection {
  /** Requests that isolates have seen, by model and version. */
  readonly seen: ReadonlyMap<string, number>;
  readonly totals: readonly VersionTotals[];
  /** What totals were read in the course of it; they never become less. */
  readonly readings: readonly number[];
}

export interface SimulationOptions extends Adversity {
  readonly random: () => number;
  readonly isolates?: number;
  readonly steps?: number;
  /** Events of a step in each isolate, at most. */
  readonly events?: number;
  readonly stepMs?: number;
  /** A shard that nothing reaches in the first steps. */
  readonly unreachable?: { readonly shard: string; readonly steps: number };
}

const MODELS = ["iris", "wine", "digits"];
const STEP_MS = 1000;
const POLICY = { commitMs: 2000, minutesForMs: 86_400_000, hoursForMs: 35 * 86_400_000 };

/**
 * Isolates that count requests and send batches to shards, over a network that loses messages and answers, and shards that end at any
 * time. In the end the network works, and everything has arrived or been given up.
 */
export async function simulateCollection({
  random,
  isolates: isolateCount = 8,
  steps = 60,
  events = 20,
  stepMs = STEP_MS,
  unreachable,
  ...adversity
}: SimulationOptions): Promise<SimulatedCollection> {
  const metrics = createLocalMetrics();
  const { storage: clock } = metrics;
  const late: (() => Promise<unknown>)[] = [];
  let isAdverse = true;
  let stepsDone = 0;

  const happens = (share: number): boolean => isAdverse && random() < share;

  /** The shard over a network that loses messages. */
  function connect(shard: string): Pick<MetricsMethods, "add"> {
    return {
      async add(batch) {
        if (shard === unreachable?.shard && stepsDone < unreachable.steps)
          throw new Error("out of reach");
        if (happens(adversity.lost)) throw new Error("lost on its way");
        if (happens(adversity.repeated)) {
          const again = structuredClone(batch);
          late.push(() => metrics.connect(shard).add(again));
        }
        const receipt = await metrics.connect(shard).add(batch);
        if (happens(adversity.unanswered)) throw new Error("the answer is lost");
        return receipt;
      },
    };
  }

  const isolates: Aggregation[] = Array.from({ length: isolateCount }, (_, index) =>
    createAggregation({
      connect,
      policy: POLICY,
      flushMs: 5000,
      keepAlive: () => undefined,
      now: clock.now,
      wait: () => new Promise(() => undefined),
      source: `isolate ${index}`,
    }),
  );
  const seen = new Map<string, number>();
  const readings: number[] = [];
  const flushing = new Set<Promise<unknown>>();

  function track(work: Promise<unknown>): void {
    const settled = work.catch(() => undefined).then(() => void flushing.delete(settled));
    flushing.add(settled);
  }

  /** What is due by now, until nothing goes on. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) {
      await new Promise(setImmediate);
      await metrics.work();
    }
  }

  function count(isolate: Aggregation): void {
    const model = MODELS[Math.floor(random() * MODELS.length)] as string;
    const version = random() < 0.7 ? "1" : "2";
    isolate.sink.emit(requestEvent({ model, version, totalMs: 10 ** (3 * random()) }));
    const key = `${model}@${version}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }

  async function step(): Promise<void> {
    for (const isolate of isolates) {
      for (let left = Math.floor(random() * events); isAdverse && left > 0; left--) count(isolate);
      if (random() < 0.3 || !isAdverse) track(isolate.flush());
    }
    for (const again of late.splice(0)) if (random() < 0.5) track(again());
    await settle();
    if (happens(adversity.restarts)) metrics.restart();
    clock.advance(stepMs);
    stepsDone++;
    await settle();
  }

  async function read(): Promise<readonly VersionTotals[]> {
    return (await createMonitoring(metrics.connect).totals()).value;
  }

  for (let at = 0; at < steps; at++) {
    await step();
    if (at % 10 === 0) readings.push(requestsOf(await read()));
  }
  isAdverse = false;
  // Calls of objects that have ended are waited for some seconds.
  for (let at = 0; at < 40; at++) await step();
  const totals = await read();
  return { seen, totals, readings: [...readings, requestsOf(totals)] };
}

export function requestsOf(totals: readonly VersionTotals[]): number {
  return totals.reduce((sum, { aggregate }) => sum + aggregate.requests, 0);
}
