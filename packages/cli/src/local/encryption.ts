import { parseEncryptionKeys } from "../../../../src/domain/encryption-key.ts";
import { encryptBytes } from "../../../../src/storage/encryption/encrypt-stream.ts";
import { KeyRing } from "../../../../src/storage/encryption/key-ring.ts";
import { reason, UserError } from "./user-error.ts";

/**
 * The keys with which a Worker that has these secrets encrypts its bucket; `undefined` for one that does not.
 * @throws UserError
 */
export function keyRingOf(
  secrets: Readonly<Record<string, string | undefined>>,
): KeyRing | undefined {
  const [key] = parse(secrets, "ENCRYPTION_KEY");
  return key && new KeyRing(key, parse(secrets, "ENCRYPTION_KEYS_OLD"));
}

function parse(
  secrets: Readonly<Record<string, string | undefined>>,
  name: string,
): readonly Uint8Array<ArrayBuffer>[] {
  try {
    return parseEncryptionKeys(secrets[name] ?? "");
  } catch (error) {
    throw new UserError(`${name}: ${reason(error)}`);
  }
}

/** What is stored under a key for these bytes. */
export async function toStored(
  keys: KeyRing | undefined,
  key: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return keys ? encryptBytes(await keys.createCipher(key), bytes) : bytes;
}
