import type { WorkerSpec } from "./workers.ts";

/** The Durable Object of what is collected, in the Worker of that name. */
export function hostingCollector(): Pick<WorkerSpec, "durableObjects"> {
  return { durableObjects: { METRICS: { className: "MetricsCollector", useSQLite: true } } };
}

/** The one of another Worker: both are isolates of one deployment, as far as what is collected is concerned. */
export function sharingCollector(host: string): Pick<WorkerSpec, "durableObjects"> {
  return {
    durableObjects: {
      METRICS: { className: "MetricsCollector", scriptName: host, useSQLite: true },
    },
  };
}
