import type { IdentityProvider } from "../../domain/access/identity-provider.ts";
import type { TokenSettings } from "../../domain/access/token-settings.ts";
import { discoverKeys } from "./discovery.ts";
import { createAccessTokens, createBearerTokens } from "./identity-providers.ts";
import { createIssuerKeys, type IssuerOutage } from "./issuer-keys.ts";
import type { Fetch } from "./remote-json.ts";
import { ACCESS_TOKENS, OIDC_TOKENS, type TokenKind } from "./token-kind.ts";
import { createTokenVerifier, type TokenVerifier } from "./token-verifier.ts";

export interface IdentityProvidersOptions {
  /** Whose tokens are accepted in `Authorization`; `undefined` for nobody's. */
  readonly tokens: TokenSettings | undefined;
  /** Whose tokens Cloudflare Access adds. */
  readonly access: TokenSettings | undefined;
  readonly fetch: Fetch;
  /** Called when the keys of an issuer cannot be read, with the problem, and when they can be again. */
  readonly onChange: (issuer: string, outage: IssuerOutage | undefined) => void;
  readonly now: () => number;
}

/** What identifies clients by tokens, as far as it is configured. */
export function createIdentityProviders(options: IdentityProvidersOptions): IdentityProvider[] {
  const { tokens, access } = options;
  return [
    ...(tokens ? [createBearerTokens(createVerifier(OIDC_TOKENS, tokens, options))] : []),
    ...(access ? [createAccessTokens(createVerifier(ACCESS_TOKENS, access, options))] : []),
  ];
}

function createVerifier(
  kind: TokenKind,
  settings: TokenSettings,
  { fetch, now, onChange }: IdentityProvidersOptions,
): TokenVerifier {
  const { issuer, keysUrl } = settings;
  const keys = createIssuerKeys({
    issuer,
    locate: async (signal) => keysUrl ?? discoverKeys(issuer, fetch, signal),
    fetch,
    now,
    onChange: (outage) => onChange(issuer, outage),
  });
  return createTokenVerifier({ kind, settings, keys, now });
}
