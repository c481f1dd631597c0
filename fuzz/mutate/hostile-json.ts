import type { Random } from "../random.ts";
import { hostileText, KEYS } from "./hostile-text.ts";
import { type JsonNode, toTree } from "./json-tree.ts";

/** Values as JSON text: the edges of the number formats, and what JavaScript treats in its own way. */
const VALUES = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "-0.0",
  "1",
  "-1",
  "2",
  "0.5",
  "1.0",
  "1e0",
  "16",
  "1e308",
  "-1e308",
  "1e309",
  "-1e999",
  "1e-400",
  "5e-324",
  "3.4028236e38",
  "65504",
  "65520",
  "127",
  "128",
  "-129",
  "255",
  "256",
  "32768",
  "65536",
  "2147483647",
  "2147483648",
  "-2147483649",
  "4294967295",
  "4294967296",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "-9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "-9223372036854775809",
  "18446744073709551615",
  "18446744073709551616",
  `1${"0".repeat(400)}`,
  `0.${"1".repeat(400)}`,
  `1e${"9".repeat(30)}`,
  "{}",
  "[]",
  "[[]]",
  "[[[]]]",
  "[null]",
  "[{}]",
  "[[],[1]]",
  "[1,[2]]",
  '[1,"a",null]',
  "[true,1]",
  '{"toString":1}',
  '{"valueOf":null,"toString":null}',
  '{"toJSON":1}',
  '{"then":1}',
  '{"length":1000000000}',
  '{"__proto__":{"inputs":[1]}}',
  '{"constructor":{"prototype":{}}}',
  '{"hasOwnProperty":1}',
  '{"":""}',
  '{"a":1,"a":2}',
  '{"data":[1]}',
  '{"b64":"AAAA"}',
  '{"url":"data:,"}',
  '{"type":"text"}',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"a\\ud800b"',
  '"\\u0000"',
  '"\\/"',
  // No JSON.
  "NaN",
  "Infinity",
  "undefined",
  "'a'",
  "01",
  "+1",
  ".5",
  "1.",
  "0x1",
  "1n",
  "{a:1}",
  "[1,]",
  "{,}",
  "[",
  "{",
  '"',
  "",
  "//",
  '"\\x"',
  '"\n"',
  "[1 2]",
  "nul",
  "\u0000",
  "\ufeff1",
] as const;

export function hostileValue(random: Random): JsonNode {
  const choice = random.next();
  if (choice < 0.6) return { kind: "text", text: random.pick(VALUES) };
  if (choice < 0.85) return toTree(hostileText(random));
  if (choice < 0.9) return nested(random);
  if (choice < 0.95) return wide(random);
  return { kind: "text", text: `${Math.round((random.next() - 0.5) * 10 ** random.below(20))}` };
}

export function hostileKey(random: Random): string {
  return random.chance(0.8) ? random.pick(KEYS) : hostileText(random);
}

/** Arrays or objects in each other. */
function nested(random: Random): JsonNode {
  const depth = random.pick([2, 5, 17, 40, 200, 2000, 12_000]);
  const [open, close] = random.pick([
    ["[", "]"],
    ['{"a":', "}"],
    ['[{"inputs":', "}]"],
    ["[1,", "]"],
  ] as const);
  // Left open at times.
  return {
    kind: "text",
    text:
      open.repeat(depth) +
      (open.endsWith("[") ? "" : "0") +
      (random.chance(0.9) ? close.repeat(depth) : ""),
  };
}

/** Many items, or many keys. */
function wide(random: Random): JsonNode {
  const length = random.pick([10, 100, 1000, 10_000]);
  const item = random.pick(["0", "null", "[]", "{}", '""', "1e3", '"a"', "[[]]"]);
  if (random.chance(0.7)) return { kind: "text", text: `[${Array(length).fill(item).join(",")}]` };
  const entries = Array.from({ length }, (_, index) => `"k${index}":${item}`);
  return { kind: "text", text: `{${entries.join(",")}}` };
}
