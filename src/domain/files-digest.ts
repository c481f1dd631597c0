import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";
import type { Manifest } from "./manifest.ts";

/**
 * What identifies the files of a version as they were sent: SHA-256, in hexadecimal, of the sorted digests of its files, one a line. A model that
 * publishing changed counts as it was sent, so that the same file has the same digest in every release of the service. A deleted version may be
 * published again with the same files; with others only by force.
 */
export async function filesDigest(
  manifest: Pick<Manifest, "file" | "files" | "original">,
): Promise<string> {
  const { file, files, original } = manifest;
  const digests = files.map(({ path, sha256: digest }) =>
    path === file && original ? original.sha256 : digest,
  );
  return toHex(await sha256(digests.sort().join("\n")));
}
