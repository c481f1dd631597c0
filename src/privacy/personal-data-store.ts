import type { DataSelector } from "../domain/data-selector.ts";
import type { ErasureIndex } from "../domain/erasure-index.ts";
import type { StoreName } from "./places.ts";
import type { WorkBudget } from "./work-budget.ts";

/** One of the places that keep something of requests, keys or people. */
export interface PersonalDataStore {
  readonly name: StoreName;
  /**
   * Erases a page of what is selected. Repeating a page is harmless.
   * @throws ApiError when some of it may be left
   */
  erase(selector: DataSelector, options: PageOptions): Promise<ErasedPage>;
  /**
   * A page of what is selected, as JSON values.
   * @throws ApiError when it cannot be read
   */
  export(selector: DataSelector, options: PageOptions): Promise<ExportedPage>;
  /**
   * Erases a page of what was erased before and stored late, by a request that had begun before the erasure. Only of stores that other
   * isolates write to.
   */
  sweep?(erasures: ErasureIndex, options: PageOptions): Promise<ErasedPage>;
}

/** What is left of a row that is deleted in a Durable Object. */
export const RESTORABLE = {
  what: "what Cloudflare keeps to restore the database to an earlier time",
  forMs: 30 * 86_400_000,
} as const;

export interface PageOptions {
  /** Of the page before; the first one when left out. */
  readonly cursor: string | undefined;
  /** A page ends when it is spent. */
  readonly budget: WorkBudget;
}

export interface ErasedPage {
  /** Objects, entries, events, rows. */
  readonly erased: number;
  /** Where to go on; `undefined` at the end. */
  readonly cursor?: string | undefined;
  /** What goes by itself, because nobody can remove it. */
  readonly remains?: readonly Remainder[];
}

export interface Remainder {
  readonly what: string;
  /** When it is gone at the latest, ISO 8601; `undefined` when nobody can know. */
  readonly until?: string | undefined;
}

export interface ExportedPage {
  readonly items: readonly unknown[];
  readonly cursor?: string | undefined;
}
