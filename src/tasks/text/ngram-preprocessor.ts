import { z } from "zod";
import { characterNgramsBlock } from "../../domain/blocks/preprocess/character-ngrams.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import { ApiError } from "../../domain/errors.ts";
import { type TensorSpec, toBytes } from "../../domain/tensor.ts";
import { describe } from "../../domain/tensor-json.ts";
import { maxBatchOf, type Preprocessor, splitList } from "../preprocessor.ts";
import { parseJsonFile } from "./json-file.ts";
import { checkTextCount, checkTotalCharacters, textOf } from "./text-item.ts";

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
): Preprocessor {
  const vocabulary = parseVocabulary(vocabularyJson, spec);
  const columns = new Map(vocabulary.map((ngram, column) => [ngram, column]));

  const countInto = (row: Float32Array, letters: string): void => {
    for (let length = 1; length <= MAX_LENGTH; length++) {
      const total = letters.length - length + 1;
      for (let start = 0; start < total; start++) {
        const column = columns.get(letters.slice(start, start + length));
        if (column !== undefined) row[column] = (row[column] ?? 0) + 1;
      }
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
      const split = splitList(inputs);
      checkTextCount(split.items.length);
      return split;
    },
    toTensors(items, { trace }) {
      return trace.measure("preprocess", () => {
        const texts = items.map((item) => ({ text: textOf(item), path: item.path }));
        checkTotalCharacters(texts.reduce((sum, { text }) => sum + text.length, 0));
        const normalized = texts.map(lettersOf);
        const width = vocabulary.length;
        const frequencies = new Float32Array(items.length * width);
        for (const [index, letters] of normalized.entries()) {
          countInto(frequencies.subarray(index * width, (index + 1) * width), letters);
        }
        const shape = [items.length, width];
        return {
          tensors: [{ name: spec.name, datatype: "FP32", shape, data: toBytes(frequencies) }],
        };
      });
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

/** @throws ApiError `invalid_input` without letters: the model would return one language with a score of 1 */
function lettersOf({ text, path }: { text: string; path: string }): string {
  const letters = normalize(text);
  if (letters.trim() !== "") return letters;
  throw new ApiError(
    "invalid_input",
    `${path} has no letters, which this model needs; got ${describe(text)}.`,
  );
}

/** Letters, marks and single spaces only, in lower case, with a space at each end. */
function normalize(text: string): string {
  const letters = text
    .replace(/-+/g, " ")
    .replace(/[^\p{L}\p{M}\s]/gu, "")
    .replace(/\s{2,}/g, " ");
  return ` ${letters.toLowerCase().trim()} `;
}
