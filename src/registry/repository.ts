import type { ModelHost } from "../domain/model-host.ts";
import type { ModelId } from "../domain/model-id.ts";
import type { ModelState } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { Catalog } from "./catalog.ts";

/** The published versions and their states in this isolate. */
export interface Repository {
  index(): Promise<readonly { readonly id: ModelId; readonly state: ModelState }[]>;
  /** Frees the memory of a version; its next request loads it again. */
  unload(model: PublishedModel): Promise<void>;
}

export function createRepository(catalog: Catalog, host: ModelHost): Repository {
  async function stateOf({ name, version }: ModelId): Promise<ModelState> {
    try {
      return await host.state(await catalog.resolve(name, version));
    } catch (error) {
      return { state: "failed", error };
    }
  }
  return {
    async index() {
      const ids = [...(await catalog.list())].sort(
        (a, b) => a.name.localeCompare(b.name, "en") || Number(a.version) - Number(b.version),
      );
      return Promise.all(ids.map(async (id) => ({ id, state: await stateOf(id) })));
    },
    unload: async (model) => {
      await host.unload(model);
    },
  };
}
