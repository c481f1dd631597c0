/** The token ids of one text, special tokens included, from a client that runs the tokenizer itself. */
export class TokenIds {
  readonly ids: readonly number[];

  constructor(ids: readonly number[]) {
    this.ids = ids;
  }
}
