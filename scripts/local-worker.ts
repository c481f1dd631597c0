import {
  type LocalWorker,
  type LocalWorkerOptions,
  startLocalWorker as start,
} from "../packages/cli/src/local/local-worker.ts";
import { checkout } from "./project.ts";

export type {
  KeyValueStore,
  LocalWorker,
  LocalWorkerOptions,
  LogLine,
  ModelBucket,
} from "../packages/cli/src/local/local-worker.ts";

/**
 * Starts the repository's Worker in workerd with the bindings of wrangler.toml, all simulated on this machine. By default anybody may
 * predict.
 */
export function startLocalWorker(options: LocalWorkerOptions = {}): Promise<LocalWorker> {
  return start(checkout, { ...options, vars: { PUBLIC_PREDICT: "true", ...options.vars } });
}
