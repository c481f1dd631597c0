import { buildWorker } from "../../scripts/build-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { createTemporaryFolder } from "../../scripts/temporary-folder.ts";
import type { StorageState } from "../workerd/workers/held-storage/index.ts";
import { type AdministeredService, startAdministeredService } from "./administration.ts";

/** Far more attempts than any wait needs; without a limit a failing test would never end. */
const MOST_ASKED = 10_000;

/** A service whose storage can be paused in the middle of a model file. */
export interface HeldService extends AdministeredService {
  hold(): Promise<void>;
  release(): Promise<void>;
  /** Waits until the storage has the expected state. */
  storage(wanted?: (state: StorageState) => boolean): Promise<StorageState>;
}

export async function startHeldService(vars: Record<string, string> = {}): Promise<HeldService> {
  const outdir = createTemporaryFolder("held-storage");
  await buildWorker(outdir, projectPath("test", "workerd", "workers", "held-storage", "index.ts"));
  const service = await startAdministeredService({
    outdir,
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
