import * as z from "zod";
import { quote } from "../../shared/quote.ts";
import { type ClaimRule, parseClaimRules } from "./claim-rules.ts";
import { isTrustedUrl } from "./issuer-url.ts";
import { MODEL_PATTERN } from "./model-pattern.ts";
import { isScope, SCOPES } from "./scope.ts";
import type { TokenSettings } from "./token-settings.ts";

/** Scopes that a token has by their names in it without a rule that says so: all but those that give access to others. */
const NAMED_SCOPES = SCOPES.filter((scope) => scope !== "keys" && scope !== "admin");
const ANYBODY = "predict explain models:read";

/** A token that names scopes of ours has these; any other one has what everybody has on a public server. */
const DEFAULT_TOKEN_RULES = [
  ...NAMED_SCOPES.flatMap((scope) => [`scope=${scope} -> ${scope}`, `scp=${scope} -> ${scope}`]),
  `otherwise -> ${ANYBODY}`,
].join("\n");

function rules(isValue: (value: string) => boolean, expected: string) {
  return (text: string, context: z.RefinementCtx): readonly ClaimRule[] => {
    try {
      return parseClaimRules(text, isValue, expected);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  };
}

const scopeRules = rules(isScope, `a scope (${SCOPES.join(", ")})`);
const modelRules = rules((text) => MODEL_PATTERN.test(text), "a pattern of names of models");

const url = (name: string) =>
  z
    .string()
    .trim()
    .refine((text) => text === "" || isTrustedUrl(text, true), {
      error: ({ input }) =>
        `${name} ${quote(String(input))} is not an https URL (http is for this machine: http://localhost:8080)`,
    })
    .transform((text) => text || undefined)
    .optional();

const list = z
  .string()
  .default("")
  .transform((text) => text.split(",").flatMap((each) => each.trim() || []))
  .readonly();

const TEAM = /^[a-z0-9-]+$/i;

/** The origin of a team of Cloudflare Access: of its name, its domain or its URL. */
function toTeamOrigin(text: string): string | undefined {
  const name = text.trim().replace(/\/$/, "");
  if (name === "") return undefined;
  if (name.includes("://")) return name;
  return `https://${TEAM.test(name) ? `${name}.cloudflareaccess.com` : name}`;
}

/** The settings of tokens, by which clients are identified. */
export const TOKEN_FIELDS = {
  /** The OpenID Connect issuer whose tokens are accepted, as its discovery document names it. */
  JWT_ISSUER: url("JWT_ISSUER"),
  /** Audiences, separated by commas, of which a token must have one. */
  JWT_AUDIENCE: list,
  /** The URL of the issuer's keys, for an issuer without a discovery document. */
  JWT_JWKS_URL: url("JWT_JWKS_URL"),
  /** What the claims of a token permit: rules such as `groups=ml-team -> predict explain`. */
  JWT_SCOPES: z.string().default(DEFAULT_TOKEN_RULES).transform(scopeRules),
  /** Which models the claims of a token permit: rules such as `groups=fraud -> fraud-*`; all models by default. */
  JWT_MODELS: z.string().transform(modelRules).optional(),
  /** The team of Cloudflare Access whose tokens are accepted: its name, domain or URL. */
  ACCESS_TEAM_DOMAIN: z
    .string()
    .transform(toTeamOrigin)
    .refine((origin) => origin === undefined || (isTrustedUrl(origin, true) && isOrigin(origin)), {
      error:
        "ACCESS_TEAM_DOMAIN is not the name or the domain of a team, such as example.cloudflareaccess.com",
    })
    .optional(),
  /** The audience tags of the applications of Cloudflare Access, separated by commas. */
  ACCESS_AUDIENCE: list,
  /** What the claims of a token of Cloudflare Access permit. */
  ACCESS_SCOPES: z.string().default(`* -> ${ANYBODY}`).transform(scopeRules),
  /** Which models they permit; all by default. */
  ACCESS_MODELS: z.string().transform(modelRules).optional(),
};

function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text;
}

type TokenFields = z.output<z.ZodObject<typeof TOKEN_FIELDS>>;

/** Without an audience, tokens for anybody else would be accepted. */
export function checkAudiences(fields: TokenFields, context: z.RefinementCtx): void {
  for (const [issuer, audience, what] of [
    [
      "JWT_ISSUER",
      "JWT_AUDIENCE",
      "the audience (aud) that the issuer gives to tokens for this server",
    ],
    ["ACCESS_TEAM_DOMAIN", "ACCESS_AUDIENCE", "the application's audience tag (AUD)"],
  ] as const)
    if (fields[issuer] !== undefined && fields[audience].length === 0)
      context.addIssue({
        code: "custom",
        path: [audience],
        message: `${issuer} needs ${audience}: ${what}`,
      });
}

/** Whose tokens are accepted in `Authorization`. */
export function toTokenSettings(fields: TokenFields): TokenSettings | undefined {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audiences, JWT_JWKS_URL: keysUrl } = fields;
  if (issuer === undefined) return undefined;
  return { issuer, audiences, keysUrl, scopes: fields.JWT_SCOPES, models: fields.JWT_MODELS };
}

/** Whose tokens Cloudflare Access adds to requests (its documentation, "Validate JWTs"). */
export function toAccessSettings(fields: TokenFields): TokenSettings | undefined {
  const { ACCESS_TEAM_DOMAIN: issuer, ACCESS_AUDIENCE: audiences } = fields;
  if (issuer === undefined) return undefined;
  const keysUrl = `${issuer}/cdn-cgi/access/certs`;
  return { issuer, audiences, keysUrl, scopes: fields.ACCESS_SCOPES, models: fields.ACCESS_MODELS };
}
