import { decodeBase64, encodeBase64 } from "../../shared/base64.ts";
import { concatenateBytes } from "../../shared/bytes.ts";
import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";

export const SIGNING_ALGORITHMS = ["ed25519", "p256", "p384", "p521"] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

interface KeyForm {
  /** How the DER of a public key (SubjectPublicKeyInfo, RFC 5280) begins, in hexadecimal. */
  readonly prefix: string;
  /** Of the point after it. */
  readonly pointBytes: number;
  readonly importAs: { readonly name: string; readonly namedCurve?: string };
  readonly signAs: { readonly name: string; readonly hash?: string };
  /** Bytes of the order of the curve, of keys whose signatures are DER. */
  readonly orderBytes?: number;
}

/** Ed25519 (RFC 8410), and the curves of the OpenSSF model signing specification, each with its hash. */
export const KEY_FORMS: Readonly<Record<SigningAlgorithm, KeyForm>> = {
  ed25519: {
    prefix: "302a300506032b6570032100",
    pointBytes: 32,
    importAs: { name: "Ed25519" },
    signAs: { name: "Ed25519" },
  },
  p256: {
    prefix: "3059301306072a8648ce3d020106082a8648ce3d030107034200",
    pointBytes: 65,
    importAs: { name: "ECDSA", namedCurve: "P-256" },
    signAs: { name: "ECDSA", hash: "SHA-256" },
    orderBytes: 32,
  },
  p384: {
    prefix: "3076301006072a8648ce3d020106052b81040022036200",
    pointBytes: 97,
    importAs: { name: "ECDSA", namedCurve: "P-384" },
    signAs: { name: "ECDSA", hash: "SHA-384" },
    orderBytes: 48,
  },
  p521: {
    prefix: "30819b301006072a8648ce3d020106052b8104002303818600",
    pointBytes: 133,
    importAs: { name: "ECDSA", namedCurve: "P-521" },
    signAs: { name: "ECDSA", hash: "SHA-512" },
    orderBytes: 66,
  },
};

export interface PublicKey {
  readonly algorithm: SigningAlgorithm;
  /** SubjectPublicKeyInfo, in DER. */
  readonly spki: Uint8Array<ArrayBuffer>;
}

const PEM = /-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----/g;
const PEM_LINE_LENGTH = 64;

/**
 * Parses public keys: PEM texts, or the base64 of the same DER or of the 32 bytes of an Ed25519 key, separated by commas or white space.
 * @throws Error
 */
export function parsePublicKeys(text: string): readonly PublicKey[] {
  // Where a value has one line, PEM has escaped line breaks.
  const lines = text.replaceAll("\\n", "\n");
  const keys = [...lines.matchAll(PEM)].map(([, base64 = ""]) => parseKey(base64));
  const rest = lines.replace(PEM, " ").split(/[\s,]+/);
  return [...keys, ...rest.filter((part) => part !== "").map(parseKey)];
}

function parseKey(base64: string): PublicKey {
  const bytes = decodeBase64(base64);
  if (bytes) {
    const ed25519 = concatenateBytes([fromHex(KEY_FORMS.ed25519.prefix), bytes]);
    const spki = bytes.byteLength === KEY_FORMS.ed25519.pointBytes ? ed25519 : bytes;
    const algorithm = SIGNING_ALGORITHMS.find((name) => isOf(KEY_FORMS[name], spki));
    if (algorithm) return { algorithm, spki };
  }
  throw new Error(
    `a public key is PEM ("-----BEGIN PUBLIC KEY-----") or its base64, of Ed25519, P-256, P-384 or P-521; make a pair with "npx onnxflare keys generate signing"`,
  );
}

function isOf({ prefix, pointBytes }: KeyForm, spki: Uint8Array): boolean {
  return spki.byteLength === prefix.length / 2 + pointBytes && toHex(spki).startsWith(prefix);
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

export function toPem({ spki }: PublicKey): string {
  const lines = encodeBase64(spki).match(new RegExp(`.{1,${PEM_LINE_LENGTH}}`, "g")) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;
}

/** The id of a key in bundles: the SHA-256 of its PEM, as Python's `model_signing` makes it. */
export async function keyHint(key: PublicKey): Promise<string> {
  return toHex(await sha256(toPem(key)));
}

/** @throws DOMException for a point that is not on the curve */
export function importPublicKey({ algorithm, spki }: PublicKey): Promise<CryptoKey> {
  return crypto.subtle.importKey("spki", spki, KEY_FORMS[algorithm].importAs, false, ["verify"]);
}
