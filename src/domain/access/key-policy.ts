import type { Scope } from "./scope.ts";

/** Limits of single requests, below those of the deployment. */
export interface RequestLimits {
  /** Size of a body, in bytes. */
  readonly bodyBytes?: number | undefined;
  /** Tokens that one request may have generated. */
  readonly tokens?: number | undefined;
  /** Inputs of one request: rows, texts, images, or the first dimension of a tensor. */
  readonly batch?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** In one minute. */
export interface Rate {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

/** In one day, which begins at 00:00 UTC. */
export interface Quota {
  readonly requestsPerDay?: number | undefined;
  readonly tokensPerDay?: number | undefined;
  readonly cpuMsPerDay?: number | undefined;
}

/** What an API key permits. */
export interface KeyPolicy {
  /** Twelve letters and digits, which the key itself contains. It stays when the key is rotated. */
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Patterns of the names of models; all models when left out. */
  readonly models?: readonly string[] | undefined;
  readonly limits?: RequestLimits | undefined;
  readonly rate?: Rate | undefined;
  readonly quota?: Quota | undefined;
  /** Requests in flight at the same time. */
  readonly concurrency?: number | undefined;
  /** ISO 8601. */
  readonly expiresAt?: string | undefined;
}
