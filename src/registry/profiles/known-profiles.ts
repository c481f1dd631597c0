import { type Manifest, modelDigest } from "../../domain/manifest.ts";
import type { ProfileStore } from "../../domain/monitoring/profile-store.ts";
import {
  type KnownProfile,
  profileDigest,
  referenceProfileSchema,
} from "../../domain/monitoring/reference-profile.ts";
import { LruMap } from "../../shared/lru-map.ts";
import type { ReadProfile } from "../catalog.ts";

/** Bounds the memory of profiles, which have a few kilobytes each. */
const MAX_PROFILES = 200;

/**
 * Reads profiles for those who count requests by them, and keeps them as long as their entity tags do not change. Without a profile requests are
 * answered all the same: one that is not valid, or that storage fails to return, is none.
 */
export function createKnownProfiles(store: Pick<ProfileStore, "read">): ReadProfile {
  const profiles = new LruMap<string, KnownProfile | "none">(MAX_PROFILES);
  return async (manifest, etag) => {
    const key = `${manifest.name}/${manifest.version}/${etag}`;
    const known = profiles.get(key);
    if (known) return known === "none" ? undefined : known;
    try {
      const stored = await store.read(manifest);
      const read = stored && (await toKnownProfile(manifest, stored.value));
      // One that was written since is read under its own tag, with the next listing.
      if (stored?.etag === etag) profiles.set(key, read ?? "none");
      return read;
    } catch {
      return undefined;
    }
  };
}

/** @returns `undefined` for what is no profile of the version */
export async function toKnownProfile(
  manifest: Manifest,
  value: unknown,
): Promise<KnownProfile | undefined> {
  const { success, data: profile } = referenceProfileSchema.safeParse(value);
  if (!success || !isProfileOf(manifest, profile)) return undefined;
  return { profile, digest: await profileDigest(profile) };
}

/** Whether it was made with the model that the version has now: versions may be deleted and published again. */
export function isProfileOf(
  manifest: Manifest,
  {
    model,
    version,
    modelSha256,
  }: Pick<KnownProfile["profile"], "model" | "version" | "modelSha256">,
): boolean {
  return (
    model === manifest.name && version === manifest.version && modelSha256 === modelDigest(manifest)
  );
}
