import type { ModelHost } from "../domain/model-host.ts";
import type { ModelId } from "../domain/model-id.ts";
import type { ListedVersion, ModelState } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { Catalog } from "./catalog.ts";
import type { ManifestFacts, SurveyManifests } from "./manifest-survey.ts";

/** The published versions and their states in this isolate. */
export interface Repository {
  /**
   * Every published version, sorted by name and version. A version whose manifest has not been read is `absent`, as any
   * other that is not loaded.
   */
  index(): Promise<readonly { readonly id: ModelId; readonly state: ModelState }[]>;
  /** The newest version of each model, sorted by name, with its time of creation in milliseconds since the epoch. */
  newest(): Promise<readonly { readonly name: string; readonly createdAt: number }[]>;
  /** Frees the memory of a version; its next request loads it again. */
  unload(model: PublishedModel): Promise<void>;
}

export function createRepository(
  catalog: Pick<Catalog, "list" | "peekManifest">,
  host: Pick<ModelHost, "state" | "unload">,
  survey: SurveyManifests,
): Repository {
  async function stateOf(
    version: ListedVersion,
    facts: ManifestFacts | undefined,
  ): Promise<ModelState> {
    if (facts && "error" in facts) return { state: "failed", error: facts.error };
    // The host knows nothing of a version whose manifest the catalog never read.
    const manifest = catalog.peekManifest(version);
    return manifest ? host.state({ manifest }) : { state: "absent" };
  }

  return {
    async index() {
      const versions = await catalog.list();
      const facts = await survey(versions);
      return Promise.all(
        versions.map(async (listed, index) => ({
          id: { name: listed.name, version: listed.version },
          state: await stateOf(listed, facts[index]),
        })),
      );
    },
    async newest() {
      const versions = await catalog.list();
      const newest = versions.filter(({ name }, index) => versions[index + 1]?.name !== name);
      const facts = await survey(newest);
      return newest.map(({ name, publishedAt }, index) => {
        const found = facts[index];
        return { name, createdAt: found && "createdAt" in found ? found.createdAt : publishedAt };
      });
    },
    unload: async (model) => {
      await host.unload(model);
    },
  };
}
