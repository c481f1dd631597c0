import type { AuditFilter, ListedEntry } from "../../domain/audit/audit-authority.ts";
import {
  type AuditDetails,
  type AuditEntry,
  type AuditHead,
  toHashedText,
} from "../../domain/audit/audit-entry.ts";
import type { SqlRow } from "../../domain/sql-storage.ts";
import { type Json, toCanonicalJson } from "../../shared/canonical-json.ts";

/** Rows of the table `audit`, as they are read: somebody may have changed them. */

export function toHead(row: SqlRow | undefined): AuditHead | undefined {
  return row && { seq: Number(row.seq), hash: String(row.hash) };
}

/** What is not exactly the text of an entry is none, even if its JSON says the same. */
export function toListed(row: SqlRow): ListedEntry {
  const seq = Number(row.seq);
  const hash = String(row.hash);
  const damaged = { seq, hash, damaged: true } as const;
  const fields = parse(row.entry);
  if (fields?.seq !== seq || toHashedText(fields) !== row.entry) return damaged;
  const entry = { ...fields, seq, hash } as AuditEntry;
  if (row.details === null && row.salt === null)
    return entry.detailsHash === undefined ? entry : { ...entry, erased: true };
  const details = parse(row.details);
  if (!details || typeof row.salt !== "string" || toCanonicalJson(details) !== row.details)
    return damaged;
  return { ...entry, details: details as AuditDetails, salt: row.salt };
}

function parse(text: unknown): Record<string, Json> | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, Json>) : undefined;
  } catch {
    return undefined;
  }
}

/** A damaged entry matches any filter: nobody knows what it was. */
export function matches(entry: ListedEntry, { model, key, ...fields }: AuditFilter): boolean {
  if ("damaged" in entry) return true;
  const { target = {} } = entry;
  return (
    (model === undefined || target.model === model) &&
    (key === undefined || target.key === key) &&
    (["operation", "by", "requestId"] as const).every(
      (name) => fields[name] === undefined || entry[name] === fields[name],
    )
  );
}
