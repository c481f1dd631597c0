import type fc from "fast-check";
import { vi } from "vitest";
import type { ObjectStore } from "../../../src/domain/object-store.ts";
import { createFaultyObjectStore, type Fault } from "./faulty-object-store.ts";

/** A fault of the operation of storage with this number, of all of them or of those that write. */
export interface PlannedFault {
  readonly of: "all" | "writes";
  readonly step: number;
  readonly fault: Fault;
}

/** An isolate, until it ends. */
export interface SimulatedIsolate {
  readonly name: string;
  readonly objects: ObjectStore;
  readonly isAlive: boolean;
  /** Fulfilled when it ends. */
  readonly ended: Promise<void>;
  /** A step of the schedule that is no operation of storage, and may take any time. */
  compute(what: string): Promise<void>;
}

export interface Simulation {
  /** What happened, for the report of a failure. */
  readonly trace: readonly string[];
  /** Steps so far. */
  readonly steps: number;
  /** @param computeSteps how many steps its work takes that is no operation of storage: others go on meanwhile */
  startIsolate(name: string, computeSteps: number): SimulatedIsolate;
  log(line: string): void;
  /** Until {@link resumeFaults}, operations have no faults and are not counted. */
  pauseFaults(): void;
  resumeFaults(): void;
  /** Lets time pass, as a step. It ends isolates that wait for an operation of storage longer than one can take. */
  pass(milliseconds: number): Promise<void>;
  /**
   * Takes one step after the other, until nothing waits any more.
   * @throws Error when the work has not ended then
   */
  run(work: Promise<unknown>): Promise<void>;
}

export interface SimulationOptions {
  /** Picks the operation that takes effect next, of all that wait. */
  readonly scheduler: fc.Scheduler;
  readonly faults: readonly PlannedFault[];
  readonly objects: ObjectStore;
  readonly maxOperationMs: number;
  /** Called after each step, when all that follows from it has happened. */
  readonly afterStep: () => void;
}

const START = Date.parse("2027-01-01T00:00:00Z");
const STEP_MS = 7;
/** Ends a schedule that does not end by itself. */
const MAX_STEPS = 20_000;

/**
 * Isolates over the same objects, in one thread and with a clock of their own (`vi.useFakeTimers`). The schedule and the faults alone decide on
 * what happens: the same ones lead to the same end.
 */
export function createSimulation(options: SimulationOptions): Simulation {
  const { scheduler, objects, maxOperationMs, afterStep } = options;
  const faults = new Map(options.faults.map(({ of, step, fault }) => [`${of} ${step}`, fault]));
  const isolates = new Set<{ waitsSince(): number; kill(drops: boolean): void }>();
  const trace: string[] = [];
  let now = START;
  let steps = 0;
  let operations = 0;
  let writes = 0;
  let isFaulty = true;
  vi.setSystemTime(now);

  function log(line: string): void {
    trace.push(`${((now - START) / 1000).toFixed(3).padStart(9)} ${line}`);
  }

  function plannedFault(operation: string): Fault | undefined {
    operations += 1;
    const ofAll = faults.get(`all ${operations}`);
    if (!/^(put|delete) /.test(operation)) return ofAll;
    writes += 1;
    return faults.get(`writes ${writes}`) ?? ofAll;
  }

  async function take(what: string): Promise<void> {
    await scheduler.schedule(Promise.resolve(), what);
    steps += 1;
    now += STEP_MS;
    vi.setSystemTime(now);
  }

  function startIsolate(name: string, computeSteps: number): SimulatedIsolate {
    let isAlive = true;
    let isDropping = false;
    /** When the operations that wait were begun. */
    const waiting = new Set<{ readonly since: number }>();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const isolate = {
      waitsSince: () => Math.min(now, ...[...waiting].map(({ since }) => since)),
      kill(drops: boolean) {
        if (!isAlive) return;
        isAlive = false;
        isDropping = drops;
        isolates.delete(isolate);
        log(`${name} has ended${drops ? ", and what waits has no effect" : ""}`);
        end();
      },
    };
    isolates.add(isolate);
    return {
      name,
      ended,
      get isAlive() {
        return isAlive;
      },
      async compute(what) {
        for (let step = 0; step < computeSteps; step++) await take(`${name} ${what}`);
        if (!isAlive) return never();
        log(`${name} ${what}`);
      },
      objects: createFaultyObjectStore(objects, {
        kill: isolate.kill,
        arrive: async (result) => (isAlive ? result : never()),
        async nextLate(operation) {
          const since = now;
          await take(`${name} ${operation}`);
          if (now - since > maxOperationMs) return never();
          log(`${name} ${operation} (late)`);
        },
        async next(operation) {
          const wait = { since: now };
          waiting.add(wait);
          await take(`${name} ${operation}`);
          waiting.delete(wait);
          if (isDropping || now - wait.since > maxOperationMs) return never();
          const fault = isFaulty ? plannedFault(operation) : undefined;
          log(`${name} ${operation}${fault && isAlive ? ` (${fault})` : ""}`);
          return isAlive ? fault : undefined;
        },
      }),
    };
  }

  return {
    trace,
    get steps() {
      return steps;
    },
    startIsolate,
    log,
    pauseFaults() {
      isFaulty = false;
    },
    resumeFaults() {
      isFaulty = true;
    },
    async pass(milliseconds) {
      await take(`${milliseconds / 1000} s pass`);
      now += milliseconds;
      for (const isolate of [...isolates])
        if (now - isolate.waitsSince() > maxOperationMs) isolate.kill(true);
      vi.setSystemTime(now);
      log(`${milliseconds / 1000} s pass`);
    },
    async run(work) {
      let isDone = false;
      const done = work.finally(() => {
        isDone = true;
      });
      // Handled below; it may fail while others still take steps.
      done.catch(() => undefined);
      for (;;) {
        await settle();
        afterStep();
        if (scheduler.count() > 0) {
          if (steps > MAX_STEPS) throw new Error(`no end after ${MAX_STEPS} steps`);
          await scheduler.waitOne();
        } else if (isDone) {
          return done.then(() => undefined);
        } else if (vi.getTimerCount() > 0) {
          vi.advanceTimersToNextTimer();
          now = Math.max(now, Date.now());
        } else {
          throw new Error("something waits for what is no step");
        }
      }
    },
  };
}

/** Waits until all that follows from a step has happened: nothing in it waits for more than promises and streams. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resume) => setImmediate(resume));
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
