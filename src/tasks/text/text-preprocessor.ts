import { textBlock } from "../../domain/blocks/preprocess/text.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { type Item, maxBatchOf, type Preprocessor, splitList } from "../preprocessor.ts";
import {
  checkTextCount,
  checkTextLength,
  checkTotalCharacters,
  MAX_CHARACTERS,
  textOf,
} from "./text-item.ts";

/** Texts of a run: a model of word frequencies makes a number for each word that it knows of each of them. */
const MAX_RUN_TEXTS = 32;

/** Texts as they are, into a BYTES input; half of a surrogate pair counts as U+FFFD. */
export function createTextPreprocessor({ name, shape }: TensorSpec): Preprocessor {
  const maxBatch = maxBatchOf(shape[0], MAX_RUN_TEXTS);

  return {
    mediaTypes: textBlock.mediaTypes,
    parameters: textBlock.parameters,
    maxBatch,
    split(inputs) {
      return splitList(inputs, checkTextCount);
    },
    async plan(items) {
      const texts = items.map((item) => ({ path: item.path, value: textOf(item) }));
      for (const { path, value } of texts) checkTextLength(value, path);
      const lengths = texts.map(({ value }) => value.length);
      checkTotalCharacters(lengths.reduce((sum, length) => sum + length, 0));
      return { items: texts, runs: group(lengths, maxBatch) };
    },
    toTensors(items, { trace }) {
      return trace.measure("preprocess", () => {
        const data = items.map((item: Item) => textOf(item).toWellFormed());
        const column = shape.length === 2 ? [1] : [];
        return {
          tensors: [{ name, datatype: "BYTES", shape: [data.length, ...column], data }],
        };
      });
    },
  };
}

/** Runs in the order of the texts, none with more characters than a single text may have. */
function group(lengths: readonly number[], maxTexts: number): number[][] {
  const runs: number[][] = [];
  let characters = 0;
  for (const [index, length] of lengths.entries()) {
    const run = runs.at(-1);
    if (run && run.length < maxTexts && characters + length <= MAX_CHARACTERS) run.push(index);
    else {
      runs.push([index]);
      characters = 0;
    }
    characters += length;
  }
  return runs;
}
