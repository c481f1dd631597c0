import { durationHistogram } from "./durations.ts";
import type { MetricFamily } from "./family.ts";
import { each, ofModels, ofVersions, one, VERSION_LABELS } from "./samples.ts";

const ENGINE = ["loads", "evictions", "crashes"] as const;
type EngineEvent = (typeof ENGINE)[number];

function engineCounter(name: string, help: string, event: EngineEvent): MetricFamily {
  return {
    name,
    type: "counter",
    help,
    labels: [],
    *samples({ versions }) {
      // 0 as well: Prometheus sees no increase to the first value of a series.
      for (const { model, aggregate } of versions)
        if (model === "") yield [[], aggregate.engine[event] ?? 0];
    },
  };
}

/** Models, their memory and what they generate. */
export const MODEL_FAMILIES: readonly MetricFamily[] = [
  {
    name: "onnxflare_cold_starts_total",
    type: "counter",
    help: "Requests that have waited for their model to be loaded.",
    labels: VERSION_LABELS,
    samples: ofModels(({ coldStarts }) => one(coldStarts)),
  },
  {
    name: "onnxflare_heap_bytes",
    type: "gauge",
    help: "Memory of the engine in the isolate that has reported last.",
    labels: VERSION_LABELS,
    samples: ofVersions(({ heapBytes }) => one(heapBytes?.last)),
  },
  {
    name: "onnxflare_heap_peak_bytes",
    type: "gauge",
    help: "Largest memory of the engine in any isolate.",
    labels: VERSION_LABELS,
    samples: ofVersions(({ heapBytes }) => one(heapBytes?.max)),
  },
  engineCounter("onnxflare_model_loads_total", "Models that were loaded.", "loads"),
  engineCounter(
    "onnxflare_model_evictions_total",
    "Models that were unloaded for the memory of others.",
    "evictions",
  ),
  engineCounter(
    "onnxflare_engine_crashes_total",
    "Engines that were lost to a crash, or to memory.",
    "crashes",
  ),
  {
    name: "onnxflare_tokens_total",
    type: "counter",
    help: "Tokens of requests that generate text: input, cached (of the input, those not read again) and output.",
    labels: [...VERSION_LABELS, "kind"],
    samples: ofModels(({ tokens }) => each(tokens)),
  },
  durationHistogram({
    name: "onnxflare_time_to_first_token_seconds",
    help: "Time from a request to the first token of its answer.",
    of: "timeToFirstToken",
  }),
  {
    name: "onnxflare_audio_seconds_total",
    type: "counter",
    help: "Length of the recordings that were transcribed.",
    labels: VERSION_LABELS,
    samples: ofModels(({ audioSeconds }) => one(audioSeconds || undefined)),
  },
  {
    name: "onnxflare_explanations_total",
    type: "counter",
    help: "Requests whose answer was explained, by the method.",
    labels: [...VERSION_LABELS, "method"],
    samples: ofModels(({ explanations }) => each(explanations)),
  },
  {
    name: "onnxflare_explanation_runs_total",
    type: "counter",
    help: "Rows that models were run for to explain their answers.",
    labels: VERSION_LABELS,
    samples: ofModels(({ explanationRuns }) => one(explanationRuns || undefined)),
  },
  durationHistogram({
    name: "onnxflare_explanation_duration_seconds",
    help: "Time from a request for an explanation to the end of its response.",
    of: "explanation",
  }),
  {
    name: "onnxflare_shadow_copies_total",
    type: "counter",
    help: "Copies of requests to a shadow by how its answer compared: same, different, failed or skipped.",
    labels: [...VERSION_LABELS, "outcome"],
    samples: ofModels(({ shadows }) => each(shadows)),
  },
];
