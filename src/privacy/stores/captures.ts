import type { CaptureStore, StoredCapture } from "../../domain/capture.ts";
import { selects } from "../../domain/data-selector.ts";
import { toApiError } from "../../domain/errors.ts";
import type { ErasedPage, PageOptions, PersonalDataStore } from "../personal-data-store.ts";

/** A listing and a deletion. */
const ERASE_OPERATIONS = 2;
/** A request is answered, and what it leaves is stored, within this time; docs/configuration.md has the longest deadline. */
const LATE_MS = 120_000;

/** Requests and answers in object storage. */
export function createCapturesData(captures: CaptureStore): PersonalDataStore {
  async function erase(
    isErased: (capture: StoredCapture) => boolean,
    { cursor, budget }: PageOptions,
  ): Promise<ErasedPage> {
    budget.spend(ERASE_OPERATIONS);
    const page = await captures.list(cursor);
    const keys = page.captures.filter(isErased).map(({ key }) => key);
    if (keys.length > 0) await captures.delete(keys);
    return { erased: keys.length, cursor: page.cursor };
  }

  /** One that cannot be decrypted does not keep the others. */
  async function read({ key }: StoredCapture): Promise<object> {
    try {
      const json = await captures.read(key);
      return json === undefined ? { key, problem: "it was deleted" } : { key, ...JSON.parse(json) };
    } catch (error) {
      const { code, message } = toApiError(error);
      if (code !== "model_corrupt") throw error;
      return { key, problem: message };
    }
  }

  return {
    name: "captures",

    erase: (selector, options) => erase((capture) => selects(selector, capture), options),

    sweep: (erasures, options) =>
      erase(({ principal, subject, request, writtenAt }) => {
        const data = { principals: [principal], subject, request, createdAt: writtenAt };
        return erasures.covers(data, LATE_MS);
      }, options),

    async export(selector, { cursor, budget }) {
      budget.spend(1);
      const page = await captures.list(cursor);
      const items: object[] = [];
      for (const capture of page.captures) {
        if (!selects(selector, capture)) continue;
        items.push(await read(capture));
        budget.spend(1, capture.sizeBytes);
        if (budget.isSpent) return { items, cursor: capture.key };
      }
      return { items, cursor: page.cursor };
    },
  };
}
