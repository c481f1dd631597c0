import { ApiError, type ErrorCode } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import { parseBundle } from "../domain/signature/bundle.ts";
import type { CheckManifest } from "../domain/signature/check-manifest.ts";
import {
  checkSignedFiles,
  listedFiles,
  signedFilesOf,
} from "../domain/signature/manifest-signature.ts";
import type { PublicKey } from "../domain/signature/public-key.ts";
import { SignatureError } from "../domain/signature/signature-error.ts";
import type { SignedFile } from "../domain/signature/statement.ts";
import {
  toVerifyingKey,
  type VerifyingKey,
  verifyBundle,
} from "../domain/signature/verify-bundle.ts";

/** A version that is to be published. */
export interface UnpublishedVersion {
  readonly id: ModelId;
  /** Exactly as it will be stored. */
  readonly manifestText: string;
  readonly files: readonly SignedFile[];
}

/** The signatures of versions. With public keys, a version is published and used only if one of them has signed it. */
export interface Signatures {
  /** @throws ApiError `invalid_signature` when there are keys: for what is published without a signature */
  refuseUnsigned(id: ModelId): Promise<void>;
  /**
   * @param signature the JSON of a bundle
   * @throws ApiError `invalid_signature`, also for a version that has none although there are keys
   */
  assertPublishable(version: UnpublishedVersion, signature: unknown): Promise<void>;
  /** `undefined` without keys: then no signature is read. */
  readonly checkManifest: CheckManifest | undefined;
}

/** @param keys of those who may sign */
export function createSignatures(keys: readonly PublicKey[]): Signatures {
  const verifyingKeys = Promise.all(keys.map(toVerifyingKey));
  // Whoever uses them sees it.
  verifyingKeys.catch(() => undefined);
  const isRequired = keys.length > 0;

  const checkManifest: CheckManifest = async ({ id, text, value }, readSignature) => {
    const signature = await readSignature();
    if (signature === undefined) throw unsigned("signature_invalid", id, await verifyingKeys);
    try {
      await verify(text, listedFiles(value), signature, await verifyingKeys);
    } catch (error) {
      throw refused("signature_invalid", id, error, "Publish the version again, signed");
    }
  };

  const refuseUnsigned: Signatures["refuseUnsigned"] = async (id) => {
    if (isRequired) throw unsigned("invalid_signature", id, await verifyingKeys);
  };

  return {
    refuseUnsigned,
    async assertPublishable({ id, manifestText, files }, signature) {
      if (signature === undefined) return refuseUnsigned(id);
      try {
        await verify(manifestText, files, signature, await verifyingKeys);
      } catch (error) {
        throw refused("invalid_signature", id, error, "Sign the manifest of a dry run, unchanged");
      }
    },
    checkManifest: isRequired ? checkManifest : undefined,
  };
}

/** @throws SignatureError */
async function verify(
  manifestText: string,
  files: readonly SignedFile[],
  signature: unknown,
  keys: readonly VerifyingKey[],
): Promise<void> {
  if (keys.length === 0) {
    // Kept for those who have a key.
    parseBundle(signature);
    return;
  }
  checkSignedFiles(await signedFilesOf(manifestText, files), await verifyBundle(signature, keys));
}

function unsigned(code: ErrorCode, id: ModelId, keys: readonly VerifyingKey[]): ApiError {
  const hints = keys.map(({ hint }) => hint).join(" or ");
  return new ApiError(
    code,
    `${capitalize(formatModelId(id))} is not signed, and with SIGNING_PUBLIC_KEYS only versions are used that the key ${hints} has signed. Publish it with "onnxflare push --sign KEY".`,
    { details: { model: id.name, version: id.version } },
  );
}

/** Other failures, such as those of storage, are passed on. */
function refused(code: ErrorCode, id: ModelId, error: unknown, remedy: string): unknown {
  if (!(error instanceof SignatureError)) return error;
  return new ApiError(
    code,
    `The signature of ${formatModelId(id)} is not valid: ${error.message}. ${remedy}: "onnxflare push --sign KEY" does.`,
    { cause: error, details: { model: id.name, version: id.version } },
  );
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
