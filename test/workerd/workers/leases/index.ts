/// <reference path="../../../../worker-configuration.d.ts" />
import type { RuntimeStats } from "../../../../src/domain/ports.ts";
import { createModelPool } from "../../../../src/runtime/model-pool.ts";
import { type CacheResults, type CacheRuns, runWithCache } from "../../../support/cache-runs.ts";
import { createMemorySource } from "../../../support/memory-source.ts";

/** Runs the models of `test/fixtures/caches` by a lease of the runtime: `POST /` with {@link LeaseRuns}. */
export interface LeaseRuns extends CacheRuns {
  readonly sha256: string;
  /** The model's bytes, Base64. */
  readonly onnx: string;
  /** How often to run all steps. */
  readonly repetitions: number;
}

export interface LeaseResponse {
  /** Of the last repetition. */
  readonly results: CacheResults;
  readonly before: RuntimeStats;
  readonly during: RuntimeStats;
  readonly after: RuntimeStats;
}

const BUDGET_BYTES = 64 * 2 ** 20;
const RESERVED_BYTES = 2 ** 20;
const LEASE_MS = 60_000;

const pool = createModelPool({ budgetBytes: BUDGET_BYTES });

export default {
  async fetch(request, _env, context) {
    const runs = (await request.json()) as LeaseRuns;
    const bytes = Uint8Array.fromBase64(runs.onnx);
    const source = createMemorySource(bytes, { sha256: runs.sha256 });
    const before = pool.stats();
    using lease = await pool.lease(source, (work) => context.waitUntil(work), {
      expiresAt: Date.now() + LEASE_MS,
      reservedBytes: RESERVED_BYTES,
    });
    let results = runWithCache(lease, runs);
    for (let i = 1; i < runs.repetitions; i++) results = runWithCache(lease, runs);
    const during = pool.stats();
    lease.dispose();
    return Response.json({ results, before, during, after: pool.stats() } satisfies LeaseResponse);
  },
} satisfies ExportedHandler;
