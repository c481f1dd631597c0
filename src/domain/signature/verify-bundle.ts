import { type Bundle, parseBundle, preAuthenticationEncoding } from "./bundle.ts";
import { fromDer } from "./ecdsa-der.ts";
import {
  importPublicKey,
  KEY_FORMS,
  keyHint,
  type PublicKey,
  parsePublicKeys,
  type SigningAlgorithm,
} from "./public-key.ts";
import { SignatureError } from "./signature-error.ts";
import { parseStatement, type SignedFile } from "./statement.ts";

/** A public key that is ready for use. */
export interface VerifyingKey {
  readonly algorithm: SigningAlgorithm;
  readonly hint: string;
  readonly key: CryptoKey;
}

export async function toVerifyingKey(key: PublicKey): Promise<VerifyingKey> {
  return {
    algorithm: key.algorithm,
    hint: await keyHint(key),
    key: await importPublicKey(key),
  };
}

/**
 * Verifies the signature of a bundle by one of these keys.
 * @param value the bundle's JSON
 * @returns the files that are signed
 * @throws SignatureError
 */
export async function verifyBundle(
  value: unknown,
  keys: readonly VerifyingKey[],
): Promise<readonly SignedFile[]> {
  const bundle = parseBundle(value);
  const key = await chooseKey(bundle, keys);
  if (!(await isSignedBy(bundle, key)))
    throw new SignatureError(`what it signs was changed, or it is not of the key ${key.hint}`);
  return parseStatement(bundle.payload);
}

async function chooseKey(bundle: Bundle, keys: readonly VerifyingKey[]): Promise<VerifyingKey> {
  const hint = bundle.hint ?? (bundle.pem && (await hintOf(bundle.pem)));
  const [only] = keys;
  // The specification requires a hint or the key; a bundle with neither can only be tried.
  if (!hint && only && keys.length === 1) return only;
  const found = keys.find((key) => key.hint === hint);
  if (found) return found;
  const known = keys.map((key) => key.hint).join(", ");
  throw new SignatureError(
    hint ? `it is of the key ${hint}, and those that count are ${known}` : "it names no key",
  );
}

async function hintOf(pem: string): Promise<string> {
  try {
    const [key] = parsePublicKeys(pem);
    if (key) return await keyHint(key);
  } catch {
    // Below.
  }
  throw new SignatureError("the public key of its bundle is not PEM");
}

async function isSignedBy(
  { payload, signature }: Bundle,
  { algorithm, key }: VerifyingKey,
): Promise<boolean> {
  const { signAs, orderBytes } = KEY_FORMS[algorithm];
  const raw = orderBytes === undefined ? signature : fromDer(signature, orderBytes);
  return crypto.subtle.verify(signAs, key, raw, preAuthenticationEncoding(payload));
}
