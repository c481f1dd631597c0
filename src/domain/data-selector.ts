import type { PurgeScope } from "./cache.ts";

/** Whose data is exported or erased, by which what is kept is found. */
export const SELECTOR_KINDS = [
  "key", // by the id of a principal, which is that of its API key
  "subject", // by the keyed hash of the id in `x-subject-id`
  "request", // by the hash of the request's id
] as const;
export type SelectorKind = (typeof SELECTOR_KINDS)[number];

export interface DataSelector {
  readonly kind: SelectorKind;
  readonly value: string;
}

/** What belongs to whom. */
export interface DataOwners {
  /** The id of the principal. */
  readonly principal: string | undefined;
  /** The hash of the subject. */
  readonly subject: string | undefined;
  /** The hash of the request's id. */
  readonly request: string | undefined;
}

export function selects({ kind, value }: DataSelector, owners: DataOwners): boolean {
  const { principal, subject, request } = owners;
  if (kind === "key") return value === principal;
  return value === (kind === "subject" ? subject : request);
}

/** The scope of the purge that goes with an erasure. */
export function toPurgeScope({ kind, value }: DataSelector): PurgeScope {
  if (kind === "key") return { principal: value };
  return kind === "subject" ? { subject: value } : { request: value };
}

/** The reverse of {@link toPurgeScope}. */
export function toSelector({ principal, subject, request }: PurgeScope): DataSelector {
  if (principal !== undefined) return { kind: "key", value: principal };
  if (subject !== undefined) return { kind: "subject", value: subject };
  return { kind: "request", value: request ?? "" };
}
