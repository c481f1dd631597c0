import type { TextInputs } from "../../domain/blocks/block-definition.ts";
import { ApiError } from "../../domain/errors.ts";
import { describe } from "../../domain/tensor-json.ts";
import { quoteAll } from "../../shared/quote.ts";
import { type Item, type Items, splitList } from "../preprocessor.ts";
import { candidateLabels, toHypothesis } from "./candidate-labels.ts";
import { PairedTexts, RankedText } from "./text-forms.ts";
import { checkTextCount } from "./text-item.ts";

/** How `inputs` become the texts, or pairs of texts, that a model reads. */

/**
 * Splits the inputs of a request into texts and pairs, without reading them.
 * @param kind what the postprocess block takes beside texts
 * @throws ApiError `invalid_input`, `invalid_request`
 */
export function splitTexts(
  kind: TextInputs | undefined,
  inputs: unknown,
  parameters: Readonly<Record<string, unknown>>,
): Items {
  switch (kind) {
    case "comparisons":
      if (isComparison(inputs)) return splitComparison(inputs);
      return isRanking(inputs)
        ? splitRanking(inputs, toRankedTexts)
        : splitList(inputs, checkTextCount);
    case "pairs":
      return splitPairs(inputs);
    case "hypotheses":
      return splitHypotheses(inputs, parameters);
    case "rankings":
      if (!isRanking(inputs)) throw notRanking(inputs);
      return splitRanking(inputs, toRankedPairs);
    default:
      return splitList(inputs, checkTextCount);
  }
}

interface Comparison {
  readonly source_sentence: unknown;
  readonly sentences: unknown;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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

/** A text, {"text", "text_pair"}, or a list of these and of [text, text]. */
function splitPairs(inputs: unknown): Items {
  const { items, form } = splitList(inputs, checkTextCount);
  return { items: items.map(toPairOrText), form };
}

function toPairOrText({ value, path }: Item): Item {
  if (Array.isArray(value)) {
    const [first, second, ...others] = value;
    if (typeof first !== "string" || typeof second !== "string" || others.length > 0)
      throw new ApiError(
        "invalid_input",
        `${path} must be a text, or two texts [text, text] that are read together; got ${describe(value)}.`,
      );
    const paths = { firstPath: `${path}[0]`, secondPath: `${path}[1]` };
    return { value: new PairedTexts({ first, second, ...paths }), path };
  }
  if (!isRecord(value) || !("text" in value)) return { value, path };
  const { text, text_pair, ...others } = value;
  const unknown = Object.keys(others);
  if (typeof text !== "string" || unknown.length > 0)
    throw new ApiError(
      "invalid_input",
      `${path} must be a text, or {"text": a text, "text_pair": a text}; ${unknown.length > 0 ? `unknown: ${quoteAll(unknown)}` : `got ${describe(text)} as text`}.`,
    );
  if (text_pair === undefined || text_pair === null) return { value: text, path: `${path}.text` };
  if (typeof text_pair !== "string")
    throw new ApiError(
      "invalid_input",
      `${path}.text_pair must be a text; got ${describe(text_pair)}.`,
    );
  const paths = { firstPath: `${path}.text`, secondPath: `${path}.text_pair` };
  return { value: new PairedTexts({ first: text, second: text_pair, ...paths }), path };
}

/** Each text with a hypothesis for each label, in the order of texts and labels. */
function splitHypotheses(inputs: unknown, parameters: Readonly<Record<string, unknown>>): Items {
  const labels = candidateLabels(parameters);
  const { items, form } = splitList(inputs, (count) => checkTextCount(count * labels.length));
  checkTextCount(items.length * labels.length);
  const hypotheses = labels.map((label) => toHypothesis(label, parameters));
  return {
    form,
    items: items.flatMap(({ value, path }) => {
      if (typeof value !== "string")
        throw new ApiError(
          "invalid_input",
          `${path} must be a text${path === "inputs" ? " or a list of texts" : ""}; got ${describe(value)}.`,
        );
      return hypotheses.map((second, index) => ({
        value: new PairedTexts({
          first: value,
          second,
          firstPath: path,
          secondPath: `candidate_labels[${index}]`,
        }),
        path,
      }));
    }),
  };
}

interface Ranking {
  readonly query: unknown;
  readonly texts?: unknown;
}

function isRanking(inputs: unknown): inputs is Ranking {
  return isRecord(inputs) && "query" in inputs;
}

/** @param toItems of a query and the texts */
function splitRanking(
  { query, texts, ...others }: Ranking,
  toItems: (query: string, texts: readonly string[]) => readonly Item[],
): Items {
  const unknown = Object.keys(others);
  const fail = (got: string): ApiError =>
    new ApiError(
      "invalid_input",
      `inputs must be {"query": a text, "texts": [texts]}, which are ranked by the query; ${got}.`,
    );
  if (unknown.length > 0) throw fail(`unknown: ${quoteAll(unknown)}`);
  if (typeof query !== "string") throw fail(`got ${describe(query)} as query`);
  if (!Array.isArray(texts) || texts.length === 0) throw fail(`got ${describe(texts)} as texts`);
  checkTextCount(texts.length);
  const wrong = texts.findIndex((text) => typeof text !== "string");
  if (wrong !== -1) throw fail(`got ${describe(texts[wrong])} as texts[${wrong}]`);
  return { items: toItems(query, texts), form: "ranking" };
}

function toRankedPairs(query: string, texts: readonly string[]): readonly Item[] {
  return texts.map((second, index) => {
    const path = `inputs.texts[${index}]`;
    const paths = { firstPath: "inputs.query", secondPath: path };
    return { value: new PairedTexts({ first: query, second, ...paths }), path };
  });
}

function toRankedTexts(query: string, texts: readonly string[]): readonly Item[] {
  return [
    { value: new RankedText(query, true), path: "inputs.query" },
    ...texts.map((text, index) => ({
      value: new RankedText(text, false),
      path: `inputs.texts[${index}]`,
    })),
  ];
}

function notRanking(inputs: unknown): ApiError {
  return new ApiError(
    "invalid_input",
    `inputs must be {"query": a text, "texts": [texts]}, which are ranked by the query; got ${describe(inputs)}.`,
  );
}
