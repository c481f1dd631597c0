import type { KeyPolicy } from "./key-policy.ts";
import { SCOPES, type Scope } from "./scope.ts";

/** How a party was identified. */
export const PRINCIPAL_KINDS = [
  "admin", // by the secret ADMIN_KEY
  "key", // by an API key
  "token", // by a JWT of the issuer
  "access", // by Cloudflare Access
  "worker", // by a service binding
  "anonymous", // not at all
] as const;
export type PrincipalKind = (typeof PRINCIPAL_KINDS)[number];

/** What a call needs of the party that makes it. */
export interface Identity {
  /** Whose private cache entries the call uses: an identifier made from the credential, or "anonymous". The credential itself is never stored. */
  id(): Promise<string>;
}

/** A party that was identified, and what it may do. */
export interface Principal extends Identity {
  readonly kind: PrincipalKind;
  /** Names the party in events, histories and the audit; it has no secret and nothing of a person. */
  readonly label: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Patterns of the names of models that it may use; all models when left out. */
  readonly models?: readonly string[] | undefined;
  /** Of an API key. */
  readonly policy?: KeyPolicy | undefined;
}

export const ALL_SCOPES: ReadonlySet<Scope> = new Set(SCOPES);
