import * as z from "zod";
import type {
  BlockReferences,
  PostprocessDefinition,
  PreprocessDefinition,
} from "./block-definition.ts";
import { anomalyBlock } from "./postprocess/anomaly.ts";
import { audioClassificationBlock } from "./postprocess/audio-classification.ts";
import { audioEmbeddingBlock } from "./postprocess/audio-embedding.ts";
import { classificationBlock } from "./postprocess/classification.ts";
import { clusteringBlock } from "./postprocess/clustering.ts";
import { embeddingBlock } from "./postprocess/embedding.ts";
import { imageSegmentationBlock } from "./postprocess/image-segmentation.ts";
import { objectDetectionBlock } from "./postprocess/object-detection.ts";
import { regressionBlock } from "./postprocess/regression.ts";
import { speechRecognitionBlock } from "./postprocess/speech-recognition.ts";
import { textGenerationBlock } from "./postprocess/text-generation.ts";
import { textLinesBlock } from "./postprocess/text-lines.ts";
import { textRankingBlock } from "./postprocess/text-ranking.ts";
import {
  summarizationBlock,
  text2textGenerationBlock,
  translationBlock,
} from "./postprocess/text-to-text.ts";
import { tokenClassificationBlock } from "./postprocess/token-classification.ts";
import { voiceActivityBlock } from "./postprocess/voice-activity.ts";
import { zeroShotClassificationBlock } from "./postprocess/zero-shot-classification.ts";
import { arrayBlock } from "./preprocess/array.ts";
import { audioWindowsBlock } from "./preprocess/audio-windows.ts";
import { characterNgramsBlock } from "./preprocess/character-ngrams.ts";
import { columnsBlock } from "./preprocess/columns.ts";
import { imageBlock } from "./preprocess/image.ts";
import { logMelBlock } from "./preprocess/log-mel.ts";
import { melSpectrogramBlock } from "./preprocess/mel-spectrogram.ts";
import { pageBlock } from "./preprocess/page.ts";
import { promptBlock } from "./preprocess/prompt.ts";
import { sourceTextBlock } from "./preprocess/source-text.ts";
import { tabularBlock } from "./preprocess/tabular.ts";
import { textBlock } from "./preprocess/text.ts";
import { textAndLabelsBlock } from "./preprocess/text-and-labels.ts";
import { tokenizerBlock } from "./preprocess/tokenizer.ts";
import { waveformBlock } from "./preprocess/waveform.ts";

/**
 * The blocks of a manifest that say how the inputs of a request become tensors (`preprocess`) and how output tensors
 * become a prediction (`postprocess`). They are data, never code. Each has a version, so that a block keeps its meaning
 * for as long as a published model lives.
 */

export const PREPROCESS_BLOCKS = [
  tabularBlock,
  columnsBlock,
  arrayBlock,
  characterNgramsBlock,
  imageBlock,
  pageBlock,
  audioWindowsBlock,
  waveformBlock,
  melSpectrogramBlock,
  logMelBlock,
  tokenizerBlock,
  textBlock,
  textAndLabelsBlock,
  promptBlock,
  sourceTextBlock,
] as const;

/**
 * A block whose predictions have the fields of another's and more comes before it: clients that are made of the OpenAPI
 * document read a prediction as the first one whose fields it has.
 */
export const POSTPROCESS_BLOCKS = [
  objectDetectionBlock,
  imageSegmentationBlock,
  textLinesBlock,
  classificationBlock,
  audioClassificationBlock,
  regressionBlock,
  clusteringBlock,
  anomalyBlock,
  embeddingBlock,
  audioEmbeddingBlock,
  tokenClassificationBlock,
  zeroShotClassificationBlock,
  textRankingBlock,
  voiceActivityBlock,
  textGenerationBlock,
  text2textGenerationBlock,
  summarizationBlock,
  translationBlock,
  speechRecognitionBlock,
] as const;

export const preprocessSchema = z.discriminatedUnion("type", schemasOf(PREPROCESS_BLOCKS));
export const postprocessSchema = z.discriminatedUnion("type", schemasOf(POSTPROCESS_BLOCKS));

export type Preprocess = z.output<typeof preprocessSchema>;
export type Postprocess = z.output<typeof postprocessSchema>;
/** The preprocess block of a type. */
export type PreprocessOf<T extends Preprocess["type"]> = Extract<Preprocess, { type: T }>;
export type PostprocessOf<T extends Postprocess["type"]> = Extract<Postprocess, { type: T }>;

export function preprocessDefinition({ type }: Preprocess): PreprocessDefinition {
  return find(PREPROCESS_BLOCKS, type);
}

export function postprocessDefinition({ type }: Postprocess): PostprocessDefinition {
  return find(POSTPROCESS_BLOCKS, type);
}

/** What of the model and of the version's files a block refers to. */
export function blockReferences(block: Preprocess | Postprocess): BlockReferences {
  return find<PreprocessDefinition | PostprocessDefinition>(
    [...PREPROCESS_BLOCKS, ...POSTPROCESS_BLOCKS],
    block.type,
  ).references(block);
}

type SchemasOf<D extends readonly { readonly schema: unknown }[]> = {
  readonly [K in keyof D]: D[K]["schema"];
};

/** The schemas in the order of their definitions, each of its own type. */
function schemasOf<D extends readonly { readonly schema: unknown }[]>(
  definitions: D,
): SchemasOf<D> {
  return definitions.map(({ schema }) => schema) as SchemasOf<D>;
}

function find<D extends { readonly type: string }>(definitions: readonly D[], type: string): D {
  const found = definitions.find((definition) => definition.type === type);
  if (!found) throw new Error(`no block of type ${type}`);
  return found;
}
