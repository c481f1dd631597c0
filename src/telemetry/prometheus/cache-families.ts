import { toSeconds } from "./durations.ts";
import type { MetricFamily } from "./family.ts";
import { each, ofModels, one, VERSION_LABELS } from "./samples.ts";

/** The prediction cache. */
export const CACHE_FAMILIES: readonly MetricFamily[] = [
  {
    name: "onnxflare_cache_requests_total",
    type: "counter",
    help: "Requests by what the prediction cache did: hit, miss or bypass.",
    labels: [...VERSION_LABELS, "outcome"],
    samples: ofModels(({ cache }) => each(cache)),
  },
  {
    name: "onnxflare_cache_hits_total",
    type: "counter",
    help: "Hits of the prediction cache by the tier that had the answer.",
    labels: [...VERSION_LABELS, "tier"],
    samples: ofModels(({ cacheTiers }) => each(cacheTiers)),
  },
  {
    name: "onnxflare_cache_saved_seconds_total",
    type: "counter",
    help: "Time of the runs that hits of the prediction cache have saved.",
    labels: VERSION_LABELS,
    samples: ofModels(({ savedMs, cache }) =>
      Object.keys(cache).length === 0 ? [] : one(toSeconds(savedMs)),
    ),
  },
];
