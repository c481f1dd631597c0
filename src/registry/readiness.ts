import type { WaitUntil } from "../domain/call.ts";
import type { ModelHost } from "../domain/model-host.ts";
import type { ModelState } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { settlesWithin } from "../shared/settles-within.ts";

/** Whether a model can answer. Loads it, and waits a little for that. */
export type Readiness = (published: PublishedModel, waitUntil: WaitUntil) => Promise<ModelState>;

const PATIENCE_MS = 2000;

export function createReadiness(host: ModelHost): Readiness {
  return async (published, waitUntil) => {
    try {
      const loading = host.load(published, waitUntil);
      return { state: (await settlesWithin(loading, PATIENCE_MS)) ? "ready" : "loading" };
    } catch (error) {
      return { state: "failed", error };
    }
  };
}
