import { expect, test } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import { createExplainedVersion } from "../../../../src/inference/explaining/explained-version.ts";
import { RunBudget } from "../../../../src/inference/explaining/run-budget.ts";
import { findModel } from "../../../support/publish.ts";

const { manifest } = findModel("iris-logistic");
const model = { ...manifest, manifest, revision: "1", versions: [manifest.version] };

/** @returns how many of 100 runs, each of which takes so long, had a checkpoint before them */
async function countCheckpoints(msOfRun: number): Promise<number> {
  let checkpoints = 0;
  let clock = 0;
  const call = {
    ...createCall(),
    async checkpoint() {
      checkpoints += 1;
    },
  };
  const version = createExplainedVersion(
    {
      host: {
        async infer() {
          clock += msOfRun;
          return [];
        },
        execute: () => Promise.reject(new Error("no task is run here")),
      },
      blocks: async () => undefined,
      readFile: async () => new Uint8Array(),
    },
    {
      model,
      call,
      budget: new RunBudget(100),
      background: async () => undefined,
      now: () => clock,
    },
  );
  for (let run = 0; run < 100; run++) await version.infer([], [], 1);
  return checkpoints;
}

test.each([
  [0.05, 10],
  [0.25, 50],
  [5, 100],
])("runs of %d ms have %d checkpoints among 100", async (msOfRun, expected) => {
  expect(await countCheckpoints(msOfRun)).toBeCloseTo(expected, -1);
});

test("runs have a checkpoint each where the clock stands still", async () => {
  expect(await countCheckpoints(0)).toBe(100);
});
