import { describe, expect, test } from "vitest";
import { parseJson } from "../../../src/protocols/json.ts";
import { JSON_LIMITS } from "../../../src/protocols/json-structure.ts";
import { catchApiError } from "../../support/errors.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An array of `count` items of JSON text. */
function listOf(item: string, count: number): Uint8Array {
  return encode(`[${item}${`,${item}`.repeat(count - 1)}]`);
}

function nested(levels: number): Uint8Array {
  return encode("[".repeat(levels) + "]".repeat(levels));
}

describe("JSON is refused before it is parsed", () => {
  test.each([
    ["arrays and objects", listOf("{}", JSON_LIMITS.containers)],
    ["arrays and objects", listOf("[]", 5_000_000)],
    ["keys in one object", encode(`{${'"":0,'.repeat(JSON_LIMITS.keysOfObject)}"":0}`)],
    ["keys", listOf(`{${'"":0,'.repeat(4999)}"":0}`, JSON_LIMITS.keys / 5000 + 1)],
    ["strings", listOf('""', JSON_LIMITS.strings + 1)],
    ["values", listOf("0", JSON_LIMITS.values + 1)],
    [
      "numbers that a double does not hold exactly",
      listOf("9007199254740993", JSON_LIMITS.inexactNumbers + 1),
    ],
    ["numbers that a double does not hold exactly", listOf("1e999", 2_700_000)],
  ])("with more than the limit of %s", (what, bytes) => {
    expect(catchApiError("body_too_large", () => parseJson(bytes)).message).toMatch(
      new RegExp(`^The body has more than \\d+ ${what}, the most accepted\\.$`),
    );
  });

  test.each([JSON_LIMITS.depth + 1, 1000, 1_000_000])("with %i levels of nesting", (levels) => {
    expect(catchApiError("invalid_json", () => parseJson(nested(levels))).message).toBe(
      "The body is nested too deeply: more than 64 arrays and objects inside one another.",
    );
  });
});

describe("JSON is parsed", () => {
  test.each([
    ["the deepest nesting", nested(JSON_LIMITS.depth)],
    ["many numbers", listOf("-1.5e3", 1_000_000)],
    ["as many objects as are accepted", listOf("{}", JSON_LIMITS.containers - 1)],
    ["many objects of many keys", listOf(`{${'"":0,'.repeat(4999)}"":0}`, 90)],
    ["many siblings", listOf("[[]]", 100_000)],
    ["brackets in a string", encode(JSON.stringify(["[{".repeat(100_000)]))],
    ["brackets after an escaped quote", encode(JSON.stringify([`"${"[".repeat(100)}\\"`]))],
    ["brackets after an escaped backslash", encode(JSON.stringify(["\\", "[", '\\"[', "\\\\"]))],
  ])("with %s", (_, bytes) => {
    expect(parseJson(bytes)).toEqual(JSON.parse(new TextDecoder().decode(bytes)));
  });
});

test.each(['["', '["\\', '"\\"', "]]]", "{", "", '[1,"a]'])(
  "text that is not JSON is refused as such: %j",
  (text) => {
    expect(catchApiError("invalid_json", () => parseJson(encode(text))).message).toMatch(
      /^The body is not JSON: /,
    );
  },
);
