import type { WorkerSpec } from "./workers.ts";

/** The Durable Object that has the API keys, in the Worker of that name. */
export function hostingAuthority(): Pick<WorkerSpec, "durableObjects"> {
  return { durableObjects: { KEYS: { className: "KeyAuthority", useSQLite: true } } };
}

/** The one of another Worker: both are isolates of one deployment, as far as API keys are concerned. */
export function sharingAuthority(host: string): Pick<WorkerSpec, "durableObjects"> {
  return {
    durableObjects: { KEYS: { className: "KeyAuthority", scriptName: host, useSQLite: true } },
  };
}
