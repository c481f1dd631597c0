import { ApiError } from "../../domain/errors.ts";
import {
  type Background,
  type BackgroundStore,
  backgroundDigest,
  type KnownBackground,
  MAX_BACKGROUND_BYTES,
} from "../../domain/explanation/background.ts";
import { modelDigest } from "../../domain/manifest.ts";
import { formatModelId, type ModelId } from "../../domain/model-id.ts";
import type { Catalog } from "../catalog.ts";
import { removeIfDeleted } from "../remove-if-deleted.ts";
import { isBackgroundOf, toKnownBackground } from "./known-backgrounds.ts";

const ENCODER = new TextEncoder();

/** The background rows of versions. */
export interface BackgroundAdministration {
  /** @throws ApiError `background_not_found`, what {@link Catalog.resolve} throws */
  get(id: ModelId): Promise<KnownBackground>;
  /**
   * Keeps rows in place of those before: explanations use them from the next listing of the model on.
   * @param background whose rows the version's task takes
   * @returns it with its digest, and with that of the one before, if there was one
   * @throws ApiError `invalid_request` for one of another version or model file, or one that is too large; `version_not_found`, also for a version
   *   that is deleted meanwhile
   */
  put(id: ModelId, background: Background): Promise<KnownBackground & { readonly before?: string }>;
  /** @throws ApiError as {@link get} */
  delete(id: ModelId): Promise<{ readonly before: string | undefined }>;
}

export function createBackgroundAdministration(
  store: BackgroundStore,
  catalog: Pick<Catalog, "resolve" | "find" | "forget">,
): BackgroundAdministration {
  /** With what is stored, valid or not. */
  async function read(id: ModelId) {
    const { manifest } = await catalog.resolve(id.name, id.version);
    const stored = await store.read(id);
    const known = stored && (await toKnownBackground(manifest, stored.value));
    return { manifest, stored, known };
  }

  return {
    async get(id) {
      const { known, stored } = await read(id);
      if (!known) throw notFound(id, stored !== undefined);
      return known;
    },

    async put(id, background) {
      const { manifest, known: before } = await read(id);
      if (!isBackgroundOf(manifest, background))
        throw new ApiError(
          "invalid_request",
          `The background rows are those of ${formatModelId({ name: background.model, version: background.version })} with the model file ${background.modelSha256}; the model file of ${formatModelId(id)} is ${modelDigest(manifest)}.`,
          { details: { field: "modelSha256" } },
        );
      checkSize(background);
      await store.write(id, background);
      catalog.forget(id.name);
      await removeIfDeleted(store, catalog, id);
      return {
        background,
        digest: await backgroundDigest(background),
        ...(before && { before: before.digest }),
      };
    },

    async delete(id) {
      const { known, stored } = await read(id);
      if (!stored) throw notFound(id, false);
      await store.delete(id);
      catalog.forget(id.name);
      return { before: known?.digest };
    },
  };
}

function notFound(id: ModelId, isInvalid: boolean): ApiError {
  const reason = isInvalid
    ? "has background rows that are not valid, or of another model file"
    : "has no background rows";
  return new ApiError(
    "background_not_found",
    `${formatModelId(id)} ${reason}: send about 100 typical inputs by PUT.`,
    { details: { model: id.name, version: id.version } },
  );
}

function checkSize(background: Background): void {
  const sizeBytes = ENCODER.encode(JSON.stringify(background)).byteLength;
  if (sizeBytes <= MAX_BACKGROUND_BYTES) return;
  throw new ApiError(
    "invalid_request",
    `The background rows have ${sizeBytes} bytes as JSON, and at most ${MAX_BACKGROUND_BYTES} are kept: send fewer of them.`,
    { details: { field: "inputs", limit: MAX_BACKGROUND_BYTES, actual: sizeBytes } },
  );
}
