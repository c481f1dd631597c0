import { describe, expect, it } from "vitest";
import {
  API_KEY_LENGTH,
  API_KEY_PREFIX,
  generateApiKey,
  generateKeyId,
  KEY_ID,
  keyIdIn,
} from "../../../../src/domain/access/api-key.ts";

/** Id, secret and the checksum that Python's zlib.crc32 gives for them. */
const KNOWN = [
  ["0123456789AB", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "3PctKz"],
  ["zzzzzzzzzzzz", "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ", "3gDfcK"],
  ["Kq3v0XyWm2Bt", "7Gk2mQ9xVbN4tLwR8pZsHj5cYdF3aE6u", "11hLzG"],
  ["000000000003", "00000000000000000000000000000000", "3YSs3G"],
  ["AbCdEfGhIjKl", "MnOpQrStUvWxYz0123456789AbCdEfGh", "07IoiD"],
] as const;

describe("keyIdIn", () => {
  it.each(KNOWN)("finds the id %s in its key", (id, secret, checksum) => {
    expect(keyIdIn(`of_live_${id}${secret}${checksum}`)).toBe(id);
  });

  const [[id, secret, checksum]] = KNOWN;
  const key = `of_live_${id}${secret}${checksum}`;
  it.each([
    ["an empty text", ""],
    ["the prefix alone", "of_live_"],
    ["another prefix", key.replace("of_live_", "of_test_")],
    ["a key that lacks its end", key.slice(0, -1)],
    ["a key with a character more", `${key}a`],
    ["a key with a line break", `${key}\n`],
    ["a key with a space before", ` ${key}`],
    ["a character that is no digit", key.replace("aa", "a-")],
    ["a digit of another script", key.replace("0", "٠")],
    ["the checksum of another key", `of_live_${id}${secret}${KNOWN[1][2]}`],
  ])("refuses %s", (_, text) => {
    expect(keyIdIn(text)).toBeUndefined();
  });

  it("refuses a key with one wrong character, wherever it is", () => {
    for (let index = API_KEY_PREFIX.length; index < key.length; index++) {
      const wrong = key[index] === "x" ? "y" : "x";
      expect(keyIdIn(`${key.slice(0, index)}${wrong}${key.slice(index + 1)}`)).toBeUndefined();
    }
  });
});

describe("generateApiKey", () => {
  it("makes a key of the id, with another secret each time", () => {
    const ids = Array.from({ length: 200 }, generateKeyId);
    expect(new Set(ids).size).toBe(ids.length);
    const [id = ""] = ids;
    const keys = Array.from({ length: 200 }, () => generateApiKey(id));
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) {
      expect(key).toHaveLength(API_KEY_LENGTH);
      expect(keyIdIn(key)).toBe(id);
    }
    for (const each of ids) expect(each).toMatch(KEY_ID);
  });

  it("uses each of the 62 characters equally often", () => {
    const counts = new Map<string, number>();
    const begin = API_KEY_PREFIX.length + 12;
    for (let made = 0; made < 2000; made++)
      for (const digit of generateApiKey("000000000000").slice(begin, begin + 32))
        counts.set(digit, (counts.get(digit) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // 64,000 draws: 1032 of each are expected, with a standard deviation of 32.
    for (const count of counts.values()) expect(Math.abs(count - 64_000 / 62)).toBeLessThan(260);
  });
});
