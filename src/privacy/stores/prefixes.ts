import type { ModelHost } from "../../domain/model-host.ts";
import type { PersonalDataStore } from "../personal-data-store.ts";

/** After its last use, a prefix is kept so long. */
const KEPT_MS = 600_000;

/**
 * Prefixes of prompts in the memory of models. An erasure ends all of them: they only save time, and are made again by the next
 * requests.
 */
export function createPrefixesData(
  host: Pick<ModelHost, "dropKept">,
  now: () => number = Date.now,
): PersonalDataStore {
  return {
    name: "prefixes",

    async erase() {
      const { dropped, unreached } = await host.dropKept();
      if (unreached === 0) return { erased: dropped };
      const until = new Date(now() + KEPT_MS).toISOString();
      const what = `prefixes of prompts in ${unreached} isolates of models that did not reply, unless they are used again`;
      return { erased: dropped, remains: [{ what, until }] };
    },

    // Token ids, keys and values, which mean nothing to a person.
    export: async () => ({ items: [] }),
  };
}
