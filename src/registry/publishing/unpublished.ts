import type { Manifest } from "../../domain/manifest.ts";
import type { PublishedModel } from "../../domain/published-model.ts";

/** A version as hosts see it before it is published. */
export function toUnpublished(manifest: Manifest): PublishedModel {
  const { name, version } = manifest;
  return { name, version, manifest, revision: "", versions: [version] };
}
