import { ANONYMOUS, type Call } from "./call.ts";
import type { Manifest } from "./manifest.ts";

/**
 * The id of the client for whom beginnings of texts may be kept; `undefined` where nothing of a request may be kept, or read for it:
 * by its cache directives, by the manifest, or because clients that nobody can tell apart would share them where that is not allowed.
 */
export async function keepingClient(
  { cache }: Pick<Manifest, "cache">,
  call: Pick<Call, "cache" | "principal">,
): Promise<string | undefined> {
  const { noStore, noCache } = call.cache;
  if (!cache.enabled || noStore || noCache) return undefined;
  const id = await call.principal.id();
  return cache.scope === "key" && id === (await ANONYMOUS.id()) ? undefined : id;
}
