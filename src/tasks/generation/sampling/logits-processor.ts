import type { TokenHistory } from "./token-history.ts";

/** Changes the logits of the next token in place, each result rounded to FP32. */
export type LogitsProcessor = (logits: Float32Array, history: TokenHistory) => void;
