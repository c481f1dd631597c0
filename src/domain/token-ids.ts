/** What a model reads of one text, special tokens included, from a caller that tokenizes itself. */
export class TokenIds {
  readonly ids: readonly number[];

  constructor(ids: readonly number[]) {
    this.ids = ids;
  }
}
