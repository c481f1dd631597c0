import type { z } from "zod";
import { type TokenizerBlock, tokenizerBlock } from "../../domain/blocks/preprocess/tokenizer.ts";
import { ApiError } from "../../domain/errors.ts";
import { Media } from "../../domain/media.ts";
import { type Tensor, type TensorSpec, toBytes } from "../../domain/tensor.ts";
import { describe } from "../../domain/tensor-json.ts";
import { TokenIds } from "../../domain/token-ids.ts";
import { quoteAll } from "../../shared/quote.ts";
import { type Item, type Items, type Preprocessor, splitList } from "../preprocessor.ts";
import { checkTextCount, checkTotalCharacters, textOf } from "./text-item.ts";
import type { TextMetadata } from "./text-metadata.ts";
import { encodeIds } from "./token-id-encoding.ts";
import { canLocate } from "./token-spans.ts";
import { createTokenizer, type Encoding } from "./tokenizer.ts";
import { finish, runSteps, STEP_SIZE, type Steps } from "./word-model.ts";

export interface TokenizerOptions {
  /** Whether `{"source_sentence": ..., "sentences": [...]}` is accepted as well. */
  readonly comparisons: boolean;
  /** Whether the postprocessor locates tokens in the text. */
  readonly spans: boolean;
}

/** Texts of a run. */
const MAX_RUN_TEXTS = 32;
/**
 * Tokens of a run, padding included; a longer text runs alone. A run cannot be interrupted, so other requests wait for
 * it: 256 tokens of MiniLM take about 0.1 s, as its longest text does, and runs of 512 were faster by a tenth at most
 * (measured). The heap that a run needs grows with them, too.
 */
const MAX_RUN_TOKENS = 256;

/**
 * Texts as token ids, by a tokenizer.json. Texts of similar length run together, padded on the right to the
 * longest of the run.
 * @param specOf the model's inputs by their names
 */
export function createTokenizerPreprocessor(
  block: TokenizerBlock,
  specOf: (input: string) => TensorSpec,
  json: Uint8Array,
  { comparisons, spans }: TokenizerOptions,
): Preprocessor<typeof tokenizerBlock.parameters> {
  const { ids, attentionMask, tokenTypeIds } = block.inputs;
  const tokenizer = createTokenizer(json);
  if (spans && !canLocate(tokenizer))
    throw new ApiError(
      "task_not_supported",
      "The model's tokenizer normalizes texts so that tokens cannot be located in them, which token classification needs.",
    );
  const batch = specOf(ids).shape[0];
  const maxTexts = typeof batch === "number" && batch > 0 ? batch : MAX_RUN_TEXTS;

  const encodeItem = function* (item: Item, parameters: Parameters): Steps<Prepared> {
    const { truncate = block.truncation === "end", truncation_direction } = parameters;
    const truncation = !truncate ? "error" : isLeft(truncation_direction) ? "start" : "end";
    const options = { maxLength: block.maxLength, truncation } as const;
    if (item.value instanceof TokenIds)
      return new Prepared("", encodeIds(item.value, item.path, tokenizer, options));
    const text = textOf(item);
    return new Prepared(text, yield* tokenizer.encode(text, item.path, options));
  };

  return {
    mediaTypes: tokenizerBlock.mediaTypes,
    parameters: tokenizerBlock.parameters,
    maxBatch: maxTexts,
    split(inputs) {
      const items =
        comparisons && isComparison(inputs)
          ? splitComparison(inputs)
          : splitList(inputs, checkTextCount);
      checkAmount(items.items);
      return items;
    },
    async plan(items, { parameters, trace, checkpoint }) {
      const ended = trace.start("preprocess");
      try {
        const prepared: { path: string; value: Prepared }[] = [];
        let unchecked = 0;
        for (const item of items) {
          const value = await runSteps(encodeItem(item, parameters), checkpoint);
          prepared.push({ path: item.path, value });
          unchecked += sizeOf(item);
          if (unchecked < STEP_SIZE) continue;
          unchecked = 0;
          await checkpoint();
        }
        const lengths = prepared.map(({ value }) => value.encoding.ids.length);
        const tokens = lengths.reduce((sum, length) => sum + length, 0);
        return { items: prepared, runs: group(lengths, maxTexts), tokens };
      } finally {
        ended();
      }
    },
    toTensors(items, { parameters, trace }) {
      return trace.measure("preprocess", () => {
        const prepared = items.map((item) =>
          item.value instanceof Prepared ? item.value : finish(encodeItem(item, parameters)),
        );
        const longest = Math.max(...prepared.map(({ encoding }) => encoding.ids.length), 1);
        const width = block.padding === "longest" ? longest : block.maxLength;
        const fill = (
          name: string,
          padding: number,
          of: (encoding: Encoding) => readonly number[],
        ): Tensor =>
          toTensor(
            specOf(name),
            prepared.map(({ encoding }) => of(encoding)),
            width,
            padding,
          );
        const tensors = [fill(ids, tokenizer.padId, (encoding) => encoding.ids)];
        if (attentionMask)
          tensors.push(fill(attentionMask, 0, (encoding) => encoding.ids.map(() => 1)));
        if (tokenTypeIds) tensors.push(fill(tokenTypeIds, 0, (encoding) => encoding.typeIds));
        const metadata = prepared.map(
          ({ text, encoding }): TextMetadata => ({ kind: "tokens", text, encoding, tokenizer }),
        );
        return { tensors, metadata };
      });
    },
  };
}

/** The value of an item that `plan` returns. */
class Prepared {
  readonly text: string;
  readonly encoding: Encoding;

  constructor(text: string, encoding: Encoding) {
    this.text = text;
    this.encoding = encoding;
  }
}

type Parameters = z.output<typeof tokenizerBlock.parameters>;

function isLeft(direction: Parameters["truncation_direction"]): boolean {
  return direction === "left" || direction === "Left";
}

/** About how much work an item is. */
function sizeOf({ value }: Item): number {
  if (typeof value === "string") return value.length;
  if (value instanceof TokenIds) return value.ids.length;
  return value instanceof Media ? value.bytes.byteLength : 0;
}

interface Comparison {
  readonly source_sentence: unknown;
  readonly sentences: unknown;
}

function isComparison(inputs: unknown): inputs is Comparison {
  return typeof inputs === "object" && inputs !== null && "source_sentence" in inputs;
}

function splitComparison({ source_sentence, sentences, ...others }: Comparison): Items {
  const unknown = Object.keys(others);
  if (!Array.isArray(sentences) || sentences.length === 0 || unknown.length > 0)
    throw new ApiError(
      "invalid_input",
      `inputs must be a text, a list of texts, or {"source_sentence": a text, "sentences": [texts]}; ${unknown.length > 0 ? `unknown: ${quoteAll(unknown)}` : `got ${describe(sentences)} as sentences`}.`,
    );
  const items = sentences.map((value, index) => ({ value, path: `inputs.sentences[${index}]` }));
  return {
    items: [{ value: source_sentence, path: "inputs.source_sentence" }, ...items],
    form: "comparison",
  };
}

function checkAmount(items: readonly Item[]): void {
  checkTextCount(items.length);
  // The tokenizer has a limit of its own for a single text.
  if (items.length === 1) return;
  let total = 0;
  for (const { value } of items) if (typeof value === "string") total += value.length;
  checkTotalCharacters(total);
}

/** Runs of texts of similar length, within the limits of a run; the shortest first. */
function group(lengths: readonly number[], maxTexts: number): number[][] {
  const runs: number[][] = [];
  let run: number[] = [];
  const byLength = lengths
    .map((_, index) => index)
    .sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0));
  for (const index of byLength) {
    const length = lengths[index] ?? 0;
    const full = run.length === maxTexts || (run.length + 1) * length > MAX_RUN_TOKENS;
    if (full && run.length > 0) {
      runs.push(run);
      run = [];
    }
    run.push(index);
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

function toTensor(
  spec: TensorSpec,
  rows: readonly (readonly number[])[],
  width: number,
  padding: number,
): Tensor {
  const { name, datatype } = spec;
  const shape = [rows.length, width];
  const fill = <T extends BigInt64Array | Int32Array>(
    values: T,
    convert: (value: number) => T[number],
  ): T => {
    for (const [row, own] of rows.entries())
      for (let column = 0; column < width; column++)
        values[row * width + column] = convert(own[column] ?? padding);
    return values;
  };
  const size = rows.length * width;
  if (datatype === "INT64")
    return { name, datatype, shape, data: toBytes(fill(new BigInt64Array(size), BigInt)) };
  if (datatype === "INT32")
    return { name, datatype, shape, data: toBytes(fill(new Int32Array(size), Number)) };
  throw new Error(`token ids are INT64 or INT32, not ${datatype}`);
}
