import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import type { SigningAlgorithm } from "../../src/domain/signature/public-key.ts";
import type { SignedFile } from "../../src/domain/signature/statement.ts";

/** A version that was signed by Python's model_signing and cryptography: recipes/signature_fixtures.py. */
export interface SignatureFixture {
  readonly manifestText: string;
  readonly files: readonly SignedFile[];
  readonly keys: Readonly<
    Record<
      SigningAlgorithm,
      { readonly privatePem: string; readonly publicPem: string; readonly hint: string }
    >
  >;
  readonly bundles: Readonly<Record<SigningAlgorithm, BundleJson>>;
  /** Statements that are not valid, correctly signed with the Ed25519 key. */
  readonly invalid: Readonly<Record<string, BundleJson>>;
}

/** As far as tests change it. */
export interface BundleJson {
  mediaType: string;
  verificationMaterial: { publicKey?: { hint?: string | null; rawBytes?: string } };
  dsseEnvelope: {
    payload: string;
    payloadType: string;
    signatures: { sig: string; keyid?: string | null }[];
  };
}

export function readSignatureFixture(): SignatureFixture {
  const file = projectPath("test", "fixtures", "integrity", "signatures.json");
  return JSON.parse(readFileSync(file, "utf8"));
}
