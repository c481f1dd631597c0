import type { DataSelector } from "./data-selector.ts";

export const RECEIPT_SCHEMA_VERSION = 1;

/** What an erasure did in one store. */
export interface StoreReceipt {
  readonly name: string;
  /** Objects, entries, events, rows. */
  readonly erased: number;
  /** Whether it has nothing left of what is selected. */
  readonly complete: boolean;
  /** The code of the error that ended the last attempt. */
  readonly problem?: string | undefined;
  /** What nobody can remove, and when it goes by itself. */
  readonly remains?: readonly { readonly what: string; readonly until?: string | undefined }[];
}

/** What an erasure did. Its signature is that of the text in `jws`. */
export interface ErasureReceipt {
  readonly schemaVersion: typeof RECEIPT_SCHEMA_VERSION;
  /** Of the erasure: the same in each receipt of one that took several requests. */
  readonly id: string;
  /** Whose data: of a subject and of a request the hash, not the id. */
  readonly selector: DataSelector;
  /** What is older was erased. ISO 8601, as all times. */
  readonly startedAt: string;
  readonly issuedAt: string;
  /** Whether all stores are complete. */
  readonly complete: boolean;
  readonly stores: readonly StoreReceipt[];
}
