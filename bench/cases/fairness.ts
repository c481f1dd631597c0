import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { powers, sum } from "../../test/support/awkward-models.ts";
import { store } from "../../test/support/stored-model.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { HEADERS } from "../load.ts";
import { applyOpenLoop, type OpenLoop, type OpenLoopResult } from "../open-loop.ts";
import { toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";

/** A run of the heavy model takes about 45 ms. */
const HEAVY_TIMES = 24;
const BODY = JSON.stringify({
  inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [0.5] }],
});
/** Requests to the heavy model per second: none, about its capacity, and several times as many. */
const HEAVY_RATES = [0, 20, 100];
const LIGHT_RATE = 20;
const CONNECTIONS = 1000;
const WARM_UP_REQUESTS = 20;
const MIN_SECONDS = 5;

interface Measurement {
  readonly light: OpenLoopResult;
  readonly heavy: OpenLoopResult | undefined;
}

export const fairness: Benchmark = {
  name: "fairness",
  description: "latency and refusals of a light model beside a heavy one",
  async run(options) {
    options.report("building ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const rounds: Measurement[][] = [];
    for (let round = 0; round < options.rounds; round++) {
      const measured = await measure(outdir, options);
      rounds.push(measured);
      const latencies = measured.map(({ light }) => light.responses[200]?.latencyMs.p99.toFixed(0));
      options.report(
        `round ${round + 1} of ${options.rounds}: p99 of the light model ${latencies.join(", ")} ms`,
      );
    }
    return { tables: [toTable(rounds)], raw: rounds };
  },
};

async function measure(outdir: string, options: BenchmarkOptions): Promise<Measurement[]> {
  const worker = await startLocalWorker({ outdir, vars: {} });
  try {
    const bucket = await worker.bucket();
    await store(bucket, "heavy", powers(HEAVY_TIMES));
    await store(bucket, "light", sum(1));
    const loopOf = (model: string, perSecond: number): OpenLoop => ({
      url: new URL(`/v2/models/${model}/infer`, worker.url).href,
      body: BODY,
      perSecond,
      seconds: Math.max(options.seconds, MIN_SECONDS),
      connections: CONNECTIONS,
    });
    for (const model of ["heavy", "light"])
      for (let request = 0; request < WARM_UP_REQUESTS; request++)
        await checkResponse(loopOf(model, 1).url);
    const measured: Measurement[] = [];
    for (const rate of HEAVY_RATES) {
      const [light, heavy] = await Promise.all([
        applyOpenLoop(loopOf("light", LIGHT_RATE)),
        rate > 0 ? applyOpenLoop(loopOf("heavy", rate)) : undefined,
      ]);
      for (const { failed } of [light, ...(heavy ? [heavy] : [])])
        if (failed > 0) throw new Error(`${failed} requests got no response`);
      measured.push({ light, heavy });
    }
    return measured;
  } finally {
    await worker.dispose();
  }
}

async function checkResponse(url: string): Promise<void> {
  const response = await fetch(url, { method: "POST", headers: HEADERS, body: BODY });
  if (!response.ok)
    throw new Error(`${url} responded ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

function toTable(rounds: readonly (readonly Measurement[])[]): Table {
  return {
    title: `A light model at ${LIGHT_RATE} requests/s beside a heavy one of about 45 ms a run`,
    columns: [
      "heavy requests/s",
      "light: p50 ms",
      "p99",
      "(max)",
      "light: 429",
      "heavy: predictions/s",
      "heavy: 429",
    ],
    rows: HEAVY_RATES.map((rate, index) => {
      const all = rounds.flatMap((round) => round[index] ?? []);
      const median = (of: (one: Measurement) => number): number => toSpread(all.map(of)).median;
      const largest = Math.max(...all.map(({ light }) => light.responses[200]?.latencyMs.max ?? 0));
      return [
        `${rate}`,
        median(({ light }) => light.responses[200]?.latencyMs.p50 ?? Number.NaN).toFixed(0),
        median(({ light }) => light.responses[200]?.latencyMs.p99 ?? Number.NaN).toFixed(0),
        largest.toFixed(0),
        percent(median(({ light }) => refusedShare(light))),
        median(({ heavy }) =>
          heavy && rate > 0 ? ((heavy.responses[200]?.count ?? 0) * rate) / heavy.requests : 0,
        ).toFixed(1),
        percent(median(({ heavy }) => (heavy ? refusedShare(heavy) : 0))),
      ];
    }),
  };
}

function refusedShare({ requests, responses }: OpenLoopResult): number {
  return (responses[429]?.count ?? 0) / requests;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
