import type { BenchmarkOptions, BenchmarkResult } from "../benchmark.ts";
import { rotate, toSpread } from "../statistics.ts";
import type { Table } from "../table.ts";
import { runSampledLoop, type SampledResult } from "./sampled-loop.ts";

/** From the cheapest row to the dearest. */
const MODELS = ["breast-cancer-mlp", "breast-cancer-gradient-boosting", "breast-cancer-svm"];
const METHODS = ["kernel", "permutation"];

/** By model: one list for each round. */
type Measurements = Record<string, SampledResult[][]>;

/** Sampled methods against a loop of the same runs. */
export async function measureSampled(options: BenchmarkOptions): Promise<BenchmarkResult> {
  const raw: Measurements = {};
  for (let round = 0; round < options.rounds; round++)
    for (const model of rotate(MODELS, round)) {
      const results = await runSampledLoop({ model, methods: METHODS, seconds: options.seconds });
      raw[model] = [...(raw[model] ?? []), results];
      for (const { method, explainedPerSecond, loopPerSecond } of results)
        options.report(
          `round ${round + 1} of ${options.rounds}, ${model}, ${method}: ${(explainedPerSecond / loopPerSecond).toFixed(2)} of the loop`,
        );
    }
  return { tables: [toTable(raw)], raw };
}

function toTable(raw: Measurements): Table {
  const rows = MODELS.flatMap((model) =>
    METHODS.map((method) => {
      const results = (raw[model] ?? []).flatMap((round) =>
        round.filter((result) => result.method === method),
      );
      const ratio = toSpread(
        results.map(({ explainedPerSecond, loopPerSecond }) => explainedPerSecond / loopPerSecond),
      );
      const rate = (values: readonly number[]): string => toSpread(values).median.toFixed(0);
      return [
        `${model}, ${method}`,
        String(results[0]?.runs ?? 0),
        rate(results.map(({ explainedPerSecond }) => explainedPerSecond)),
        rate(results.map(({ loopPerSecond }) => loopPerSecond)),
        `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)})`,
      ];
    }),
  );
  return {
    title: "sampled methods against a loop of the same runs, 100 background rows, one thread",
    columns: ["model, method", "rows", "rows/s", "loop, rows/s", "method / loop"],
    rows,
  };
}
