import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { FAULTS } from "../../support/simulation/faulty-object-store.ts";
import { placedCommand } from "../../support/simulation/lifecycle-commands.ts";
import { SCENARIOS } from "../../support/simulation/lifecycle-scenarios.ts";
import { simulateLifecycle } from "../../support/simulation/simulate-lifecycle.ts";
import { stubSimulatedGlobals } from "../../support/simulation/simulated-globals.ts";

/**
 * Random schedules of two isolates over one bucket, with the code of the service: publications, changes of routes, deletions, the collection of garbage and
 * requests at the same time, in which storage fails and isolates end at any operation.
 * LIFECYCLE_SCHEDULES=100000 runs more of them; LIFECYCLE_SEED repeats others.
 */

const SCHEDULES = Number(process.env.LIFECYCLE_SCHEDULES ?? 2000);
const SEED = Number(process.env.LIFECYCLE_SEED ?? 20_261_130);
/** Only there to end a hang. */
const TIMEOUT_MS = 120_000 + SCHEDULES * 100;

beforeAll(() => {
  stubSimulatedGlobals();
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
});
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const faults = fc.array(
  fc.oneof(
    fc.record({
      of: fc.constant("all" as const),
      step: fc.integer({ min: 1, max: 100 }),
      fault: fc.constantFrom(...FAULTS),
    }),
    fc.record({
      of: fc.constant("writes" as const),
      step: fc.integer({ min: 1, max: 25 }),
      fault: fc.constantFrom(...FAULTS),
    }),
  ),
  { maxLength: 4 },
);

const scenario = fc.record({
  before: fc.array(placedCommand, { maxLength: 4 }),
  clients: fc.array(fc.array(placedCommand, { minLength: 1, maxLength: 4 }), {
    minLength: 2,
    maxLength: 3,
  }),
});

test(
  "whatever the schedule and the faults, versions are complete, routes lead to them, and nothing acknowledged is lost",
  async () => {
    let steps = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.oneof(fc.constant([]), faults),
        fc.oneof({ weight: 4, arbitrary: scenario }, fc.constantFrom(...SCENARIOS)),
        fc.constantFrom(1, 1, 1, 30),
        async (scheduler, planned, { before, clients }, computeSteps) => {
          steps += await simulateLifecycle({
            scheduler,
            faults: planned,
            before,
            clients,
            computeSteps,
          });
        },
      ),
      { numRuns: SCHEDULES, seed: SEED, endOnFailure: false },
    );
    expect(steps).toBeGreaterThan(SCHEDULES * 10);
  },
  TIMEOUT_MS,
);
