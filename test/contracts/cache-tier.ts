import { beforeEach, describe, expect, test } from "vitest";
import type { CacheAddress, CacheTier } from "../../src/domain/cache.ts";

const TTL_SECONDS = 60;
const address: CacheAddress = {
  key: "a".repeat(64),
  model: { name: "iris", version: "1" },
  client: undefined,
};

/**
 * The contract of every {@link CacheTier}, independent of its storage.
 * @param create a tier on a storage that is empty
 */
export function testCacheTier(create: () => Promise<CacheTier>): void {
  let tier: CacheTier;

  beforeEach(async () => {
    tier = await create();
  });

  const read = async (where: CacheAddress): Promise<number[] | undefined> => {
    const value = await tier.get(where);
    return value && [...value];
  };

  describe("get", () => {
    test("get returns undefined for a key that was never stored", async () => {
      expect(await tier.get(address)).toBeUndefined();
    });

    test("changing the returned bytes does not change the stored ones", async () => {
      await tier.put(address, Uint8Array.of(1, 2, 3), TTL_SECONDS);
      const first = await tier.get(address);
      expect(first).toBeInstanceOf(Uint8Array);
      first?.fill(0);
      expect(await read(address)).toEqual([1, 2, 3]);
    });
  });

  describe("put", () => {
    test.each([
      ["one byte", Uint8Array.of(0)],
      ["every byte", Uint8Array.from({ length: 256 }, (_, byte) => byte)],
      ["what is no UTF-8", Uint8Array.of(0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80)],
      ["three megabytes", new Uint8Array(3_000_001).map((_, index) => index % 251)],
    ])("put stores %s", async (_, bytes) => {
      await tier.put(address, bytes, TTL_SECONDS);
      const stored = await tier.get(address);
      expect(Buffer.from(stored ?? []).equals(bytes)).toBe(true);
    });

    test("put stores only the part of a buffer that its view covers", async () => {
      const buffer = Uint8Array.of(9, 9, 1, 2, 3, 9);
      await tier.put(address, buffer.subarray(2, 5), TTL_SECONDS);
      expect(await read(address)).toEqual([1, 2, 3]);
    });

    test("put replaces the stored value", async () => {
      await tier.put(address, Uint8Array.of(1, 2, 3), TTL_SECONDS);
      await tier.put(address, Uint8Array.of(4), TTL_SECONDS);
      expect(await read(address)).toEqual([4]);
    });

    test("values of different keys are independent", async () => {
      const other = { ...address, key: "b".repeat(64) };
      await tier.put(address, Uint8Array.of(1), TTL_SECONDS);
      expect(await tier.get(other)).toBeUndefined();
      await tier.put(other, Uint8Array.of(2), TTL_SECONDS);
      expect([await read(address), await read(other)]).toEqual([[1], [2]]);
    });

    test("put stores entries of one client", async () => {
      const own = { ...address, client: "0123456789abcdef" };
      await tier.put(own, Uint8Array.of(1), TTL_SECONDS);
      expect(await read(own)).toEqual([1]);
    });

    test.each([1, 59, 60, 31_536_000])("put accepts a ttl of %i s", async (ttlSeconds) => {
      await tier.put(address, Uint8Array.of(1), ttlSeconds);
      expect(await read(address)).toEqual([1]);
    });
  });

  describe("delete", () => {
    test("delete removes one entry", async () => {
      const other = { ...address, key: "b".repeat(64) };
      await tier.put(address, Uint8Array.of(1), TTL_SECONDS);
      await tier.put(other, Uint8Array.of(2), TTL_SECONDS);
      await tier.delete(address);
      expect(await tier.get(address)).toBeUndefined();
      expect(await read(other)).toEqual([2]);
    });

    test("delete of a key that was never stored succeeds", async () => {
      await tier.delete(address);
      expect(await tier.get(address)).toBeUndefined();
    });
  });
}
