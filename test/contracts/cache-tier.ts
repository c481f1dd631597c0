import { beforeEach, describe, expect, test } from "vitest";
import type { CacheAddress, CacheTier } from "../../src/domain/cache.ts";

const TTL_SECONDS = 60;
const address: CacheAddress = {
  key: "a".repeat(64),
  model: { name: "iris", version: "1" },
  client: undefined,
};

/**
 * What every {@link CacheTier} does, whatever it stores in.
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
    test("is undefined for what was never stored", async () => {
      expect(await tier.get(address)).toBeUndefined();
    });

    test("is bytes that nothing else sees changed", async () => {
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
    ])("stores %s", async (_, bytes) => {
      await tier.put(address, bytes, TTL_SECONDS);
      const stored = await tier.get(address);
      expect(Buffer.from(stored ?? []).equals(bytes)).toBe(true);
    });

    test("stores the part of a buffer that a view shows", async () => {
      const buffer = Uint8Array.of(9, 9, 1, 2, 3, 9);
      await tier.put(address, buffer.subarray(2, 5), TTL_SECONDS);
      expect(await read(address)).toEqual([1, 2, 3]);
    });

    test("replaces what was there", async () => {
      await tier.put(address, Uint8Array.of(1, 2, 3), TTL_SECONDS);
      await tier.put(address, Uint8Array.of(4), TTL_SECONDS);
      expect(await read(address)).toEqual([4]);
    });

    test("keeps keys apart", async () => {
      const other = { ...address, key: "b".repeat(64) };
      await tier.put(address, Uint8Array.of(1), TTL_SECONDS);
      expect(await tier.get(other)).toBeUndefined();
      await tier.put(other, Uint8Array.of(2), TTL_SECONDS);
      expect([await read(address), await read(other)]).toEqual([[1], [2]]);
    });

    test("takes entries of one client", async () => {
      const own = { ...address, client: "0123456789abcdef" };
      await tier.put(own, Uint8Array.of(1), TTL_SECONDS);
      expect(await read(own)).toEqual([1]);
    });

    test.each([1, 59, 60, 31_536_000])("takes a life of %i s", async (ttlSeconds) => {
      await tier.put(address, Uint8Array.of(1), ttlSeconds);
      expect(await read(address)).toEqual([1]);
    });
  });

  describe("delete", () => {
    test("removes one entry", async () => {
      const other = { ...address, key: "b".repeat(64) };
      await tier.put(address, Uint8Array.of(1), TTL_SECONDS);
      await tier.put(other, Uint8Array.of(2), TTL_SECONDS);
      await tier.delete(address);
      expect(await tier.get(address)).toBeUndefined();
      expect(await read(other)).toEqual([2]);
    });

    test("is content when there is nothing", async () => {
      await tier.delete(address);
      expect(await tier.get(address)).toBeUndefined();
    });
  });
}
