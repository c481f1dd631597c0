import type { TextPair } from "./tokenizer.ts";

/** Items of texts that are not a text alone. */

/** Two texts that are read together. */
export class PairedTexts implements TextPair {
  readonly first: string;
  readonly second: string;
  readonly firstPath: string;
  readonly secondPath: string;

  constructor({ first, second, firstPath, secondPath }: TextPair) {
    this.first = first;
    this.second = second;
    this.firstPath = firstPath;
    this.secondPath = secondPath;
  }
}

/** A text of a ranking whose texts are read one by one: what is searched for, or what is ranked. */
export class RankedText {
  readonly text: string;
  readonly isQuery: boolean;

  constructor(text: string, isQuery: boolean) {
    this.text = text;
    this.isQuery = isQuery;
  }
}
