import type { ErasureReceipt } from "../domain/erasure-receipt.ts";
import type { ReceiptKey } from "../domain/privacy.ts";
import { encodeBase64Url } from "../shared/base64.ts";
import { concatenateBytes } from "../shared/bytes.ts";
import { latestFulfilled } from "../shared/latest.ts";
import { sha256 } from "../shared/sha256.ts";
import { derivePrivacyKey } from "./privacy-keys.ts";

export interface ReceiptSigner {
  key(): Promise<ReceiptKey>;
  /** @returns a JSON Web Signature in the compact form (RFC 7515), whose payload is the JSON of the receipt */
  sign(receipt: ErasureReceipt): Promise<string>;
}

const ENCODER = new TextEncoder();
/** A private key of Ed25519 in PKCS #8 (RFC 8410), without its last 32 bytes: the seed. */
const PKCS8_PREFIX = Uint8Array.of(
  ...[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ],
);
const TYPE = "erasure-receipt+jws";

/** Signs receipts with Ed25519, by a key that is derived from the secret PRIVACY_KEY. */
export function createReceiptSigner(secret: Uint8Array<ArrayBuffer>): ReceiptSigner {
  const keys = latestFulfilled(() => deriveKeys(secret));
  return {
    key: async () => (await keys()).publicKey,
    async sign(receipt) {
      const { privateKey, publicKey } = await keys();
      const header = { alg: publicKey.alg, kid: publicKey.kid, typ: TYPE };
      const parts = [header, receipt].map((part) =>
        encodeBase64Url(ENCODER.encode(JSON.stringify(part))),
      );
      const signed = parts.join(".");
      const signature = await crypto.subtle.sign("Ed25519", privateKey, ENCODER.encode(signed));
      return `${signed}.${encodeBase64Url(new Uint8Array(signature))}`;
    },
  };
}

async function deriveKeys(secret: Uint8Array<ArrayBuffer>) {
  const seed = await derivePrivacyKey(secret, "receipts");
  const pkcs8 = concatenateBytes([PKCS8_PREFIX, seed]);
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x = "" } = (await crypto.subtle.exportKey("jwk", privateKey)) as JsonWebKey;
  const publicKey: ReceiptKey = {
    kty: "OKP",
    crv: "Ed25519",
    x,
    kid: await thumbprint(x),
    alg: "EdDSA",
    use: "sig",
  };
  return { privateKey, publicKey };
}

/** RFC 7638, section 3: of the required members in the order of their names. */
async function thumbprint(x: string): Promise<string> {
  return encodeBase64Url(await sha256(JSON.stringify({ crv: "Ed25519", kty: "OKP", x })));
}
