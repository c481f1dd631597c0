import { type Claims, valuesOfClaims } from "../../domain/access/claim-rules.ts";
import { MODEL_PATTERN } from "../../domain/access/model-pattern.ts";
import type { Principal } from "../../domain/access/principal.ts";
import { isScope } from "../../domain/access/scope.ts";
import type { TokenSettings } from "../../domain/access/token-settings.ts";
import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";

/**
 * Hexadecimal digits of the digest of a subject in a label. The id, which partitions private cache entries, is the same: what is kept
 * of a party is found by how events name it.
 */
const LABEL_LENGTH = 32;

/**
 * The party that a verified token is of. Its id is the same for all of its tokens.
 * @param subject the claim that names the party, and its value
 */
export async function toTokenPrincipal(
  kind: "token" | "access",
  subject: readonly [claim: string, value: string],
  claims: Claims,
  { issuer, scopes, models }: TokenSettings,
): Promise<Principal> {
  const digest = toHex(await sha256(JSON.stringify([issuer, ...subject])));
  const label = `${kind}:${digest.slice(0, LABEL_LENGTH)}`;
  const patterns = models && valuesOfClaims(models, claims, (text) => MODEL_PATTERN.test(text));
  return {
    kind,
    label,
    id: async () => label,
    scopes: new Set([...valuesOfClaims(scopes, claims, isScope)].filter(isScope)),
    models: patterns?.has("*") ? undefined : patterns && [...patterns],
  };
}
