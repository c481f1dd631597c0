import type { ModelRuntime, ModelState, ModelStore, WaitUntil } from "../domain/ports.ts";
import { settlesWithin } from "../domain/settles-within.ts";
import type { PublishedModel } from "./catalog.ts";
import { toModelSource, type WarmUp } from "./model-source.ts";

/** Whether a model can be asked. Asking loads it, and waits a little for that. */
export type Readiness = (published: PublishedModel, waitUntil: WaitUntil) => Promise<ModelState>;

const PATIENCE_MS = 2000;

export function createReadiness(
  store: ModelStore,
  runtime: ModelRuntime,
  warmUp: WarmUp,
): Readiness {
  return async (published, waitUntil) => {
    const source = toModelSource(store, published, warmUp);
    const loading = runtime.use(source, waitUntil, () => undefined);
    try {
      return { state: (await settlesWithin(loading, PATIENCE_MS)) ? "ready" : "loading" };
    } catch (error) {
      return { state: "failed", error };
    }
  };
}
