import type { IdentityProvider } from "../../domain/access/identity-provider.ts";
import { isFromOtherSite } from "../../domain/access/other-site.ts";
import { ApiError } from "../../domain/errors.ts";
import type { TokenVerifier } from "./token-verifier.ts";

/** The scheme in any case, and a token that begins with an object in base64url. */
const BEARER_TOKEN = /^bearer +(eyJ[^ ]*)$/i;

const USUAL_START = "Bearer eyJ";
const SCHEME_LENGTH = "Bearer ".length;

/** The header that Cloudflare Access adds to the requests which it lets through. Its cookie is not read. */
const ASSERTION = "cf-access-jwt-assertion";

/** Identifies clients by `Authorization: Bearer` with a token of the issuer. */
export function createBearerTokens(verifier: TokenVerifier): IdentityProvider {
  return {
    recall(authorization) {
      if (!authorization.startsWith(USUAL_START)) return undefined;
      return verifier.recall(authorization.slice(SCHEME_LENGTH));
    },
    identify({ authorization, waitUntil }) {
      const token = authorization && BEARER_TOKEN.exec(authorization)?.[1];
      if (!token || !verifier.recognizes(token)) return undefined;
      return verifier.verify(token, waitUntil);
    },
  };
}

/**
 * Identifies clients by the token of Cloudflare Access. Browsers get it by a cookie, which they also send with what pages of other
 * sites do: of these, only requests without `Origin`, which change nothing, are accepted.
 */
export function createAccessTokens(verifier: TokenVerifier): IdentityProvider {
  return {
    identify(shown) {
      const header = (name: string) => shown.header(name);
      const token = header(ASSERTION);
      if (token === undefined) return undefined;
      if (header("origin") !== undefined && isFromOtherSite(header, true))
        throw new ApiError(
          "forbidden",
          "Pages of other sites may not use the session of Cloudflare Access.",
        );
      return verifier.verify(token, shown.waitUntil);
    },
  };
}
