import { SOUND_POSTPROCESS } from "../blocks/sound-windows.ts";
import type { Tensor } from "../tensor.ts";
import type { Trace } from "../trace.ts";
import type { DescribedModel } from "./feature-plan.ts";
import { RequestStatistics } from "./request-statistics.ts";

/** Tasks whose rows are what their model gets: those of others are texts, pictures or recordings. */
const ROWS: readonly string[] = ["tabular", "columns", "array"];
/** Tasks each of whose runs takes a batch of their items. */
const BATCHES: readonly string[] = [
  "classification",
  "audio-classification",
  "audio-embedding",
  "regression",
  "clustering",
  "anomaly",
  "object-detection",
  "image-segmentation",
  "token-classification",
  "embedding",
];

/** Tasks whose runs have the windows of recordings, which requests count. */
const SOUNDS: readonly string[] = SOUND_POSTPROCESS;

/** The statistics of a request, which begin with its first run. */
export function statisticsOf(trace: Trace, model: DescribedModel): RequestStatistics {
  trace.statistics ??= new RequestStatistics(model);
  return trace.statistics;
}

/** Gathers what a run of a task tells, whether it was made or its outputs were in the cache. It never fails the task. */
export function observeTaskRun(
  trace: Trace,
  model: DescribedModel,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
): void {
  const { preprocess, postprocess } = model.manifest;
  if (!preprocess || !postprocess || !BATCHES.includes(postprocess.type)) return;
  try {
    const statistics = statisticsOf(trace, model);
    if (ROWS.includes(preprocess.type)) statistics.inputs(inputs);
    statistics.outputs(outputs);
    if (!SOUNDS.includes(postprocess.type)) statistics.countRows(inputs[0]?.shape[0] ?? 1);
  } catch {
    // Statistics that cannot be made are missing.
  }
}
