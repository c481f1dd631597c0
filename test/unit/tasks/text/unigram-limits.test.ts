import { testTokenizerLimits } from "../../../contracts/tokenizer-limits.ts";

testTokenizerLimits(["unigram", "unigram-charsmap"]);
