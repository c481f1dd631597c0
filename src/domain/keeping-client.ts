import { partitionOf } from "./cache-partition.ts";
import { hidesCache } from "./cache-privacy.ts";
import { ANONYMOUS, type Call } from "./call.ts";
import type { Manifest } from "./manifest.ts";

/**
 * The partition for which prefixes of prompts may be kept; `undefined` where nothing of a request may be kept, or read for it:
 * by its cache directives, by the manifest, or because clients that nobody can tell apart would learn of one another by how much of
 * their prompts was kept.
 */
export async function keepingClient(
  manifest: Pick<Manifest, "cache" | "inputs" | "preprocess">,
  call: Pick<Call, "cache" | "principal" | "subject">,
): Promise<string | undefined> {
  const { noStore, noCache } = call.cache;
  if (!manifest.cache.enabled || noStore || noCache) return undefined;
  const id = await partitionOf(call);
  if (id !== (await ANONYMOUS.id())) return id;
  return manifest.cache.scope === "key" || hidesCache(manifest, false) ? undefined : id;
}
