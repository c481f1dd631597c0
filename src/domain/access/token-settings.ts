import type { ClaimRule } from "./claim-rules.ts";

/** Whose tokens are accepted, and what they permit. */
export interface TokenSettings {
  /** `iss`, to the letter. */
  readonly issuer: string;
  /** `aud` must be or contain one of them. */
  readonly audiences: readonly string[];
  /** The URL of the issuer's keys; `undefined` for the one of its discovery document. */
  readonly keysUrl?: string | undefined;
  readonly scopes: readonly ClaimRule[];
  /** Patterns of the models that a token may use; `undefined` for all models. */
  readonly models?: readonly ClaimRule[] | undefined;
}
