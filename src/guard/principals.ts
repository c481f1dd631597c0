import { ALL_SCOPES, type Principal } from "../domain/access/principal.ts";
import { PUBLIC_SCOPES, type Scope } from "../domain/access/scope.ts";
import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";

/** Bytes of the digest of a credential, which tell credentials apart and reveal none. */
const ID_BYTES = 8;
const LABEL_BYTES = 4;

const NO_SCOPES: ReadonlySet<Scope> = new Set();

/** Who sends no credential. */
export function anonymous(isPublic: boolean): Principal {
  return {
    kind: "anonymous",
    label: "anonymous",
    id: async () => "anonymous",
    scopes: isPublic ? PUBLIC_SCOPES : NO_SCOPES,
  };
}

/** Who sends a text that is no credential of ours; it separates private cache entries all the same. */
export function anonymousWith(text: string): Principal {
  return {
    kind: "anonymous",
    label: "anonymous",
    id: async () => toHex((await sha256(text)).subarray(0, ID_BYTES)),
    scopes: PUBLIC_SCOPES,
  };
}

/** Who has the secret `ADMIN_KEY`. */
export async function admin(adminKey: string): Promise<Principal> {
  const digest = await sha256(adminKey);
  const id = toHex(digest.subarray(0, ID_BYTES));
  return {
    kind: "admin",
    label: `key:${toHex(digest.subarray(0, LABEL_BYTES))}`,
    id: async () => id,
    scopes: ALL_SCOPES,
  };
}
