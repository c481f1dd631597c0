import type { Manifest } from "./manifest.ts";

/**
 * The bytes of a manifest in storage, as text: what its signature signs. The fields are in the order of the schema, so the text of a manifest
 * that was parsed from this text is the same.
 * @param manifest as `parseManifest` returns it
 */
export function toManifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The name of the manifest in the folder of its version, which no other file of the version has. */
export const MANIFEST_FILE = "manifest.json";
