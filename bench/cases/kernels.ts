import { seedModels } from "../../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import type { Benchmark } from "../benchmark.ts";
import { buildVariant } from "../build-variant.ts";
import type { KernelLoop, KernelTimes } from "../kernel-loop.ts";
import { toSpread } from "../statistics.ts";

const TEXT_INPUTS = ["input_ids", "attention_mask"];
const LOOPS: readonly KernelLoop[] = [
  [1, 12, 20],
  [1, 64, 8],
  [32, 16, 2],
]
  .map(([texts = 1, length = 1, runs = 1]) => ({
    model: "sentence-embeddings",
    shape: [texts, length] as const,
    words: 30_000,
    inputs: [...TEXT_INPUTS, "token_type_ids"],
    runs,
    turns: 0,
  }))
  .concat({
    model: "spam-detection",
    shape: [1, 128],
    words: 5000,
    inputs: TEXT_INPUTS,
    runs: 40,
    turns: 0,
  });

export const kernels: Benchmark = {
  name: "kernels",
  description: "runs of quantized models with products of our own, beside the engine's",
  async run({ rounds, report }) {
    const outdir = await buildVariant("kernels");
    const worker = await startLocalWorker({
      outdir,
      statePath: createTemporaryFolder("bench-state"),
    });
    try {
      await seedModels(await worker.bucket(), projectPath("models"));
      const rows: string[][] = [];
      const raw: unknown[] = [];
      for (const loop of LOOPS) {
        const body = JSON.stringify({ ...loop, turns: rounds });
        const response = await fetch(worker.url, { method: "POST", body });
        const text = await response.text();
        if (!response.ok) throw new Error(`${loop.model}: ${text}`);
        const times = JSON.parse(text) as KernelTimes;
        if (!times.isInstalled)
          report("this machine's dot product is of no use: the engine's own products are used");
        if (!times.isEqual) throw new Error(`${loop.model}: the outputs differ`);
        const [own = [], ours = []] = times.ms;
        const ratio = toSpread(ours.map((ms, turn) => ms / (own[turn] ?? Number.NaN)));
        rows.push([
          loop.model,
          loop.shape.join(" x "),
          toSpread(own).median.toFixed(2),
          toSpread(ours).median.toFixed(2),
          ratio.median.toFixed(2),
          `(${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)})`,
        ]);
        raw.push({ ...loop, ...times });
      }
      const columns = [
        "model",
        "texts x word pieces",
        "engine ms",
        "ours ms",
        "ours / engine",
        "(min - max)",
      ];
      return { tables: [{ title: "runs in workerd", columns, rows }], raw };
    } finally {
      await worker.dispose();
    }
  },
};
