import { inject } from "vitest";
import type { StorageState } from "../workerd/workers/held-storage/index.ts";
import type { TestWorker } from "../workerd/workers/index.ts";
import { type AdministeredService, startAdministeredService } from "./administration.ts";
import { poll } from "./poll.ts";

/** A service whose storage can be paused in the middle of a model file. */
export interface HeldService extends AdministeredService {
  hold(): Promise<void>;
  release(): Promise<void>;
  /** Waits until the storage has the expected state. */
  storage(matches?: (state: StorageState) => boolean): Promise<StorageState>;
}

export async function startHeldService(vars: Record<string, string> = {}): Promise<HeldService> {
  const service = await startAdministeredService({
    outdir: inject("testWorkersBuild"),
    vars: { TEST_WORKER: "held-storage" satisfies TestWorker, ...vars },
  });
  const command = async (path: string): Promise<StorageState> =>
    (await service.request(`/storage${path}`)).body as StorageState;
  return {
    ...service,
    hold: async () => void (await command("/hold")),
    release: async () => void (await command("/release")),
    storage: (matches = () => true) =>
      poll(`state of the storage for which ${matches}`, async () => {
        const state = await command("");
        return matches(state) ? state : undefined;
      }),
  };
}
