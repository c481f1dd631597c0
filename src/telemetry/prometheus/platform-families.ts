import { durationHistogram } from "./durations.ts";
import type { MetricFamily } from "./family.ts";
import { each, ofVersions, VERSION_LABELS } from "./samples.ts";

/** What the platform says of invocations, by way of the Tail Worker. */
export const PLATFORM_FAMILIES: readonly MetricFamily[] = [
  {
    name: "onnxflare_invocations_total",
    type: "counter",
    help: "Invocations of the Worker by how the platform says that they ended.",
    labels: [...VERSION_LABELS, "outcome"],
    samples: ofVersions(({ invocations }) => each(invocations)),
  },
  durationHistogram({
    name: "onnxflare_cpu_seconds",
    help: "CPU time of invocations, as the platform counts it.",
    of: "cpu",
  }),
  durationHistogram({
    name: "onnxflare_wall_seconds",
    help: "Wall time of invocations, as the platform counts it.",
    of: "wall",
  }),
];
