import { type Json, toCanonicalJson } from "../../shared/canonical-json.ts";
import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";

/** An entry is written before a change and another one after it, so that no change lacks an entry, whatever fails in between. */
export const AUDIT_PHASES = [
  "begun", // it may have happened; another entry says how it ended, unless that could not be written
  "done",
  "failed", // with an error; parts of it may have happened
] as const;
export type AuditPhase = (typeof AUDIT_PHASES)[number];

export type JsonObject = { readonly [name: string]: Json | undefined };

/** What may have something of a person. It can be erased, and the chain remains. */
export interface AuditDetails {
  /** Whom the request names. */
  readonly actor?: string | undefined;
  /** Of the request's query and body, the fields that the operation records. */
  readonly request?: JsonObject | undefined;
  /** What the change has changed, as it was before. */
  readonly before?: JsonObject | undefined;
  readonly after?: JsonObject | undefined;
}

/** What is appended. */
export interface AuditRecord {
  /** The id of the change, which its two entries share. A second entry of the same change and phase is not appended. */
  readonly change: string;
  readonly phase: AuditPhase;
  /** The id of the operation in the OpenAPI document, or the name of work that no request has asked for. */
  readonly operation: string;
  /** The label of the principal, such as `key:1f0c2a9b`; `schedule` for work that no request has asked for. */
  readonly by: string;
  readonly requestId?: string | undefined;
  /** What is changed: parameters of the path, such as `model`, `version` and `alias`. */
  readonly target?: Readonly<Record<string, string>> | undefined;
  /** Of `failed`. */
  readonly errorCode?: string | undefined;
  /** Of an erasure: the numbers of the entries whose details it has removed. */
  readonly erases?: readonly number[] | undefined;
  readonly details?: AuditDetails | undefined;
}

/** An entry of the chain, each of which contains the hash of the previous one. */
export interface AuditEntry extends AuditRecord {
  /** 1 for the first entry, and then one more for each. */
  readonly seq: number;
  /** ISO 8601, by the clock of the authority; never before that of the previous entry. */
  readonly at: string;
  /** SHA-256, in hexadecimal, of the canonical JSON (RFC 8785) of `{details, salt}`. Absent of an entry that never had details. */
  readonly detailsHash?: string | undefined;
  /** The hash of the previous entry; {@link NO_HASH} in the first one. */
  readonly previous: string;
  /** SHA-256, in hexadecimal, of the canonical JSON of all fields but `hash`, `details`, `salt` and `erased`. */
  readonly hash: string;
  /** Random, so that nobody finds erased details by trying. */
  readonly salt?: string | undefined;
  /** Whether there were details, which have been removed. */
  readonly erased?: true | undefined;
}

/** The last entry of a chain. Whoever keeps one can tell whether entries up to it were changed or removed. */
export interface AuditHead {
  /** 0 for a chain without entries. */
  readonly seq: number;
  readonly hash: string;
}

/** The hash before the first entry. */
export const NO_HASH = "0".repeat(64);
export const EMPTY_HEAD: AuditHead = { seq: 0, hash: NO_HASH };

/** Fields of an entry that its hash does not cover, or only by `detailsHash`. */
const NOT_HASHED = ["hash", "details", "salt", "erased"];

/** The text whose SHA-256 is the hash of an entry. */
export function toHashedText(entry: object): string {
  const fields = Object.entries(entry).filter(([name]) => !NOT_HASHED.includes(name));
  return toCanonicalJson(Object.fromEntries(fields));
}

/** The text whose SHA-256 is the `detailsHash` of an entry. */
export function toDetailsText(details: AuditDetails, salt: string): string {
  return toCanonicalJson({ details: { ...details }, salt });
}

export async function hashOf(text: string): Promise<string> {
  return toHex(await sha256(text));
}
