import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { buildWorker } from "../../scripts/build-worker.ts";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { POCKET_GPT_FOLDER, startGenerationWorker } from "../generation/generation-worker.ts";
import { measureNeighbours, type Neighbours, toNeighboursTable } from "../generation/neighbours.ts";
import {
  measureSecondTurns,
  type SecondTurns,
  toSecondTurnTable,
} from "../generation/second-turn.ts";
import { measureTextRates, type TextRates, toRatesTable } from "../generation/text-rates.ts";
import { installTransformersJs, type TransformersJs } from "../generation/transformers-js.ts";

interface Measurement {
  readonly rates: TextRates;
  readonly secondTurns: readonly SecondTurns[];
  readonly neighbours: Neighbours;
}

export const generation: Benchmark = {
  name: "generation",
  description: "texts: tokens a second, first tokens, what other requests wait",
  async run(options) {
    options.report("building, and installing transformers.js ...");
    const outdir = createTemporaryFolder("bench-onnxflare");
    await buildWorker(outdir);
    const transformersJs = await installTransformersJs(POCKET_GPT_FOLDER);
    if (!transformersJs) options.report("transformers.js could not be installed: left out");
    const rounds: Measurement[] = [];
    for (let round = 0; round < options.rounds; round++) {
      rounds.push(await measure(outdir, transformersJs, round, options));
      options.report(`round ${round + 1} of ${options.rounds}`);
    }
    return {
      tables: [
        toRatesTable(rounds.map(({ rates }) => rates)),
        toSecondTurnTable(rounds.map(({ secondTurns }) => secondTurns)),
        toNeighboursTable(rounds.map(({ neighbours }) => neighbours)),
      ],
      raw: rounds.map(({ rates, ...others }) => ({ rates: Object.fromEntries(rates), ...others })),
    };
  },
};

async function measure(
  outdir: string,
  transformersJs: TransformersJs | undefined,
  round: number,
  { seconds }: BenchmarkOptions,
): Promise<Measurement> {
  const worker = await startGenerationWorker(outdir);
  try {
    return {
      rates: await measureTextRates(worker, transformersJs, round, seconds),
      secondTurns: await measureSecondTurns(worker, round),
      neighbours: await measureNeighbours(worker, seconds),
    };
  } finally {
    await worker.dispose();
  }
}
