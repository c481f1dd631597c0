import { createHash } from "node:crypto";
import type { Manifest } from "../../../src/domain/manifest.ts";

/** `filesDigest` of a model that publishing did not change, at once. */
export function filesDigestOf({ files }: Pick<Manifest, "files">): string {
  const digests = files.map(({ sha256 }) => sha256).sort();
  return createHash("sha256").update(digests.join("\n")).digest("hex");
}
