import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { DataSelector } from "../../../src/domain/data-selector.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { createCursors } from "../../../src/privacy/cursors.ts";
import { createDataExports } from "../../../src/privacy/data-exports.ts";
import { createErasures } from "../../../src/privacy/erasures.ts";
import type { PersonalDataStore } from "../../../src/privacy/personal-data-store.ts";
import { createReceiptSigner } from "../../../src/privacy/receipt-signer.ts";
import { rejectedApiError } from "../../support/errors.ts";

const secret = new Uint8Array(randomBytes(32));
const SUBJECT: DataSelector = { kind: "subject", value: "a".repeat(32) };
const OTHER: DataSelector = { kind: "subject", value: "b".repeat(32) };

/** A store of so many items; each costs an operation, and a page has two at most. */
function createStore(name: PersonalDataStore["name"], count: number) {
  const items = Array.from({ length: count }, (_, index) => `${name} ${index}`);
  const failures: unknown[] = [];
  const store: PersonalDataStore = {
    name,
    async erase(_selector, { budget }) {
      if (failures.length > 0) throw failures.shift();
      const removed = items.splice(0, 2);
      budget.spend(removed.length + 1);
      return { erased: removed.length, cursor: items.length > 0 ? "more" : undefined };
    },
    async export(_selector, { cursor, budget }) {
      const start = Number(cursor ?? 0);
      budget.spend(1, 10);
      const end = start + 2;
      return {
        items: items.slice(start, end),
        cursor: end < items.length ? String(end) : undefined,
      };
    },
  };
  return { store, items, failures };
}

function create(stores: readonly PersonalDataStore[], maxOperations?: number) {
  return createErasures({
    stores,
    signer: createReceiptSigner(secret),
    cursors: createCursors(secret, "erasure"),
    ...(maxOperations !== undefined && { maxOperations }),
  });
}

describe("an erasure", () => {
  test("goes through all pages of all stores", async () => {
    const [captures, events] = [createStore("captures", 5), createStore("events", 1)];
    const { receipt, cursor } = await create([captures.store, events.store]).erase(SUBJECT);
    expect(receipt).toMatchObject({
      selector: SUBJECT,
      complete: true,
      stores: [
        { name: "captures", erased: 5, complete: true },
        { name: "events", erased: 1, complete: true },
      ],
    });
    expect(cursor).toBeUndefined();
    expect([...captures.items, ...events.items]).toEqual([]);
  });

  test("with more than a request may do is continued by its cursor, and counts everything once", async () => {
    const [captures, events] = [createStore("captures", 9), createStore("events", 3)];
    const erasures = create([captures.store, events.store], 5);
    let { receipt, cursor } = await erasures.erase(SUBJECT);
    const { id, startedAt } = receipt;
    expect(receipt.complete).toBe(false);
    let requests = 1;
    for (; cursor !== undefined && requests < 20; requests++)
      ({ receipt, cursor } = await erasures.erase(SUBJECT, cursor));
    expect(requests).toBeGreaterThan(2);
    expect(receipt).toMatchObject({ id, startedAt, complete: true });
    expect(receipt.stores.map(({ erased }) => erased)).toEqual([9, 3]);
  });

  test("goes on after a store that fails, says so, and tries it again", async () => {
    const [captures, events] = [createStore("captures", 4), createStore("events", 1)];
    captures.failures.push(new ApiError("storage_failed", "It is down."));
    const erasures = create([captures.store, events.store]);
    const first = await erasures.erase(SUBJECT);
    expect(first.receipt).toMatchObject({
      complete: false,
      stores: [
        { name: "captures", erased: 0, complete: false, problem: "storage_failed" },
        { name: "events", erased: 1, complete: true },
      ],
    });
    const second = await erasures.erase(SUBJECT, first.cursor);
    expect(second.receipt).toMatchObject({
      complete: true,
      stores: [{ erased: 4, complete: true }, { erased: 1 }],
    });
    expect(second.receipt.stores[0]).not.toHaveProperty("problem");
  });

  test("tells what nobody can remove, once, and until when at the latest", async () => {
    const times = ["2026-12-02T00:00:00.000Z", "2026-12-03T00:00:00.000Z", undefined];
    const store: PersonalDataStore = {
      name: "predictions",
      async erase(_, { cursor }) {
        const page = Number(cursor ?? 0);
        const until = [times[1], times[0]][page];
        return {
          erased: 1,
          remains: [{ what: "copies elsewhere", until }],
          cursor: page === 0 ? "1" : undefined,
        };
      },
      export: async () => ({ items: [] }),
    };
    const { receipt } = await create([store]).erase(SUBJECT);
    expect(receipt.stores[0]?.remains).toEqual([{ what: "copies elsewhere", until: times[1] }]);
  });

  test("is not continued with another selector", async () => {
    const erasures = create([createStore("captures", 9).store], 2);
    const { cursor } = await erasures.erase(SUBJECT);
    await rejectedApiError("invalid_request", erasures.erase(OTHER, cursor));
  });
});

describe("a data export", () => {
  const exporting = (stores: readonly PersonalDataStore[], maxOperations = 100) =>
    createDataExports({ stores, cursors: createCursors(secret, "export"), maxOperations });

  test("has all items of all stores, in as many parts as it takes", async () => {
    const stores = [
      createStore("captures", 5),
      createStore("prefixes", 0),
      createStore("events", 3),
    ];
    const exports = exporting(
      stores.map(({ store }) => store),
      2,
    );
    const found: unknown[] = [];
    let cursor: string | undefined;
    let parts = 0;
    do {
      const part = await exports.export(SUBJECT, cursor);
      found.push(...part.stores.flatMap(({ items }) => items));
      cursor = part.cursor;
      parts += 1;
    } while (cursor !== undefined && parts < 20);
    expect(parts).toBeGreaterThan(2);
    expect(found).toEqual(stores.flatMap(({ items }) => items));
  });

  test("fails with a store that cannot be read", async () => {
    const { store } = createStore("captures", 1);
    const failing = {
      ...store,
      export: () => Promise.reject(new ApiError("storage_failed", "Down.")),
    };
    await rejectedApiError("storage_failed", exporting([failing]).export(SUBJECT));
  });

  test("is not continued with another selector, nor with the cursor of an erasure", async () => {
    const exports = exporting([createStore("captures", 9).store], 1);
    const { cursor } = await exports.export(SUBJECT);
    await rejectedApiError("invalid_request", exports.export(OTHER, cursor));
    const erasing = await create([createStore("captures", 9).store], 1).erase(SUBJECT);
    await rejectedApiError("invalid_request", exports.export(SUBJECT, erasing.cursor));
  });
});
