import { durationHistogram } from "./durations.ts";
import type { MetricFamily } from "./family.ts";
import { each, ofVersions, VERSION_LABELS } from "./samples.ts";

const ENDINGS = { exception: 0, exceededCpu: 0, exceededMemory: 0 };

/** What the platform says of invocations, by way of the Tail Worker. */
export const PLATFORM_FAMILIES: readonly MetricFamily[] = [
  {
    name: "onnxflare_invocations_total",
    type: "counter",
    help: "Invocations of the Worker by how the platform says that they ended.",
    labels: [...VERSION_LABELS, "outcome"],
    samples: ofVersions(({ invocations }) =>
      // Those that alerts look for also as 0: Prometheus sees no increase to the first value of a series.
      Object.keys(invocations).length === 0 ? [] : each({ ...ENDINGS, ...invocations }),
    ),
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
