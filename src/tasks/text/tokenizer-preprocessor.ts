import type { z } from "zod";
import type { TextInputs } from "../../domain/blocks/block-definition.ts";
import { type TokenizerBlock, tokenizerBlock } from "../../domain/blocks/preprocess/tokenizer.ts";
import { ApiError } from "../../domain/errors.ts";
import { Media } from "../../domain/media.ts";
import type { Tensor, TensorSpec } from "../../domain/tensor.ts";
import { TokenIds } from "../../domain/token-ids.ts";
import type { Item, Preprocessor } from "../preprocessor.ts";
import { createPrompts } from "./prompts.ts";
import { PairedTexts, RankedText } from "./text-forms.ts";
import { splitTexts } from "./text-inputs.ts";
import { checkTextCount, checkTotalCharacters, textOf } from "./text-item.ts";
import type { TextMetadata } from "./text-metadata.ts";
import { encodeIds } from "./token-id-encoding.ts";
import { groupByLength, maxTextsOf, toTokenTensor } from "./token-runs.ts";
import { canLocate } from "./token-spans.ts";
import { createTokenizer, type Encoding } from "./tokenizer.ts";
import { finish, runSteps, STEP_SIZE, type Steps } from "./word-model.ts";

export interface TokenizerOptions {
  /** What inputs may be beside texts. */
  readonly inputs?: TextInputs | undefined;
  /** Whether the postprocessor locates tokens in the text. */
  readonly spans?: boolean | undefined;
  /** Parameters of the postprocess block, where texts are made of them: labels of hypotheses. */
  readonly parameters?: z.ZodObject | undefined;
  /** What a label is written into, unless the request says it. */
  readonly hypothesisTemplate?: string | undefined;
}

/**
 * Texts as token ids, by a tokenizer.json. Texts of similar length run together, padded on the right to the
 * longest of the run.
 * @param specOf the model's inputs by their names
 */
export function createTokenizerPreprocessor(
  block: TokenizerBlock,
  specOf: (input: string) => TensorSpec,
  json: Uint8Array,
  { inputs: kind, spans, parameters: others, hypothesisTemplate }: TokenizerOptions,
): Preprocessor {
  const { ids, attentionMask, tokenTypeIds } = block.inputs;
  const tokenizer = createTokenizer(json);
  if (spans && !canLocate(tokenizer))
    throw new ApiError(
      "task_not_supported",
      "The model's tokenizer normalizes texts so that tokens cannot be located in them, which token classification needs.",
    );
  const maxTexts = maxTextsOf(specOf(ids));

  // As Hugging Face's pipelines: a hypothesis is whole.
  const longerText = kind === "hypotheses" ? "first" : "longest";
  const promptOf = createPrompts(block.prompts ?? {}, block.defaultPrompt);

  const encodeItem = function* (item: Item, parameters: Parameters): Steps<Prepared> {
    const { truncate = block.truncation === "end", truncation_direction } = parameters;
    const truncation = !truncate ? "error" : isLeft(truncation_direction) ? "start" : "end";
    const options = { maxLength: block.maxLength, truncation } as const;
    if (item.value instanceof TokenIds)
      return new Prepared("", encodeIds(item.value, item.path, tokenizer, options));
    if (item.value instanceof PairedTexts) {
      const { maxLength } = block;
      const pairTruncation = truncate ? longerText : "error";
      const pair = yield* tokenizer.encodePair(item.value, {
        maxLength,
        truncation: pairTruncation,
      });
      return new Prepared("", pair);
    }
    const text = promptOf(item.value, parameters) + textOf(item);
    return new Prepared(text, yield* tokenizer.encode(text, item.path, options));
  };

  return {
    mediaTypes: tokenizerBlock.mediaTypes,
    parameters: tokenizerBlock.parameters.extend(others?.shape ?? {}),
    maxBatch: maxTexts,
    split(inputs, parameters) {
      const texts = splitTexts(kind, inputs, {
        hypothesis_template: hypothesisTemplate,
        ...parameters,
      });
      checkAmount(texts.items);
      return texts;
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
        return {
          items: prepared,
          runs: groupByLength(lengths, maxTexts, isRanked(items[0])),
          tokens,
        };
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
          toTokenTensor(
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
  if (value instanceof PairedTexts) return value.first.length + value.second.length;
  if (value instanceof RankedText) return value.text.length;
  return value instanceof Media ? value.bytes.byteLength : 0;
}

function checkAmount(items: readonly Item[]): void {
  checkTextCount(items.length);
  // The tokenizer has a limit of its own for a single text.
  if (items.length === 1) return;
  let total = 0;
  for (const item of items) if (!(item.value instanceof Media)) total += sizeOf(item);
  checkTotalCharacters(total);
}

/** The query of a ranking, which is first, runs before the others: these are compared with it. */
function isRanked(item: Item | undefined): boolean {
  return item?.value instanceof RankedText;
}
