import { ApiError } from "../../domain/errors.ts";
import { type Tensor, toTypedArray } from "../../domain/tensor.ts";
import { softmax } from "../../shared/activations.ts";
import { clip } from "../../shared/quote.ts";
import { notFinite, outputMismatch } from "../../tasks/output-errors.ts";
import type { TextMetadata } from "../../tasks/text/text-metadata.ts";
import { canLocate, locateTokens } from "../../tasks/text/token-spans.ts";
import { runSteps } from "../../tasks/text/word-model.ts";
import type { VersionBlocks } from "../explained-version.ts";
import { onlySpace } from "../media/choose-space.ts";
import type { ReadItem } from "../media/item-reader.ts";
import type { Reading } from "../media/reading.ts";
import type { ExplanationRequest } from "../method.ts";

/** A token of the text and the label that it has: what an output is about. */
interface LabelledToken {
  readonly at: number;
  readonly label: number;
  readonly name: string;
}

/**
 * The labels of the tokens of a text: each token that has a label which is not ignored is an output, its probability of that label. A
 * token that is removed has none. The surest one is explained by default.
 */
export async function readEntities(
  { version, space }: Pick<ExplanationRequest, "version" | "space">,
  { postprocessor }: VersionBlocks,
  whole: ReadItem,
): Promise<{ readonly reading: Reading }> {
  const { postprocess, labels = [] } = version.model.manifest;
  const ignored = postprocess?.type === "token-classification" ? postprocess.ignoreLabels : [];
  const metadata = whole.metadata as TextMetadata;
  const { encoding, text, tokenizer } = metadata;
  const only = onlySpace("probability", "scores the labels of tokens", { space, version });

  const probabilities = async ({ tensors }: ReadItem, tokens: number) => {
    const [result] = await version.infer(tensors, postprocessor.outputs, 1);
    return toProbabilities(result, tokens, labels.length);
  };

  const rows = await probabilities(whole, encoding.ids.length);
  const places = canLocate(tokenizer)
    ? await runSteps(locateTokens(text, encoding, tokenizer), () => version.call.checkpoint())
    : [];
  const found: LabelledToken[] = [];
  for (let at = encoding.leading; at < encoding.leading + encoding.length; at++) {
    const row = rows[at] ?? [];
    const label = row.indexOf(Math.max(...row));
    const { start = 0, end = 0 } = places[at] ?? {};
    const written = end > start ? text.slice(start, end) : (encoding.tokens[at] ?? "");
    const name = labels[label] ?? String(label);
    if (!ignored.includes(name)) found.push({ at, label, name: `${name}: ${clip(written)}` });
  }
  if (found.length === 0)
    throw new ApiError(
      "invalid_input",
      "inputs has no token with a label that could be explained: the model finds nothing in it.",
    );
  const full = Float64Array.from(found, ({ at, label }) => rows[at]?.[label] ?? 0);
  return {
    reading: {
      space: only,
      names: found.map(({ name }) => name),
      predicted: full.indexOf(Math.max(...full)),
      full,
      async value(item, kept = []) {
        const left = await probabilities(item, kept.length);
        return Float64Array.from(found, ({ at, label }) => left[kept.indexOf(at)]?.[label] ?? 0);
      },
    },
  };
}

/** Token by token, of [1, tokens, labels]. */
function toProbabilities(
  result: Tensor | undefined,
  tokens: number,
  labels: number,
): readonly (readonly number[])[] {
  const [, length = 0, width] = result?.shape ?? [];
  if (!result || result.datatype === "BYTES" || width !== labels || length < tokens)
    throw outputMismatch(result, `[batch, tokens, ${labels}], a score for each label`);
  const values = Array.from(toTypedArray(result), Number);
  if (!values.every(Number.isFinite)) throw notFinite(result.name);
  return Array.from({ length: tokens }, (_, at) =>
    softmax(values.slice(at * labels, (at + 1) * labels)),
  );
}
