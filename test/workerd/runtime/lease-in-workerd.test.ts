import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../../scripts/local-worker.ts";
import { cacheRuns, expectSameValues, readCacheModel } from "../../support/cache-fixtures.ts";
import type { CacheRuns } from "../../support/cache-runs.ts";

import type { TestWorker } from "../workers/index.ts";
import type { LeaseResponse, LeaseRuns } from "../workers/leases/index.ts";

/** Leases of the runtime in a Worker of their own, built as the project's. */

let worker: LocalWorker;

beforeAll(async () => {
  worker = await startLocalWorker({
    outdir: inject("testWorkersBuild"),
    vars: { TEST_WORKER: "leases" satisfies TestWorker },
  });
});

afterAll(() => worker?.dispose());

async function post(runs: CacheRuns, repetitions = 1): Promise<LeaseResponse> {
  const { bytes, sha256 } = readCacheModel(runs.model);
  const onnx = Buffer.from(bytes).toString("base64");
  const body = JSON.stringify({ ...runs, sha256, onnx, repetitions } satisfies LeaseRuns);
  const response = await fetch(worker.url, { method: "POST", body });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as LeaseResponse;
}

test("a cache has the values of Python in every mode, and is transferred only when it is copied", () =>
  expectSameValues(async (runs) => {
    const { results, before, during } = await post(runs);
    return {
      ...results,
      bytesIn: during.bytesIn - before.bytesIn,
      bytesOut: during.bytesOut - before.bytesOut,
    };
  }));

test("thousands of steps leak neither handles nor memory", async () => {
  for (const mode of ["growing", "in-place"] as const) {
    const runs = cacheRuns("attention", mode);
    const first = await post(runs);
    const { results, during, after } = await post(runs, 200);
    expect(results).toEqual(first.results);
    expect(during).toMatchObject({ leases: [{ name: "model", handles: 0, handleBytes: 0 }] });
    expect(after.leases).toEqual([]);
    expect(after.cells).toEqual(first.after.cells);
  }
});
