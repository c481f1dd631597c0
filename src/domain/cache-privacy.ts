import { TEXT_MEDIA_TYPES } from "./blocks/block-fields.ts";
import { preprocessDefinition } from "./blocks/registry.ts";
import type { Manifest } from "./manifest.ts";

/**
 * Whether responses of the model must not tell strangers how the cache was used. A shared cache knows which requests
 * others have sent, and a text can be guessed: by default it is so for models of texts, by their preprocess block or by
 * an input of BYTES. With `"scope": "key"` a client with a key reads only what it has stored itself.
 */
export function hidesCache(
  { cache, inputs, preprocess }: Pick<Manifest, "cache" | "inputs" | "preprocess">,
  hasClientKey: boolean,
): boolean {
  if (!cache.enabled || (cache.scope === "key" && hasClientKey)) return false;
  if (cache.disclose !== undefined) return !cache.disclose;
  const mediaTypes = preprocess ? preprocessDefinition(preprocess).mediaTypes : [];
  return (
    TEXT_MEDIA_TYPES.some((type) => mediaTypes.includes(type)) ||
    inputs.some(({ datatype }) => datatype === "BYTES")
  );
}
