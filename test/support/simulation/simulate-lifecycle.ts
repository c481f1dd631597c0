import type fc from "fast-check";
import { MAX_OPERATION_MS } from "../../../src/registry/publication-limits.ts";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { type PlacedCommand, runCommand } from "./lifecycle-commands.ts";
import { createLifecycleIsolate, type LifecycleIsolate } from "./lifecycle-isolate.ts";
import { LifecycleObserver, ObservedObjects } from "./lifecycle-observer.ts";
import { createSimulation, type PlannedFault, type SimulatedIsolate } from "./simulation.ts";

export interface Schedule {
  readonly scheduler: fc.Scheduler;
  readonly faults: readonly PlannedFault[];
  /** Of loading a model, purging and waiting, in the first isolate. */
  readonly computeSteps: number;
  /** What was done before, one after the other and without faults. */
  readonly before: readonly PlacedCommand[];
  /** What clients do at the same time, each one after the other. */
  readonly clients: readonly (readonly PlacedCommand[])[];
}

interface Running {
  readonly life: SimulatedIsolate;
  readonly services: LifecycleIsolate;
  readonly ownChange: { state: number };
}

const THREE_HOURS_MS = 3 * 3_600_000;

/**
 * Runs a schedule to its end, and checks what must be true all the time and at the end.
 * @returns the number of steps
 * @throws Error with everything that happened
 */
export async function simulateLifecycle(schedule: Schedule): Promise<number> {
  const map = new ObservedObjects();
  const observer = new LifecycleObserver(map);
  const isolates: (Running | undefined)[] = [undefined, undefined];
  const prepared = new Map<string, unknown>();
  let started = 0;
  let faultsBegan = false;
  // What takes too long gives up.
  const isSlow = schedule.clients.flat().some(({ command }) => command.does === "pass");
  const simulation = createSimulation({
    scheduler: schedule.scheduler,
    faults: schedule.faults,
    objects: createMemoryObjectStore(map),
    maxOperationMs: MAX_OPERATION_MS,
    afterStep: () => observer.check(),
  });
  observer.check();

  function isolate(index: number): Running {
    const running = isolates[index];
    if (running?.life.isAlive) return running;
    started += 1;
    const life = simulation.startIsolate(
      `isolate ${"AB"[index]}${started}`,
      index === 0 ? schedule.computeSteps : 1,
    );
    const fresh = { life, services: createLifecycleIsolate(life), ownChange: { state: 0 } };
    isolates[index] = fresh;
    return fresh;
  }

  async function perform({ isolate: index, command }: PlacedCommand): Promise<void> {
    if (command.does === "pass") {
      return simulation.pass(command.seconds * 1000);
    }
    const { life, services, ownChange } = isolate(index);
    const work = runCommand(command, {
      services,
      observer,
      ownChange,
      prepared,
      log: (line) => simulation.log(`${life.name} ${line}`),
      mayFail: () => faultsBegan && (schedule.faults.length > 0 || isSlow),
    });
    await Promise.race([work, life.ended]);
  }

  async function performAll(commands: readonly PlacedCommand[]): Promise<void> {
    for (const each of commands) await perform(each);
  }

  async function finish(): Promise<void> {
    for (const index of isolates.keys()) isolates[index] = undefined;
    await simulation.pass(THREE_HOURS_MS);
    await perform({ isolate: 0, command: { does: "collect" } });
    const left = [...map.keys()].sort();
    const needed = observer.neededKeys();
    if (JSON.stringify(left) !== JSON.stringify(needed))
      throw new Error(
        `at the end there is\n  ${left.join("\n  ")}\ninstead of\n  ${needed.join("\n  ")}`,
      );
    for (const reference of [...observer.current.versions.keys()].map((each) => `m@${each}`))
      await perform({ isolate: 1, command: { does: "request", reference } });
  }

  try {
    simulation.pauseFaults();
    await simulation.run(performAll(schedule.before));
    simulation.resumeFaults();
    faultsBegan = true;
    await simulation.run(Promise.all(schedule.clients.map(performAll)));
    simulation.pauseFaults();
    await simulation.run(finish());
    return simulation.steps;
  } catch (error) {
    const trace = simulation.trace.join("\n");
    throw new Error(`${error instanceof Error ? error.stack : String(error)}\n${trace}`);
  }
}
