import type { KeyPolicy } from "./key-policy.ts";
import type { Principal } from "./principal.ts";
import type { Scope } from "./scope.ts";

/** What else bounds a key. */
export type Bounds = Pick<KeyPolicy, "limits" | "rate" | "quota" | "concurrency" | "expiresAt">;

/** Who administers keys, and what it has itself: nobody can give more. It is plain data, which crosses to the authority. */
export interface Grantor {
  readonly label: string;
  /** The id of an API key: the authority takes what that key has now, whatever an isolate knew of it. */
  readonly key?: string | undefined;
  readonly scopes: readonly Scope[];
  readonly models?: readonly string[] | undefined;
  /** Of an API key. */
  readonly bounds?: Bounds | undefined;
}

export function toGrantor({ kind, label, scopes, models, policy }: Principal): Grantor {
  return {
    label,
    ...(kind === "key" && policy && { key: policy.id }),
    scopes: [...scopes],
    ...(models && { models }),
    ...(policy && { bounds: toBounds(policy) }),
  };
}

function toBounds({ limits, rate, quota, concurrency, expiresAt }: KeyPolicy): Bounds {
  return { limits, rate, quota, concurrency, expiresAt };
}
