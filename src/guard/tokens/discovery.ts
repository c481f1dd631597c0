import { isLoopbackUrl, isTrustedUrl } from "../../domain/access/issuer-url.ts";
import { quote } from "../../shared/quote.ts";
import { type Fetch, readRemoteJson } from "./remote-json.ts";

/**
 * The URL of an issuer's keys, by its discovery document (OpenID Connect Discovery 1.0, section 4).
 * @throws Error for a document of another issuer, or one that names keys which are not read over https
 */
export async function discoverKeys(
  issuer: string,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<string> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { issuer: named, jwks_uri: keys } = await readRemoteJson(url, fetch, signal);
  if (named !== issuer)
    throw new Error(
      `${url} is of the issuer ${quote(String(named))}; expected ${quote(issuer)}, as JWT_ISSUER has it, to the last slash`,
    );
  if (typeof keys !== "string" || !isTrustedUrl(keys, isLoopbackUrl(issuer)))
    throw new Error(`${url} has no https URL as "jwks_uri"`);
  return keys;
}
