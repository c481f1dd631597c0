import type { MetricFamily } from "./family.ts";
import { each, ofVersions, VERSION_LABELS } from "./samples.ts";

/** The metrics themselves: whose they are, and what is missing. */
export const SCRAPE_FAMILIES: readonly MetricFamily[] = [
  {
    name: "onnxflare_build_info",
    type: "gauge",
    help: "Always 1; the label has the version of onnxflare.",
    labels: ["version"],
    samples: ({ serverVersion }) => [[[serverVersion], 1]],
  },
  {
    name: "onnxflare_metrics_scope",
    type: "gauge",
    help: "Always 1; the label says whether the numbers are those of the whole service, or of the isolate that was asked.",
    labels: ["scope"],
    samples: ({ scope }) => [[[scope], 1]],
  },
  {
    name: "onnxflare_metrics_shard_unreachable",
    type: "gauge",
    help: "1 for each shard of the collector whose numbers are missing here.",
    labels: ["shard"],
    samples: ({ unreachable }) => unreachable.map(({ shard }) => [[shard], 1]),
  },
  {
    name: "onnxflare_metrics_shards_unreachable",
    type: "gauge",
    help: "Number of shards of the collector whose numbers are missing here.",
    labels: [],
    samples: ({ unreachable }) => [[[], unreachable.length]],
  },
  {
    name: "onnxflare_metrics_read_seconds",
    type: "gauge",
    help: "How long it took to read the numbers.",
    labels: [],
    samples: ({ seconds }) => [[[], seconds]],
  },
  {
    name: "onnxflare_lost_events_total",
    type: "counter",
    help: "Events that are missing in the numbers here, or that a sink has lost, by reason.",
    labels: [...VERSION_LABELS, "reason"],
    samples: ofVersions(({ lost }) => each(lost)),
  },
];
