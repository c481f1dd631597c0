import { testTokenizerLimits } from "../../../contracts/tokenizer-limits.ts";

testTokenizerLimits([
  "wordpiece-uncased",
  "wordpiece-cased",
  "bpe-byte-level",
  "bpe-byte-fallback",
]);
