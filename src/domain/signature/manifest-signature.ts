import * as z from "zod";
import { toHex } from "../../shared/hex.ts";
import { quoteAll } from "../../shared/quote.ts";
import { sha256 } from "../../shared/sha256.ts";
import { SignatureError } from "./signature-error.ts";
import type { SignedFile } from "./statement.ts";

const MANIFEST_PATH = "manifest.json";
/** What the folder of a version may have beside the files that are signed, for verifiers that look at all of them. */
export const IGNORED_PATHS: readonly string[] = [
  ".git",
  ".gitattributes",
  ".github",
  ".gitignore",
  "signatures",
];

const filesSchema = z.object({
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

/** The files of a manifest that nobody vouches for yet; none of what is no manifest. */
export function listedFiles(manifest: unknown): readonly SignedFile[] {
  return filesSchema.safeParse(manifest).data?.files ?? [];
}

/** What a signature of a version signs: its manifest, as it is stored, and each of its files. */
export async function signedFilesOf(
  manifestText: string,
  files: readonly SignedFile[],
): Promise<readonly SignedFile[]> {
  const ofManifest = { path: MANIFEST_PATH, sha256: toHex(await sha256(manifestText)) };
  return [...files.map(({ path, sha256: of }) => ({ path, sha256: of })), ofManifest];
}

/**
 * Checks that exactly the files of a version are signed.
 * @throws SignatureError
 */
export function checkSignedFiles(
  expected: readonly SignedFile[],
  signed: readonly SignedFile[],
): void {
  const digests = new Map(signed.map((file) => [file.path, file.sha256]));
  const paths = new Set(expected.map(({ path }) => path));
  const missing = expected.filter(({ path }) => !digests.has(path));
  const changed = expected.filter(
    (file) => digests.has(file.path) && digests.get(file.path) !== file.sha256,
  );
  const unknown = signed.filter(({ path }) => !paths.has(path));
  const list = (files: readonly SignedFile[]): string => quoteAll(files.map(({ path }) => path));
  if (changed.length > 0) throw new SignatureError(`it signs other contents of ${list(changed)}`);
  if (missing.length > 0) throw new SignatureError(`it does not sign ${list(missing)}`);
  if (unknown.length > 0)
    throw new SignatureError(`it signs ${list(unknown)}, which the version does not have`);
}
