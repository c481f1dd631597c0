import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import type { InferenceTotals } from "../../domain/monitoring/inference-totals.ts";
import { TRITON_FAILURES } from "../../domain/monitoring/triton-failure.ts";
import { durationHistogram } from "./durations.ts";
import type { MetricFamily, NumberFamily } from "./family.ts";
import { eachOf, ofModels, one, VERSION_LABELS } from "./samples.ts";

/** Of versions that have run, or have refused to. */
function hasInferences({ inference: { success, failures } }: Aggregate): boolean {
  return success > 0 || Object.keys(failures).length > 0;
}

function counter(
  name: string,
  help: string,
  read: (totals: InferenceTotals) => number,
): NumberFamily {
  return {
    name,
    type: "counter",
    help,
    labels: VERSION_LABELS,
    samples: ofModels((aggregate) =>
      hasInferences(aggregate) ? one(read(aggregate.inference)) : [],
    ),
  };
}

/** Whole, as Triton's are: a sum that grows stays one that grows. */
function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000);
}

/**
 * The names and meanings of Triton Inference Server:
 * https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html
 */
export const TRITON_FAMILIES: readonly MetricFamily[] = [
  counter(
    "nv_inference_request_success",
    "Number of successful inference requests, all batch sizes",
    ({ success }) => success,
  ),
  {
    name: "nv_inference_request_failure",
    type: "counter",
    help: "Number of failed inference requests, all batch sizes",
    labels: [...VERSION_LABELS, "reason"],
    samples: ofModels((aggregate) =>
      hasInferences(aggregate) ? eachOf(TRITON_FAILURES, aggregate.inference.failures) : [],
    ),
  },
  counter(
    "nv_inference_count",
    "Number of inferences performed (does not include cached requests)",
    ({ inferences }) => inferences,
  ),
  counter(
    "nv_inference_exec_count",
    "Number of model executions performed (does not include cached requests)",
    ({ executions }) => executions,
  ),
  counter(
    "nv_inference_request_duration_us",
    "Cumulative inference request duration in microseconds (includes cached requests)",
    ({ successMs }) => toMicroseconds(successMs),
  ),
  counter(
    "nv_inference_queue_duration_us",
    "Cumulative inference queuing duration in microseconds (includes cached requests)",
    ({ queueMs }) => toMicroseconds(queueMs),
  ),
  counter(
    "nv_inference_compute_input_duration_us",
    "Cumulative compute input duration in microseconds (does not include cached requests)",
    ({ inputMs }) => toMicroseconds(inputMs),
  ),
  counter(
    "nv_inference_compute_infer_duration_us",
    "Cumulative compute inference duration in microseconds (does not include cached requests)",
    ({ inferMs }) => toMicroseconds(inferMs),
  ),
  counter(
    "nv_inference_compute_output_duration_us",
    "Cumulative inference compute output duration in microseconds (does not include cached requests)",
    ({ outputMs }) => toMicroseconds(outputMs),
  ),
  durationHistogram({
    name: "nv_inference_first_response_histogram_ms",
    help: "Duration from request to first response in milliseconds",
    of: "timeToFirstToken",
    bounds: [100, 500, 2000, 5000],
  }),
  counter(
    "nv_cache_num_hits_per_model",
    "Number of cache hits per model",
    ({ cacheHits }) => cacheHits,
  ),
  counter(
    "nv_cache_num_misses_per_model",
    "Number of cache misses per model",
    ({ cacheMisses }) => cacheMisses,
  ),
  counter(
    "nv_cache_hit_duration_per_model",
    "Total cache hit duration per model, in microseconds",
    ({ cacheHitMs }) => toMicroseconds(cacheHitMs),
  ),
  counter(
    "nv_cache_miss_duration_per_model",
    "Total cache miss duration per model, in microseconds",
    ({ cacheMissMs }) => toMicroseconds(cacheMissMs),
  ),
];
