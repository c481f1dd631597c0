import { ApiError } from "../../domain/errors.ts";
import { modelDigest } from "../../domain/manifest.ts";
import { formatModelId, type ModelId } from "../../domain/model-id.ts";
import type { ProfileStore } from "../../domain/monitoring/profile-store.ts";
import {
  type KnownProfile,
  MAX_PROFILE_BYTES,
  profileDigest,
  type ReferenceProfile,
} from "../../domain/monitoring/reference-profile.ts";
import type { Catalog } from "../catalog.ts";
import { removeIfDeleted } from "../remove-if-deleted.ts";
import { isProfileOf, toKnownProfile } from "./known-profiles.ts";

const ENCODER = new TextEncoder();

/** The reference profiles of versions. */
export interface ProfileAdministration {
  /** @throws ApiError `profile_not_found`, what {@link Catalog.resolve} throws */
  get(id: ModelId): Promise<KnownProfile>;
  /**
   * Stores a profile in place of the one before, which requests are compared with from the next listing of the model on.
   * @returns it with its digest, and with that of the one before, if there was one
   * @throws ApiError `invalid_request` for one of another version or model file, or one that is too large; `version_not_found`, also for a version
   *   that is deleted meanwhile
   */
  put(id: ModelId, profile: ReferenceProfile): Promise<KnownProfile & { readonly before?: string }>;
  /** @throws ApiError as {@link get} */
  delete(id: ModelId): Promise<{ readonly before: string | undefined }>;
}

export function createProfileAdministration(
  store: ProfileStore,
  catalog: Pick<Catalog, "resolve" | "find" | "forget">,
): ProfileAdministration {
  /** With what is stored, valid or not. */
  async function read(id: ModelId) {
    const { manifest } = await catalog.resolve(id.name, id.version);
    const stored = await store.read(id);
    const known = stored && (await toKnownProfile(manifest, stored.value));
    return { manifest, stored, known };
  }

  return {
    async get(id) {
      const { known, stored } = await read(id);
      if (!known) throw notFound(id, stored !== undefined);
      return known;
    },

    async put(id, profile) {
      const { manifest, known: before } = await read(id);
      if (!isProfileOf(manifest, profile))
        throw new ApiError(
          "invalid_request",
          `The profile is one of ${formatModelId({ name: profile.model, version: profile.version })} with the model file ${profile.modelSha256}; the model file of ${formatModelId(id)} is ${modelDigest(manifest)}.`,
          { details: { field: "modelSha256" } },
        );
      checkSize(profile);
      await store.write(id, profile);
      catalog.forget(id.name);
      await removeIfDeleted(store, catalog, id);
      return {
        profile,
        digest: await profileDigest(profile),
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
    ? "has a reference profile that is not valid, or of another model file"
    : "has no reference profile";
  return new ApiError("profile_not_found", `${formatModelId(id)} ${reason}: send example data.`, {
    details: { model: id.name, version: id.version },
  });
}

function checkSize(profile: ReferenceProfile): void {
  const sizeBytes = ENCODER.encode(JSON.stringify(profile)).byteLength;
  if (sizeBytes <= MAX_PROFILE_BYTES) return;
  throw new ApiError(
    "invalid_request",
    `The profile has ${sizeBytes} bytes, and at most ${MAX_PROFILE_BYTES} are accepted: use fewer bins or shorter names of categories.`,
  );
}
