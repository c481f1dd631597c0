import type { WaitUntil } from "../domain/call.ts";
import type { ModelHost } from "../domain/model-host.ts";
import type { ModelState } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { settlesWithin } from "../shared/settles-within.ts";

/** The state of a model. Loads it, and waits up to two seconds for the load. */
export type Readiness = (model: PublishedModel, waitUntil: WaitUntil) => Promise<ModelState>;

const MAX_WAIT_MS = 2000;

export function createReadiness(host: ModelHost): Readiness {
  return async (model, waitUntil) => {
    try {
      const loading = host.load(model, waitUntil);
      return { state: (await settlesWithin(loading, MAX_WAIT_MS)) ? "ready" : "loading" };
    } catch (error) {
      return { state: "failed", error };
    }
  };
}
