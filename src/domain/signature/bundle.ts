import * as z from "zod";
import { decodeBase64 } from "../../shared/base64.ts";
import { SignatureError } from "./signature-error.ts";

/**
 * The bundle of the OpenSSF model signing specification 1.0 for keys without certificates: a Sigstore bundle with a DSSE
 * envelope around an in-toto statement.
 */
export const BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";
/** Some thousand files. */
export const MAX_BUNDLE_BYTES = 1_048_576;

const base64 = z.string().min(1);

const bundleSchema = z.object({
  mediaType: z.literal(BUNDLE_MEDIA_TYPE),
  verificationMaterial: z.object({
    publicKey: z
      .object({
        hint: z.string().nullish(),
        // Before version 1.1 of Python's model_signing; PEM in base64.
        rawBytes: base64.nullish(),
      })
      .optional(),
  }),
  dsseEnvelope: z.object({
    payload: base64,
    payloadType: z.literal(PAYLOAD_TYPE),
    signatures: z.array(z.object({ sig: base64, keyid: z.string().nullish() })).length(1),
  }),
});

export interface Bundle {
  /** Of the key. */
  readonly hint: string | undefined;
  /** The PEM of the key, in bundles that have it instead of a hint. */
  readonly pem: string | undefined;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** @throws SignatureError */
export function parseBundle(value: unknown): Bundle {
  const parsed = bundleSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = issue?.path.join(".") || "its value";
    throw new SignatureError(`it is no bundle of model signing: ${at}: ${issue?.message}`);
  }
  const { verificationMaterial, dsseEnvelope } = parsed.data;
  const { publicKey } = verificationMaterial;
  if (!publicKey)
    throw new SignatureError(
      "it was made with a certificate, and only those of keys without certificates are verified",
    );
  const [signature] = dsseEnvelope.signatures;
  const pem = publicKey.rawBytes && decode(publicKey.rawBytes, "the public key");
  return {
    hint: publicKey.hint || undefined,
    pem: pem ? new TextDecoder().decode(pem) : undefined,
    payload: decode(dsseEnvelope.payload, "the payload"),
    signature: decode(signature?.sig ?? "", "the signature"),
  };
}

function decode(text: string, what: string): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(text);
  if (!bytes) throw new SignatureError(`${what} of its bundle is not base64`);
  return bytes;
}

/** What is signed: the pre-authentication encoding of DSSE 1.0. */
export function preAuthenticationEncoding(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(
    `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.byteLength} `,
  );
  const encoded = new Uint8Array(head.byteLength + payload.byteLength);
  encoded.set(head);
  encoded.set(payload, head.byteLength);
  return encoded;
}
