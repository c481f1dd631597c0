import type { Random } from "../random.ts";

/** Words that this service, JavaScript or JSON give a meaning. */
export const KEYS: readonly string[] = [
  "",
  ...`
__proto__ constructor prototype toString valueOf hasOwnProperty toJSON then length inputs
outputs parameters instances input model model_name id name shape datatype data contents options
encoding_format dimensions user input_type top_k threshold priority timeout sequence_id
sequence_start binary_data binary_data_size binary_data_output classification
shared_memory_region shared_memory_byte_size function_to_apply truncation_direction
signature_name source_sentence sentences stream return_timestamps truncate normalize all client
version
`
    .trim()
    .split(/\s+/),
];

/** Texts that parsers, normalizers and engines have stumbled over. */
export const TEXTS = [
  "",
  " ",
  "\t\n\r ",
  "\u0000",
  "a\u0000b",
  "\ufeff",
  "\ufeffabc",
  "\ufffd",
  "\u2028\u2029",
  "\u202e\u202d",
  "\u200b",
  "NaN",
  "nan",
  "Infinity",
  "-Infinity",
  "-inf",
  "null",
  "true",
  "undefined",
  "1",
  "-1",
  " 1 ",
  "1e3",
  "0x10",
  "1_000",
  "9007199254740993",
  "١٢٣",
  "e\u0301",
  "İ",
  "ß",
  "ﷺ",
  "\u{1f469}\u200d\u{1f469}\u200d\u{1f467}",
  "\u{10ffff}",
  "日本語のテキスト",
  "../../etc/passwd",
  "%00",
  "a/b",
  "a@b",
  "iris-logistic@1",
  "iris-logistic",
  "fuzz-strings",
  "'\"`;--",
  "{{7*7}}",
  "<script>",
  "\r\nx-injected: 1",
  "data:,",
  "data:;base64,",
  "data:image/png;base64,AAAA",
  "data:image/png;base64,%%%",
  "data:image/png,%89PNG%0d%0a",
  "data:text/plain;charset=utf-8,%C3",
  "http://127.0.0.1:1/",
  "file:///etc/passwd",
  "iVBORw0KGgo=",
  "AAAA",
  "A",
  "____",
  "-_-_",
  "float",
  "base64",
  "FP32",
  "BYTES",
  "RAW",
] as const;

/** A text that is hostile by its length. */
export function longText(random: Random): string {
  const unit = random.pick([
    "a",
    "0",
    " ",
    "\u0301",
    "é",
    "\u{1f600}",
    "\u0000",
    "[",
    "a b ",
    "\u1100\u1161",
    ".",
    "<s>",
  ]);
  return unit.repeat(random.pick([100, 1000, 5000, 30_000]));
}

export function hostileText(random: Random): string {
  return random.chance(0.04) ? longText(random) : random.pick(TEXTS);
}
