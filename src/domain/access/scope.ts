/** What a client may do. */
export const SCOPES = [
  "predict", // run models
  "explain", // explain predictions
  "feedback", // send what the truth was
  "metrics", // read events, statistics and metrics
  "models:read", // list and describe models, versions and routings
  "models:write", // publish, delete, and change routings, uploads and the cache
  "keys", // create, change and revoke API keys
  "admin", // everything
] as const;
export type Scope = (typeof SCOPES)[number];

/** Whether the scopes permit what the scope names; `admin` permits everything. */
export function permits(scopes: ReadonlySet<Scope>, scope: Scope): boolean {
  return scopes.has(scope) || scopes.has("admin");
}

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/** What anybody may do where `PUBLIC_PREDICT` is on. */
export const PUBLIC_SCOPES: ReadonlySet<Scope> = new Set(["predict", "explain", "models:read"]);

export function isPublicScope(access: string): boolean {
  return (PUBLIC_SCOPES as ReadonlySet<string>).has(access);
}
