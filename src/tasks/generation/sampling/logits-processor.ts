import type { TokenHistory } from "./token-history.ts";

/**
 * Changes the logits of the next token in place, each result rounded to FP32.
 * @param raw the model's own, which stay as they are
 */
export type LogitsProcessor = (
  logits: Float32Array,
  history: TokenHistory,
  raw?: Float32Array,
) => void;
