import type { Claims } from "../../domain/access/claim-rules.ts";

/** What tokens of one kind of issuer have. */
export interface TokenKind {
  readonly kind: "token" | "access";
  /** The setting with the audiences, for messages. */
  readonly audienceSetting: string;
  /** The claim that names the party, and its value; `undefined` if there is none. */
  subjectOf(claims: Claims): readonly [claim: string, value: string] | undefined;
  /** What is wrong with claims beside those of every token; `undefined` if nothing is. */
  problemOf(claims: Claims): string | undefined;
}

/** ID and access tokens of an OpenID Connect issuer. */
export const OIDC_TOKENS: TokenKind = {
  kind: "token",
  audienceSetting: "JWT_AUDIENCE",
  subjectOf: (claims) => firstText(claims, ["sub", "client_id", "azp"]),
  // Its holder has to prove more than to have it (RFC 7800, RFC 9449), which is not verified here.
  problemOf: ({ cnf }) =>
    cnf === undefined
      ? undefined
      : 'is bound to a key of its holder ("cnf"): bearer tokens are accepted alone',
};

/** Tokens that Cloudflare Access adds to requests; those of service tokens have an empty `sub`. */
export const ACCESS_TOKENS: TokenKind = {
  kind: "access",
  audienceSetting: "ACCESS_AUDIENCE",
  subjectOf: (claims) => firstText(claims, ["sub", "common_name"]),
  // "org" is that of the team's own pages.
  problemOf: ({ type }) =>
    type === undefined || type === "app" ? undefined : 'is no token of an application ("type")',
};

function firstText(
  claims: Claims,
  names: readonly string[],
): readonly [claim: string, value: string] | undefined {
  for (const name of names) {
    const value = claims[name];
    if (typeof value === "string" && value !== "") return [name, value];
  }
  return undefined;
}
