import type { AuditEntry, AuditHead, AuditRecord } from "./audit-entry.ts";

/** An entry whose stored text was changed so that it is none any longer. */
export interface DamagedEntry {
  readonly seq: number;
  readonly hash: string;
  readonly damaged: true;
}

export type ListedEntry = AuditEntry | DamagedEntry;

/** Selects entries that have all of these properties. */
export interface AuditFilter {
  readonly operation?: string | undefined;
  readonly by?: string | undefined;
  readonly requestId?: string | undefined;
  readonly model?: string | undefined;
  readonly key?: string | undefined;
}

export interface AuditQuery extends AuditFilter {
  /** Entries after this one, oldest first. */
  readonly after?: number | undefined;
  /** Entries before this one, newest first. Without either, the newest entries. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface AuditPage {
  readonly entries: readonly ListedEntry[];
  /** `after` or `before` of the next page; absent on the last one. A page may have fewer entries than its limit. */
  readonly next?: number | undefined;
}

/** Keeps the audit log. Every method throws ApiError `authority_unavailable` when the authority is out of reach. */
export interface AuditAuthority {
  /** Appends a record, which may have happened also when it throws. It can be repeated. */
  appendAudit(record: AuditRecord): Promise<AuditHead>;
  readAudit(query: AuditQuery): Promise<AuditPage>;
  auditHead(): Promise<AuditHead>;
  /** The entries of an API key: changes of it, and those that it has made. */
  exportAudit(keyId: string): Promise<readonly ListedEntry[]>;
  /**
   * Removes the details of these entries, and appends entries that say so. It can be repeated.
   * @returns how many entries had details
   */
  eraseAudit(keyId: string): Promise<number>;
}
