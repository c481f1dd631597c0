import { modelDigest } from "../domain/manifest.ts";
import type { ModelId } from "../domain/model-id.ts";
import type { ModelRuntime, ModelState } from "../domain/ports.ts";
import type { Catalog, PublishedModel } from "./catalog.ts";

/** Every published version and how it stands in this isolate, and its place in memory. */
export interface Repository {
  index(): Promise<readonly { readonly id: ModelId; readonly model: ModelState }[]>;
  /** Gives the memory of a version back; its next request loads it again. */
  unload(published: PublishedModel): void;
}

export function createRepository(catalog: Catalog, runtime: ModelRuntime): Repository {
  async function stateOf({ name, version }: ModelId): Promise<ModelState> {
    try {
      const { manifest } = await catalog.resolve(name, version);
      return runtime.state(modelDigest(manifest));
    } catch (error) {
      return { state: "failed", error };
    }
  }
  return {
    async index() {
      const ids = [...(await catalog.list())].sort(
        (a, b) => a.name.localeCompare(b.name, "en") || Number(a.version) - Number(b.version),
      );
      return Promise.all(ids.map(async (id) => ({ id, model: await stateOf(id) })));
    },
    unload: ({ manifest }) => {
      runtime.unload(modelDigest(manifest));
    },
  };
}
