import type { DataSelector } from "../domain/data-selector.ts";
import { ApiError } from "../domain/errors.ts";
import type { DataExport, DataExports } from "../domain/privacy.ts";
import type { Cursors } from "./cursors.ts";
import type { PersonalDataStore } from "./personal-data-store.ts";
import { WorkBudget } from "./work-budget.ts";

export interface DataExportsOptions {
  readonly stores: readonly PersonalDataStore[];
  readonly cursors: Cursors;
  readonly maxOperations?: number;
  /** After which a part ends. */
  readonly maxBytes?: number;
  readonly now?: () => number;
}

const MAX_OPERATIONS = 800;
const MAX_BYTES = 8_388_608;

interface ExportState {
  readonly selector: DataSelector;
  readonly store: string;
  readonly cursor?: string | undefined;
}

export function createDataExports({
  stores,
  cursors,
  maxOperations = MAX_OPERATIONS,
  maxBytes = MAX_BYTES,
  now = Date.now,
}: DataExportsOptions): DataExports {
  async function open(
    selector: DataSelector,
    cursor: string | undefined,
  ): Promise<Omit<ExportState, "selector">> {
    if (cursor === undefined) return { store: stores[0]?.name ?? "" };
    const state = (await cursors.open(cursor)) as ExportState;
    const { kind, value } = state.selector;
    if (kind === selector.kind && value === selector.value) return state;
    throw new ApiError(
      "invalid_request",
      'The "cursor" is of an export of something else: send it with the selector that it was returned for.',
      { details: { field: "cursor" } },
    );
  }

  return {
    async export(selector, given) {
      const begun = await open(selector, given);
      const budget = new WorkBudget(maxOperations, maxBytes);
      const parts: { name: string; items: unknown[] }[] = [];
      let { cursor } = begun;
      for (const store of stores.slice(stores.findIndex(({ name }) => name === begun.store))) {
        const items: unknown[] = [];
        parts.push({ name: store.name, items });
        do {
          if (budget.isSpent) {
            const sealed = await cursors.seal({ selector, store: store.name, cursor });
            return toExport(selector, parts, sealed);
          }
          const page = await store.export(selector, { cursor, budget });
          items.push(...page.items);
          cursor = page.cursor;
        } while (cursor !== undefined);
      }
      return toExport(selector, parts, undefined);
    },
  };

  function toExport(
    selector: DataSelector,
    parts: DataExport["stores"],
    cursor: string | undefined,
  ): DataExport {
    return { selector, exportedAt: new Date(now()).toISOString(), stores: parts, cursor };
  }
}
