import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";
import { generateApiKey, generateKeyId } from "./api-key.ts";
import type { Grantor } from "./grantor.ts";
import type { KeyAuthority } from "./key-authority.ts";
import type { ChangedKey, KeyFields, StoredKey } from "./stored-key.ts";

/** A key with its secret, which is nowhere else: the authority has only its digest. */
export interface IssuedKey {
  readonly key: string;
  readonly stored: StoredKey;
}

/** @throws what {@link KeyAuthority.createKey} throws */
export async function issueKey(
  authority: KeyAuthority,
  fields: KeyFields,
  by: Grantor,
): Promise<IssuedKey> {
  const id = generateKeyId();
  const key = generateApiKey(id);
  return { key, stored: await authority.createKey({ id, sha256: await digest(key) }, fields, by) };
}

/** A key with its new secret. */
export interface ReissuedKey extends ChangedKey {
  readonly key: string;
}

/** @throws what {@link KeyAuthority.rotateKey} throws */
export async function reissueKey(
  authority: KeyAuthority,
  id: string,
  overlapSeconds: number,
  by: Grantor,
): Promise<ReissuedKey> {
  const key = generateApiKey(id);
  const identity = { id, sha256: await digest(key) };
  return { key, ...(await authority.rotateKey(identity, overlapSeconds, by)) };
}

async function digest(key: string): Promise<string> {
  return toHex(await sha256(key));
}
