import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createTemporaryFolder } from "../../packages/cli/src/local/temporary-folder.ts";
import { projectPath } from "../../scripts/project.ts";
import { createCall } from "../../src/domain/call.ts";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";
import type { ExplainedVersion } from "../../src/explain/explained-version.ts";
import type { ExplanationRequest } from "../../src/explain/method.ts";
import { treeMethod } from "../../src/explain/trees/tree-method.ts";
import { createRegressionPostprocessor } from "../../src/tasks/numeric/regression-postprocessor.ts";
import { createTabularPreprocessor } from "../../src/tasks/tabular/tabular-preprocessor.ts";
import type { BenchmarkOptions, BenchmarkResult } from "../benchmark.ts";
import { toSpread } from "../statistics.ts";

/** What shap_trees.py prints. */
interface ShapForests {
  readonly background: readonly (readonly number[])[];
  readonly rows: readonly (readonly number[])[];
  readonly models: readonly ShapForest[];
}

interface ShapForest {
  readonly name: string;
  readonly file: string;
  readonly msPerRow: number;
  /** By row and column. */
  readonly values: readonly (readonly number[])[];
}

interface Measurement {
  readonly name: string;
  readonly shapMs: number;
  readonly ms: number;
  /** With the tables of the background, which are kept. */
  readonly firstMs: number;
  /** Largest distance of a value from shap's. */
  readonly distance: number;
}

/** Exact values of trees against Python's shap, for the same forest, rows and background. `PYTHON` names a Python with shap. */
export async function measureTrees(options: BenchmarkOptions): Promise<BenchmarkResult> {
  const raw: Measurement[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const folder = createTemporaryFolder("bench-onnxflare");
    const script = projectPath("bench", "explanations", "shap_trees.py");
    const printed = execFileSync(process.env.PYTHON ?? "python3", [script, folder], {
      env: { ...process.env, OMP_NUM_THREADS: "1" },
      maxBuffer: 2 ** 28,
      encoding: "utf8",
    });
    const forests: ShapForests = JSON.parse(printed);
    for (const forest of forests.models) {
      const measured = await measure(folder, forests, forest, options.seconds);
      raw.push(measured);
      options.report(
        `round ${round + 1} of ${options.rounds}, ${forest.name}: ${(measured.ms / measured.shapMs).toFixed(2)} of shap's time`,
      );
    }
  }
  const names = [...new Set(raw.map(({ name }) => name))];
  const rows = names.map((name) => {
    const own = raw.filter((each) => each.name === name);
    const ratio = toSpread(own.map(({ ms, shapMs }) => ms / shapMs));
    const median = (of: (each: Measurement) => number) => toSpread(own.map(of)).median.toFixed(3);
    return [
      name,
      median(({ shapMs }) => shapMs),
      median(({ ms }) => ms),
      `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} - ${ratio.max.toFixed(2)})`,
      median(({ firstMs }) => firstMs),
      Math.max(...own.map(({ distance }) => distance)).toExponential(1),
    ];
  });
  const title = "trees, exact, against Python's shap: 100 background rows, 30 columns, one thread";
  const columns = [
    "forest",
    "shap, ms/row",
    "tree, ms/row",
    "tree / shap",
    "first, ms",
    "distance",
  ];
  return { tables: [{ title, columns, rows }], raw };
}

async function measure(
  folder: string,
  { background, rows }: ShapForests,
  { name, file, msPerRow, values }: ShapForest,
  seconds: number,
): Promise<Measurement> {
  const bytes = readFileSync(join(folder, file));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const columns = (rows[0] ?? []).map((_, column) => `column ${column}`);
  const manifest = parseManifest({
    schemaVersion: 1,
    name: "forest",
    version: "1",
    createdAt: "2026-12-01T00:00:00Z",
    format: "onnx",
    file,
    files: [{ path: file, sha256, sizeBytes: bytes.byteLength }],
    task: "tabular-regression",
    inputs: [{ name: "X", datatype: "FP32", shape: ["batch", columns.length] }],
    outputs: [{ name: "variable", datatype: "FP32", shape: ["batch", 1] }],
    preprocess: { type: "tabular", version: 1, input: "X", columns },
    postprocess: { type: "regression", version: 1, output: "variable" },
  });
  const version = toVersion(manifest, bytes, background);
  const explain = async (row: readonly number[]): Promise<number[]> => {
    const planned = await treeMethod.plan(requestOf(version, row));
    return ((await planned.explain()) as { values: number[] }).values;
  };
  let started = performance.now();
  await explain(rows[0] ?? []);
  const firstMs = performance.now() - started;
  let distance = 0;
  for (const [index, row] of rows.entries())
    for (const [column, value] of (await explain(row)).entries())
      distance = Math.max(distance, Math.abs(value - (values[index]?.[column] ?? Number.NaN)));
  started = performance.now();
  let count = 0;
  while (performance.now() - started < seconds * 1000)
    for (const row of rows) {
      await explain(row);
      count += 1;
    }
  const ms = (performance.now() - started) / count;
  return { name, shapMs: msPerRow, ms, firstMs, distance };
}

/** A version of which nothing is run. */
function toVersion(
  manifest: Manifest,
  bytes: Uint8Array,
  background: readonly unknown[],
): ExplainedVersion {
  const { preprocess, postprocess, inputs } = manifest;
  const [spec] = inputs;
  if (!spec || preprocess?.type !== "tabular" || postprocess?.type !== "regression")
    throw new Error("no regression of tables");
  const refuse = () => Promise.reject(new Error("nothing is run"));
  return {
    // A model of its own each time, since graphs are kept by version.
    model: { ...manifest, manifest, revision: crypto.randomUUID(), versions: [manifest.version] },
    // A timer takes a millisecond in Node, and a tenth of that in workerd.
    call: createCall({ yieldSlice: () => new Promise((resume) => setImmediate(resume)) }),
    infer: refuse,
    execute: refuse,
    blocks: async () => ({
      preprocessor: createTabularPreprocessor(spec, preprocess),
      postprocessor: createRegressionPostprocessor(postprocess),
    }),
    background: async () => background,
    readFile: async () => bytes,
  };
}

function requestOf(
  version: ExplainedVersion,
  inputs: readonly number[],
): ExplanationRequest<Record<string, never>> {
  return {
    version,
    inputs,
    space: undefined,
    output: undefined,
    maxRuns: undefined,
    limit: 1,
    seed: 0,
    background: undefined,
    backgroundRows: 100,
    parameters: {},
  };
}
