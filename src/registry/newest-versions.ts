import type { Manifest } from "../domain/manifest.ts";
import type { Catalog } from "./catalog.ts";

/** The manifest of each model's newest version, by name; a model whose manifest cannot be read is left out. */
export async function newestVersions(catalog: Catalog): Promise<readonly Manifest[]> {
  const names = [...new Set((await catalog.list()).map(({ name }) => name))].sort();
  const models = await Promise.all(
    names.map((name) => catalog.resolve(name).catch(() => undefined)),
  );
  return models.flatMap((model) => model?.manifest ?? []);
}
