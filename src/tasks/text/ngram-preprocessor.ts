import * as z from "zod";
import {
  type CharacterNgramsBlock,
  characterNgramsBlock,
} from "../../domain/blocks/preprocess/character-ngrams.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import { ApiError } from "../../domain/errors.ts";
import { type TensorSpec, toBytes } from "../../domain/tensor.ts";
import { maxBatchOf, type Preprocessor, splitList } from "../preprocessor.ts";
import { parseJsonFile } from "./json-file.ts";
import { lettersOf } from "./ngram-letters.ts";
import { checkTextCount, checkTotalCharacters, textOf } from "./text-item.ts";
import { runSteps, STEP_SIZE, type Steps } from "./word-model.ts";

const MAX_LENGTH = 4;

const vocabularySchema = z.array(z.string().min(1).max(MAX_LENGTH));

/**
 * Texts as relative frequencies of character n-grams: how often each n-gram of the vocabulary occurs
 * among all n-grams of its length. The arithmetic is that of lande (https://github.com/fabiospampinato/lande),
 * whose n-grams are of UTF-16 code units.
 * @param vocabularyJson a JSON array of n-grams of 1 to 4 code units, in the order of the input's columns
 * @throws ApiError `task_not_supported` for another file
 */
export function createNgramPreprocessor(
  spec: TensorSpec,
  vocabularyJson: Uint8Array,
  version: CharacterNgramsBlock["version"],
): Preprocessor {
  const vocabulary = parseVocabulary(vocabularyJson, spec);
  const columns = new Map(vocabulary.map((ngram, column) => [ngram, column]));

  const countInto = function* (row: Float32Array, letters: string): Steps<void> {
    for (let start = 0; start < letters.length; start++) {
      const longest = Math.min(MAX_LENGTH, letters.length - start);
      for (let length = 1; length <= longest; length++) {
        const column = columns.get(letters.slice(start, start + length));
        if (column !== undefined) row[column] = (row[column] ?? 0) + 1;
      }
      if (start % STEP_SIZE === STEP_SIZE - 1) yield;
    }
    for (const [column, ngram] of vocabulary.entries()) {
      const total = letters.length - ngram.length + 1;
      if (row[column]) row[column] /= total;
    }
  };

  return {
    mediaTypes: characterNgramsBlock.mediaTypes,
    parameters: characterNgramsBlock.parameters,
    maxBatch: maxBatchOf(spec.shape[0], Number.POSITIVE_INFINITY),
    split(inputs) {
      return splitList(inputs, checkTextCount);
    },
    async toTensors(items, { trace, checkpoint }) {
      const ended = trace.start("preprocess");
      try {
        const texts = items.map((item) => ({ text: textOf(item), path: item.path }));
        checkTotalCharacters(texts.reduce((sum, { text }) => sum + text.length, 0));
        const width = vocabulary.length;
        const frequencies = new Float32Array(items.length * width);
        let unchecked = 0;
        for (const [index, { text, path }] of texts.entries()) {
          const row = frequencies.subarray(index * width, (index + 1) * width);
          const letters = await runSteps(lettersOf(text, path, version), checkpoint);
          await runSteps(countInto(row, letters), checkpoint);
          unchecked += text.length + width;
          if (unchecked < STEP_SIZE) continue;
          unchecked = 0;
          await checkpoint();
        }
        const shape = [items.length, width];
        return {
          tensors: [{ name: spec.name, datatype: "FP32", shape, data: toBytes(frequencies) }],
        };
      } finally {
        ended();
      }
    },
  };
}

/** @throws ApiError `task_not_supported` for a file that is not a vocabulary, or not one of the model's input */
function parseVocabulary(json: Uint8Array, { shape }: TensorSpec): readonly string[] {
  const parsed = vocabularySchema.safeParse(parseJsonFile(json, "vocabulary"));
  if (!parsed.success)
    throw new ApiError(
      "task_not_supported",
      `The model's vocabulary is not an array of n-grams of 1 to ${MAX_LENGTH} code units: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`,
    );
  const { length } = parsed.data;
  const columns = fixedSize(shape[1]) ?? length;
  if (length === columns) return parsed.data;
  throw new ApiError(
    "task_not_supported",
    `The model's vocabulary has ${length} n-grams, but its input has ${columns} columns.`,
  );
}
