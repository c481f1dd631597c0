import { ApiError } from "../domain/errors.ts";
import type { ModelStore } from "../domain/ports.ts";
import { settlesWithin } from "../shared/settles-within.ts";

/** Why the server is not ready; `undefined` when it is. */
export type CheckServer = () => Promise<string | undefined>;

export interface ServerReadinessOptions {
  /** The key of an object that must exist in the bucket of models, such as a seed writes when it is complete. */
  readonly requiredObject: string | undefined;
  readonly now?: () => number;
}

/** How long the server is ready without another storage call. */
const TTL_MS = 2000;
const MAX_WAIT_MS = 2000;
/** Any key: without a required object, an answer from storage is enough. */
const PROBED_OBJECT = "ready";

/** The server is ready while storage answers and has the required object. */
export function createServerReadiness(
  store: Pick<ModelStore, "hasObject">,
  { requiredObject, now = Date.now }: ServerReadinessOptions,
): CheckServer {
  let readyAt = Number.NEGATIVE_INFINITY;

  async function check(): Promise<string | undefined> {
    try {
      let exists = false;
      const answer = store.hasObject(requiredObject ?? PROBED_OBJECT).then((found) => {
        exists = found;
      });
      if (!(await settlesWithin(answer, MAX_WAIT_MS)))
        return `Object storage did not answer within ${MAX_WAIT_MS / 1000} s.`;
      if (requiredObject === undefined || exists) return undefined;
      return `Models are being seeded: the object ${requiredObject} (READY_OBJECT) does not exist yet.`;
    } catch (error) {
      return error instanceof ApiError ? error.message : "Object storage failed.";
    }
  }

  return async () => {
    if (now() - readyAt < TTL_MS) return undefined;
    const reason = await check();
    if (reason === undefined) readyAt = now();
    return reason;
  };
}
