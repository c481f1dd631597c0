import { setTimeout as pause } from "node:timers/promises";
import type { LocalWorker } from "../../scripts/local-worker.ts";
import { rotate } from "../statistics.ts";
import {
  ADMIN_HEADERS,
  type BuiltWorker,
  type ByPlacement,
  checkPlacement,
  PLACEMENTS,
  type Placement,
  readRuntime,
  withPlaced,
} from "./placed-worker.ts";
import { type RequestSpec, send } from "./request.ts";
import { COFFEE, inferRequest } from "./workloads.ts";

const LIGHT = "iris-logistic";
const HEAVY = "imagenet-classification";
const HEAVY_CLIENTS = 8;
/** Requests that should not notice the heavy model. */
const PROBES: Readonly<Record<string, RequestSpec>> = {
  [`${LIGHT}, /v2`]: inferRequest(LIGHT),
  "GET /v2/health/live": { path: "/v2/health/live" },
  "GET /admin/models": { path: "/admin/models", headers: ADMIN_HEADERS },
};
export const PROBE_NAMES: readonly string[] = Object.keys(PROBES);
/** With `auto`, only the heavy model has an isolate of its own. */
const VARS: ByPlacement<Record<string, string>> = { own: { PLACEMENT: "auto" }, shared: {} };
/** Between the response to a probe and its next request. */
const PROBE_PAUSE_MS = 5;
const WARM_UP_REQUESTS = 30;

export interface Neighbours {
  /** Latencies of each probe alone, and beside the heavy model. */
  readonly aloneMs: Readonly<Record<string, readonly number[]>>;
  readonly besideMs: Readonly<Record<string, readonly number[]>>;
  /** The heavy model's predictions, and how long each kept the engine busy. */
  readonly heavyPerSecond: number;
  readonly heavyRunMs: readonly number[];
}

export async function measureNeighbours(
  built: BuiltWorker,
  round: number,
  seconds: number,
): Promise<ByPlacement<Neighbours>> {
  const results: Partial<Record<Placement, Neighbours>> = {};
  for (const placement of rotate(PLACEMENTS, round))
    results[placement] = await withPlaced(built, placement, VARS[placement], async (worker) => {
      const measured = await measure(worker, seconds);
      const runtime = await readRuntime(worker.url);
      checkPlacement(runtime, placement, [HEAVY]);
      checkPlacement(runtime, "shared", [LIGHT]);
      return measured;
    });
  return results as ByPlacement<Neighbours>;
}

async function measure({ url }: LocalWorker, seconds: number): Promise<Neighbours> {
  for (let i = 0; i < WARM_UP_REQUESTS; i++)
    for (const request of [...Object.values(PROBES), COFFEE]) await send(url, request);

  async function repeat(
    request: RequestSpec,
    endMs: number,
    pauseMs: number,
  ): Promise<{ latenciesMs: number[]; runsMs: number[] }> {
    const latenciesMs: number[] = [];
    const runsMs: number[] = [];
    while (performance.now() < endMs) {
      const { elapsedMs, headers } = await send(url, request);
      latenciesMs.push(elapsedMs);
      const [, runMs] = /\binfer;dur=([\d.]+)/.exec(String(headers["server-timing"])) ?? [];
      if (runMs) runsMs.push(Number(runMs));
      if (pauseMs > 0) await pause(pauseMs);
    }
    return { latenciesMs, runsMs };
  }

  async function probe(endMs: number): Promise<Record<string, readonly number[]>> {
    const probing = Object.entries(PROBES).map(async ([name, request]) => {
      const { latenciesMs } = await repeat(request, endMs, PROBE_PAUSE_MS);
      return [name, latenciesMs] as const;
    });
    return Object.fromEntries(await Promise.all(probing));
  }

  const endOf = (): number => performance.now() + seconds * 1000;
  const aloneMs = await probe(endOf());
  const endMs = endOf();
  const startMs = performance.now();
  const heavy = Array.from({ length: HEAVY_CLIENTS }, () => repeat(COFFEE, endMs, 0));
  const besideMs = await probe(endMs);
  const loops = await Promise.all(heavy);
  const predictions = loops.reduce((sum, { latenciesMs }) => sum + latenciesMs.length, 0);
  return {
    aloneMs,
    besideMs,
    heavyPerSecond: (predictions * 1000) / (performance.now() - startMs),
    heavyRunMs: loops.flatMap(({ runsMs }) => runsMs),
  };
}
