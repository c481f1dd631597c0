import type { z } from "zod";
import {
  type TextAndLabelsBlock,
  textAndLabelsBlock,
} from "../../domain/blocks/preprocess/text-and-labels.ts";
import type { Tensor, TensorSpec } from "../../domain/tensor.ts";
import { type Item, type Preprocessor, splitList } from "../preprocessor.ts";
import { candidateLabels } from "./candidate-labels.ts";
import { checkTextCount, checkTotalCharacters, textOf } from "./text-item.ts";
import { groupByLength, maxTextsOf, toTokenTensor } from "./token-runs.ts";
import { createTokenizer, type Encoding } from "./tokenizer.ts";
import { runSteps } from "./word-model.ts";

/**
 * Texts and the labels of the request as token ids, by a tokenizer.json. Each run has texts of similar length, and all labels in their
 * order, both padded on the right.
 * @param specOf the model's inputs by their names
 * @param parameters of the postprocess block, which has the labels
 */
export function createTextAndLabelsPreprocessor(
  block: TextAndLabelsBlock,
  specOf: (input: string) => TensorSpec,
  json: Uint8Array,
  parameters: z.ZodObject,
): Preprocessor {
  const { ids, attentionMask, labelIds, labelAttentionMask } = block.inputs;
  const tokenizer = createTokenizer(json);
  const maxBatch = maxTextsOf(specOf(ids));
  const options = { maxLength: block.maxLength, truncation: "end" } as const;

  const toTensors = (
    [idsName, maskName]: readonly [string, string],
    encodings: readonly Encoding[],
  ): Tensor[] => {
    const width = Math.max(...encodings.map(({ ids: own }) => own.length), 1);
    const rows = encodings.map(({ ids: own }) => own);
    const masks = rows.map((own) => own.map(() => 1));
    return [
      toTokenTensor(specOf(idsName), rows, width, tokenizer.padId),
      toTokenTensor(specOf(maskName), masks, width, 0),
    ];
  };

  return {
    mediaTypes: textAndLabelsBlock.mediaTypes,
    parameters: textAndLabelsBlock.parameters.extend(parameters.shape),
    maxBatch,
    split(inputs, given) {
      candidateLabels(given);
      return splitList(inputs, checkTextCount);
    },
    async plan(items, { parameters: given, trace, checkpoint }) {
      const ended = trace.start("preprocess");
      try {
        const texts = items.map((item) => textOf(item));
        checkTotalCharacters(texts.reduce((sum, { length }) => sum + length, 0));
        const labels: Encoding[] = [];
        for (const [index, label] of candidateLabels(given).entries()) {
          const path = `candidate_labels[${index}]`;
          labels.push(await runSteps(tokenizer.encode(label, path, options), checkpoint));
        }
        const prepared: Item[] = [];
        const lengths: number[] = [];
        for (const [index, text] of texts.entries()) {
          const path = items[index]?.path ?? "inputs";
          const steps = tokenizer.encode(text, path, options);
          const encoding = await runSteps(steps, checkpoint);
          prepared.push({ path, value: new PreparedText(encoding, labels) });
          lengths.push(encoding.ids.length);
          await checkpoint();
        }
        const ofLabels = labels.reduce((sum, { ids: own }) => sum + own.length, 0);
        const runs = groupByLength(lengths, maxBatch);
        const ofTexts = lengths.reduce((sum, length) => sum + length, 0);
        return { items: prepared, runs, tokens: ofTexts + runs.length * ofLabels };
      } finally {
        ended();
      }
    },
    toTensors(items, { trace }) {
      return trace.measure("preprocess", () => {
        const prepared = items.map(({ value }) => value as PreparedText);
        const texts = prepared.map(({ encoding }) => encoding);
        return {
          tensors: [
            ...toTensors([ids, attentionMask], texts),
            ...toTensors([labelIds, labelAttentionMask], prepared[0]?.labels ?? []),
          ],
        };
      });
    },
  };
}

/** The value of an item that `plan` returns. */
class PreparedText {
  readonly encoding: Encoding;
  readonly labels: readonly Encoding[];

  constructor(encoding: Encoding, labels: readonly Encoding[]) {
    this.encoding = encoding;
    this.labels = labels;
  }
}
