import { inject } from "vitest";
import type { StorageState } from "../workerd/workers/held-storage/index.ts";
import { type AdministeredService, startAdministeredService } from "./administration.ts";

/** Far more often than any wait needs; without an end a test that fails would never end. */
const MOST_ASKED = 10_000;

/** A service whose storage can be held up in the middle of a model file. */
export interface HeldService extends AdministeredService {
  hold(): Promise<void>;
  release(): Promise<void>;
  /** Waits until the storage is as wanted. */
  storage(wanted?: (state: StorageState) => boolean): Promise<StorageState>;
}

export async function startHeldService(vars: Record<string, string> = {}): Promise<HeldService> {
  const service = await startAdministeredService({
    outdir: inject("testWorkerBuilds")["held-storage"],
    vars,
  });
  const command = async (path: string): Promise<StorageState> =>
    (await service.request(`/storage${path}`)).body as StorageState;
  return {
    ...service,
    hold: async () => void (await command("/hold")),
    release: async () => void (await command("/release")),
    async storage(wanted = () => true) {
      for (let asked = 0; asked < MOST_ASKED; asked++) {
        const state = await command("");
        if (wanted(state)) return state;
      }
      throw new Error(`storage stays ${JSON.stringify(await command(""))}, for ${wanted}`);
    },
  };
}
