import type { ItemMetadata } from "../preprocessor.ts";
import type { Encoding, Tokenizer } from "./tokenizer.ts";

/** What postprocessors may need of a text that was tokenized. */
export interface TextMetadata extends ItemMetadata {
  readonly kind: "tokens";
  readonly text: string;
  readonly encoding: Encoding;
  readonly tokenizer: Tokenizer;
}

/** Whether an output of shape [batch, tokens, ...] has a row for each text and a vector for each of its tokens. */
export function isTokenOutput(shape: readonly number[], texts: readonly TextMetadata[]): boolean {
  const [batch = 0, tokens = 0] = shape;
  return (
    shape.length === 3 &&
    batch === texts.length &&
    texts.every(({ encoding }) => encoding.ids.length <= tokens)
  );
}
