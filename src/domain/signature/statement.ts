import * as z from "zod";
import { concatenateBytes } from "../../shared/bytes.ts";
import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";
import { SignatureError } from "./signature-error.ts";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE = "https://model_signing/signature/v1.0";

/** A file that is signed. */
export interface SignedFile {
  /** Relative to the folder of the version, with `/`. */
  readonly path: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const statementSchema = z.object({
  _type: z.literal(STATEMENT_TYPE),
  subject: z
    .array(z.object({ name: z.string().min(1), digest: z.object({ sha256: digest }) }))
    .length(1),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.object({
    serialization: z.object({
      method: z.literal("files"),
      hash_type: z.literal("sha256"),
      allow_symlinks: z.boolean(),
    }),
    resources: z
      .array(z.object({ name: z.string().min(1), digest, algorithm: z.literal("sha256") }))
      .min(1),
  }),
});

/**
 * The statement that signs files.
 * @param subject a name for people
 * @param ignoredPaths what may be in the folder beside them
 */
export async function toStatement(
  subject: string,
  files: readonly SignedFile[],
  ignoredPaths: readonly string[],
): Promise<string> {
  const resources = [...files]
    .sort((a, b) => compareCodePoints(a.path, b.path))
    .map(({ path, sha256: of }) => ({ name: path, algorithm: "sha256", digest: of }));
  return JSON.stringify({
    _type: STATEMENT_TYPE,
    subject: [
      { name: subject, digest: { sha256: await rootDigest(resources.map((each) => each.digest)) } },
    ],
    predicateType: PREDICATE_TYPE,
    predicate: {
      serialization: {
        method: "files",
        hash_type: "sha256",
        allow_symlinks: false,
        ignore_paths: ignoredPaths,
      },
      resources,
    },
  });
}

/**
 * The files that a statement signs.
 * @throws SignatureError
 */
export async function parseStatement(payload: Uint8Array): Promise<readonly SignedFile[]> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload));
  } catch (cause) {
    throw new SignatureError("its statement is not JSON", { cause });
  }
  const parsed = statementSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SignatureError(
      `its statement is not of model signing 1.0 with SHA-256 of whole files: ${issue?.path.join(".")}: ${issue?.message}`,
    );
  }
  const { subject, predicate } = parsed.data;
  const files = predicate.resources.map((each) => ({ path: each.name, sha256: each.digest }));
  if (new Set(files.map(({ path }) => path)).size < files.length)
    throw new SignatureError("its statement has a file twice");
  if (subject[0]?.digest.sha256 !== (await rootDigest(files.map((file) => file.sha256))))
    throw new SignatureError("the digest of its statement is not that of its files");
  return files;
}

/** SHA-256 of the digests, in their order. */
async function rootDigest(digests: readonly string[]): Promise<string> {
  const bytes = digests.map((text) =>
    Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)),
  );
  return toHex(await sha256(concatenateBytes(bytes)));
}

/** JavaScript compares UTF-16 code units, which sorts characters beyond 0xffff before some others. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at === -1) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}
