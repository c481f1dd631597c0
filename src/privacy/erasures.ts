import type { DataSelector } from "../domain/data-selector.ts";
import {
  type ErasureReceipt,
  RECEIPT_SCHEMA_VERSION,
  type StoreReceipt,
} from "../domain/erasure-receipt.ts";
import { ApiError, toApiError } from "../domain/errors.ts";
import type { Erasures } from "../domain/privacy.ts";
import type { Cursors } from "./cursors.ts";
import type { PersonalDataStore, Remainder } from "./personal-data-store.ts";
import type { ReceiptSigner } from "./receipt-signer.ts";
import { WorkBudget } from "./work-budget.ts";

export interface ErasuresOptions {
  readonly stores: readonly PersonalDataStore[];
  readonly signer: ReceiptSigner;
  readonly cursors: Cursors;
  /** Calls of storage that a request may make. */
  readonly maxOperations?: number;
  readonly now?: () => number;
}

/** Below the 1,000 that the platform permits a request. */
const MAX_OPERATIONS = 800;

/** Of one store, between two requests. */
interface StoreState {
  readonly erased: number;
  /** Where to go on; absent before the first page and after the last. */
  readonly cursor?: string | undefined;
  readonly complete: boolean;
  readonly problem?: string | undefined;
  readonly remains: readonly Remainder[];
}

interface ErasureState {
  readonly id: string;
  readonly selector: DataSelector;
  readonly startedAt: string;
  readonly stores: Readonly<Record<string, StoreState>>;
}

const BEFORE: StoreState = { erased: 0, complete: false, remains: [] };

export function createErasures({
  stores,
  signer,
  cursors,
  maxOperations = MAX_OPERATIONS,
  now = Date.now,
}: ErasuresOptions): Erasures {
  const time = (): string => new Date(now()).toISOString();

  async function eraseFrom(
    store: PersonalDataStore,
    selector: DataSelector,
    before: StoreState,
    budget: WorkBudget,
  ): Promise<StoreState> {
    let { erased, cursor } = before;
    const remains = new Map(before.remains.map((each) => [each.what, each]));
    while (!budget.isSpent) {
      try {
        const page = await store.erase(selector, { cursor, budget });
        erased += page.erased;
        for (const each of page.remains ?? []) remains.set(each.what, latest(each, remains));
        cursor = page.cursor;
      } catch (error) {
        const problem = toApiError(error).code;
        return { erased, cursor, complete: false, problem, remains: [...remains.values()] };
      }
      if (cursor === undefined) return { erased, complete: true, remains: [...remains.values()] };
    }
    return { erased, cursor, complete: false, remains: [...remains.values()] };
  }

  async function open(selector: DataSelector, cursor: string | undefined): Promise<ErasureState> {
    if (cursor === undefined)
      return { id: crypto.randomUUID(), selector, startedAt: time(), stores: {} };
    const state = (await cursors.open(cursor)) as ErasureState;
    const { kind, value } = state.selector;
    if (kind === selector.kind && value === selector.value) return state;
    throw new ApiError(
      "invalid_request",
      'The "cursor" is of an erasure of something else: send it with the selector that it was returned for.',
      { details: { field: "cursor" } },
    );
  }

  return {
    receiptKey: signer.key,

    async erase(selector, cursor) {
      const state = await open(selector, cursor);
      const budget = new WorkBudget(maxOperations, Number.POSITIVE_INFINITY);
      const states: Record<string, StoreState> = {};
      for (const store of stores) {
        const before = state.stores[store.name] ?? BEFORE;
        states[store.name] = before.complete
          ? before
          : await eraseFrom(store, selector, before, budget);
      }
      const complete = Object.values(states).every((each) => each.complete);
      const receipt: ErasureReceipt = {
        schemaVersion: RECEIPT_SCHEMA_VERSION,
        id: state.id,
        selector,
        startedAt: state.startedAt,
        issuedAt: time(),
        complete,
        stores: Object.entries(states).map(toStoreReceipt),
      };
      return {
        receipt,
        jws: await signer.sign(receipt),
        cursor: complete ? undefined : await cursors.seal({ ...state, stores: states }),
      };
    },
  };
}

function latest(remainder: Remainder, known: ReadonlyMap<string, Remainder>): Remainder {
  const { until } = known.get(remainder.what) ?? {};
  if (until === undefined || remainder.until === undefined || remainder.until > until)
    return remainder;
  return { ...remainder, until };
}

function toStoreReceipt([name, state]: [string, StoreState]): StoreReceipt {
  const { erased, complete, problem, remains } = state;
  return {
    name,
    erased,
    complete,
    ...(problem !== undefined && { problem }),
    ...(remains.length > 0 && { remains }),
  };
}
