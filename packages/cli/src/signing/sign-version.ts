import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  BUNDLE_MEDIA_TYPE,
  PAYLOAD_TYPE,
  preAuthenticationEncoding,
} from "../../../../src/domain/signature/bundle.ts";
import {
  IGNORED_PATHS,
  listedFiles,
  signedFilesOf,
} from "../../../../src/domain/signature/manifest-signature.ts";
import {
  KEY_FORMS,
  keyHint,
  type PublicKey,
  parsePublicKeys,
} from "../../../../src/domain/signature/public-key.ts";
import { type SignedFile, toStatement } from "../../../../src/domain/signature/statement.ts";
import { explain, usageError } from "../cli-error.ts";

/** A private key for signing versions. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicKey;
  readonly hint: string;
}

/**
 * Reads a private key, as PEM.
 * @param passphrase of an encrypted one
 * @throws CliError
 */
export async function readSigningKey(path: string, passphrase?: string): Promise<SigningKey> {
  try {
    const key = readFileSync(path);
    const privateKey = createPrivateKey(passphrase === undefined ? { key } : { key, passphrase });
    const publicPem = createPublicKey(privateKey).export({ type: "spki", format: "pem" });
    const [publicKey] = parsePublicKeys(publicPem.toString());
    if (!publicKey) throw new Error("it has no public part");
    return { privateKey, publicKey, hint: await keyHint(publicKey) };
  } catch (error) {
    throw usageError(
      `${path} cannot be used as a private key: ${explain(error)}`,
      'A key is PEM of Ed25519, P-256, P-384 or P-521; make one with "onnxflare keys generate signing".',
    );
  }
}

/**
 * The signature of a version: the JSON of a bundle of OpenSSF model signing.
 * @param manifestText of a manifest that will not change any more, such as that of a dry run of its publication; exactly as it will be stored
 */
export async function signVersion(manifestText: string, key: SigningKey): Promise<object> {
  const manifest: { name: string } = JSON.parse(manifestText);
  const files = await signedFilesOf(manifestText, listedFiles(manifest));
  return signFiles(manifest.name, files, IGNORED_PATHS, key);
}

/** The bundle that signs files of a folder. */
export async function signFiles(
  subject: string,
  files: readonly SignedFile[],
  ignoredPaths: readonly string[],
  { privateKey, publicKey, hint }: SigningKey,
): Promise<object> {
  const statement = await toStatement(subject, files, ignoredPaths);
  const payload = new TextEncoder().encode(statement);
  const { hash } = KEY_FORMS[publicKey.algorithm].signAs;
  const signature = sign(hash ?? null, preAuthenticationEncoding(payload), privateKey);
  return {
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint }, tlogEntries: [] },
    dsseEnvelope: {
      payload: Buffer.from(payload).toString("base64"),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: signature.toString("base64"), keyid: "" }],
    },
  };
}
