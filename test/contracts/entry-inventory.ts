import { beforeEach, expect, test } from "vitest";
import type { CacheAddress, EntryInventory } from "../../src/domain/cache.ts";

export interface InventoryUnderTest {
  readonly inventory: EntryInventory;
  put(address: CacheAddress, value: Uint8Array): Promise<void>;
}

const SUBJECT = "5".repeat(32);

/** What every {@link EntryInventory} does, on a storage that is empty at first. */
export function testEntryInventory(create: () => Promise<InventoryUnderTest>): void {
  let subject: InventoryUnderTest;
  const stored = Array.from(
    { length: 7 },
    (_, index): CacheAddress => ({
      key: String(index).repeat(64),
      model: { name: index < 4 ? "iris" : "digits", version: "1" },
      client: index % 2 === 0 ? `abc.${SUBJECT}` : undefined,
      origin: { principal: "abc", request: String(index).repeat(32) },
      createdAt: index,
    }),
  );

  beforeEach(async () => {
    subject = await create();
    for (const [index, each] of stored.entries()) await subject.put(each, Uint8Array.of(index));
  });

  async function collect(limit: number, scope = {}): Promise<readonly CacheAddress[][]> {
    const pages: CacheAddress[][] = [];
    let cursor: string | undefined;
    do {
      const page = await subject.inventory.find(scope, { limit, cursor });
      pages.push([...page.found]);
      cursor = page.cursor;
    } while (cursor !== undefined && pages.length < 50);
    return pages;
  }

  test.each([1, 2, 3, 100])("pages of at most %i have each entry once", async (limit) => {
    const pages = await collect(limit);
    for (const page of pages) expect(page.length).toBeLessThanOrEqual(limit);
    expect(pages.flat()).toHaveLength(stored.length);
    expect(pages.flat()).toEqual(expect.arrayContaining(stored));
  });

  test("pages have what is in the scope, and nothing else", async () => {
    const keys = async (scope: object): Promise<string[]> =>
      (await collect(2, scope))
        .flat()
        .map(({ key }) => key[0] ?? "")
        .sort();
    expect(await keys({ subject: SUBJECT })).toEqual(["0", "2", "4", "6"]);
    expect(await keys({ request: "3".repeat(32) })).toEqual(["3"]);
    expect(await keys({ principal: "abc", model: "digits" })).toEqual(["4", "5", "6"]);
    expect(await keys({ principal: "abcd" })).toEqual([]);
  });

  test("what a page has deleted is not on the next one, and nothing is left out", async () => {
    let cursor: string | undefined;
    let deleted = 0;
    do {
      const page = await subject.inventory.find({}, { limit: 2, cursor });
      await subject.inventory.delete(page.found);
      deleted += page.found.length;
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(deleted).toBe(stored.length);
    expect((await collect(100)).flat()).toEqual([]);
  });

  test("reads the bytes of an entry, and deletes those that do not exist", async () => {
    const [, second] = stored;
    if (!second) throw new Error("no entry");
    expect(await subject.inventory.get(second)).toEqual(Uint8Array.of(1));
    await subject.inventory.delete([second, second]);
    await subject.inventory.delete([second]);
    expect(await subject.inventory.get(second)).toBeUndefined();
  });
}
