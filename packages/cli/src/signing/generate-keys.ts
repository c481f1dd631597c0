import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import {
  keyHint,
  parsePublicKeys,
  type SigningAlgorithm,
} from "../../../../src/domain/signature/public-key.ts";
import { explain, usageError } from "../cli-error.ts";

const CURVES: Readonly<Record<Exclude<SigningAlgorithm, "ed25519">, string>> = {
  p256: "P-256",
  p384: "P-384",
  p521: "P-521",
};
const ENCRYPTION_KEY_BYTES = 32;
const ADMIN_KEY_BYTES = 24;

/** A pair of keys, as PEM: PKCS #8 and SubjectPublicKeyInfo. */
export interface SigningKeyPair {
  readonly privatePem: string;
  readonly publicPem: string;
  /** The id of the key in signatures. */
  readonly hint: string;
}

/** A pair of keys for signing versions. */
export async function generateSigningKeys(
  algorithm: SigningAlgorithm = "ed25519",
): Promise<SigningKeyPair> {
  const { privateKey, publicKey } = createPair(algorithm);
  const privatePem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const publicPem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const [parsed] = parsePublicKeys(publicPem);
  if (!parsed) throw new Error("the generated key has no public part");
  return { privatePem, publicPem, hint: await keyHint(parsed) };
}

function createPair(algorithm: SigningAlgorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  if (algorithm === "ed25519") return generateKeyPairSync("ed25519");
  return generateKeyPairSync("ec", { namedCurve: CURVES[algorithm] });
}

export interface KeyFiles {
  readonly privateKeyFile: string;
  readonly publicKeyFile: string;
}

/**
 * Writes a pair of keys: the private one, which only the user may read, to the path, and the public one to the path with `.pub`.
 * @throws CliError when a file is there already, unless `force` is set
 */
export function writeSigningKeys(path: string, keys: SigningKeyPair, force = false): KeyFiles {
  const publicKeyFile = `${path}.pub`;
  write(path, keys.privatePem, 0o600, force);
  write(publicKeyFile, keys.publicPem, 0o644, force);
  return { privateKeyFile: path, publicKeyFile };
}

/** Writes a secret into a file that only the user may read. */
export function writeSecret(path: string, secret: string, force = false): void {
  write(path, `${secret}\n`, 0o600, force);
}

function write(path: string, text: string, mode: number, force: boolean): void {
  try {
    writeFileSync(path, text, { mode, flag: force ? "w" : "wx" });
    // The mode counts only for a new file.
    chmodSync(path, mode);
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
    if (exists)
      throw usageError(`${path} exists`, "Name another file, or pass --force to replace it.");
    throw usageError(`${path} cannot be written: ${explain(error)}`);
  }
}

/** A value of the secret `ENCRYPTION_KEY`. */
export function generateEncryptionKey(): string {
  return randomBytes(ENCRYPTION_KEY_BYTES).toString("base64");
}

/** A value of the secret `ADMIN_KEY`. By its beginning the service knows it for a secret wherever a client puts it. */
export function generateAdminKey(): string {
  return `of_admin_${randomBytes(ADMIN_KEY_BYTES).toString("base64url")}`;
}
