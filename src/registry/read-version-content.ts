import { ApiError } from "../domain/errors.ts";
import { type Manifest, parseStoredManifest } from "../domain/manifest.ts";
import type { ModelId } from "../domain/model-id.ts";
import type { ObjectInventory } from "../domain/object-inventory.ts";

/** The manifest of a version as it is stored; `manifest` is undefined for one that is corrupt. */
export type StoredContent =
  | { readonly text: string; readonly manifest: Manifest }
  | { readonly text: string; readonly manifest: undefined };

/**
 * Reads what a version consists of, deleted or not. A corrupt manifest is no failure: its version can be deleted.
 * @returns `undefined` when there is no manifest
 * @throws ApiError `storage_failed`
 */
export async function readVersionContent(
  inventory: Pick<ObjectInventory, "manifestText">,
  id: ModelId,
): Promise<StoredContent | undefined> {
  try {
    const text = await inventory.manifestText(id);
    return text === undefined ? undefined : { text, manifest: parse(id, text) };
  } catch (error) {
    // It cannot be decrypted.
    if (error instanceof ApiError && error.code === "model_corrupt")
      return { text: "", manifest: undefined };
    throw error;
  }
}

function parse({ name, version }: ModelId, text: string): Manifest | undefined {
  try {
    const manifest = parseStoredManifest(JSON.parse(text));
    return manifest.name === name && manifest.version === version ? manifest : undefined;
  } catch {
    return undefined;
  }
}
