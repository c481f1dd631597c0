import type { Admission } from "../domain/admission.ts";
import { type Call, neverAborted } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import { memberFile, memberNames } from "../domain/member-models.ts";
import type { ModelHost } from "../domain/model-host.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { ModelFiles, ModelState } from "../domain/ports.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import { LruMap } from "../shared/lru-map.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { openModelFile } from "./model-files.ts";

/** The state of a version; `absent` with the error that kept it from being loaded now. */
export type Readiness =
  | Exclude<ModelState, { state: "failed" | "absent" }>
  | { readonly state: "failed" | "absent"; readonly error: unknown };

/**
 * Whether a version can answer. One that this isolate has never loaded is loaded for it, admitted and queued as a
 * prediction is, and waited for up to two seconds. One that was loaded before and evicted since is not loaded again: that
 * would evict others for each probe. It is ready as long as its file is in storage.
 */
export type CheckReadiness = (
  model: PublishedModel,
  call: Pick<Call, "waitUntil">,
) => Promise<Readiness>;

export interface ModelReadiness {
  readonly check: CheckReadiness;
  /** Loads the version unless it is loaded, as {@link check} loads one. */
  readonly load: CheckReadiness;
}

const MAX_WAIT_MS = 2000;
/** Bounds the versions that are remembered as loaded. */
const MAX_LOADED = 1000;

export function createModelReadiness(
  host: Pick<ModelHost, "state" | "load">,
  store: ModelFiles,
  admission: Admission,
): ModelReadiness {
  /** Versions, by revision, that this isolate has loaded. */
  const loaded = new LruMap<string, true>(MAX_LOADED);

  const load: CheckReadiness = async (model, { waitUntil }) => {
    const { state } = await host.state(model);
    if (state === "ready") return { state };
    let permit: ReturnType<Admission["admit"]> | undefined;
    try {
      // A load in progress is joined without a permit: it has one.
      permit =
        state === "loading"
          ? undefined
          : admission.admit({ deadline: admission.begin(), model: model.name });
    } catch (error) {
      return { state: "absent", error };
    }
    const loading = (async () => {
      try {
        await permit?.acquire({ signal: neverAborted() });
        await host.load(model, waitUntil);
        loaded.set(keyOf(model), true);
      } finally {
        permit?.release(undefined);
      }
    })();
    waitUntil(loading.catch(() => undefined));
    try {
      return { state: (await settlesWithin(loading, MAX_WAIT_MS)) ? "ready" : "loading" };
    } catch (error) {
      return { state: "failed", error };
    }
  };

  return {
    load,
    async check(model, call) {
      const { state } = await host.state(model);
      if (state === "ready") loaded.set(keyOf(model), true);
      if (state !== "absent" || !loaded.get(keyOf(model))) return load(model, call);
      try {
        await checkFiles(store, model);
        return { state: "ready" };
      } catch (error) {
        return { state: "failed", error };
      }
    },
  };
}

function keyOf({ name, version, revision }: PublishedModel): string {
  return `${name}/${version}/${revision}`;
}

/** @throws ApiError `model_missing`, `model_corrupt`, `storage_failed` */
async function checkFiles(store: ModelFiles, model: PublishedModel): Promise<void> {
  const { manifest, name, version } = model;
  for (const member of memberNames(manifest)) {
    const { path, sizeBytes: expected } = memberFile(manifest, member);
    const { body, sizeBytes } = await openModelFile(store, model, path);
    await body.cancel();
    if (sizeBytes !== expected)
      throw new ApiError(
        "model_corrupt",
        `${path} of ${formatModelId(model)} in object storage is not the published one: it is ${sizeBytes} bytes long instead of ${expected}.`,
        { details: { model: name, version, file: path } },
      );
  }
}
