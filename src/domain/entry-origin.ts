import type { EntryOrigin } from "./cache.ts";
import type { Call } from "./call.ts";
import { requestHash } from "./request-hash.ts";

/** Says in a cache entry for whose request it was computed. */
export async function entryOrigin({
  id,
  principal,
}: Pick<Call, "id" | "principal">): Promise<EntryOrigin> {
  const [owner, request] = await Promise.all([principal.id(), requestHash(id)]);
  return { principal: owner, request };
}
