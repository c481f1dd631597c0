import type { LogitsProcessor } from "./sampling/logits-processor.ts";

export interface ForcedTokens {
  /** The first token that is generated. */
  readonly first: number | undefined;
  /** The last token of a text that is as long as it may be. */
  readonly last: number | undefined;
  readonly maxNewTokens: number;
}

/** As transformers' `ForcedBOSTokenLogitsProcessor` and `ForcedEOSTokenLogitsProcessor`: a forced token is certain. */
export function createForcedTokens({ first, last, maxNewTokens }: ForcedTokens): LogitsProcessor[] {
  if (first === undefined && last === undefined) return [];
  return [
    (logits, { generated }) => {
      const isLast = generated.length === maxNewTokens - 1;
      const token =
        isLast && last !== undefined ? last : generated.length === 0 ? first : undefined;
      if (token === undefined) return;
      logits.fill(Number.NEGATIVE_INFINITY);
      logits[token] = 0;
    },
  ];
}
