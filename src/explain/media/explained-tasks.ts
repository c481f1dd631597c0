import type { Postprocess } from "../../domain/blocks/registry.ts";

/** What is divided into features. */
export type MediaKind = "text" | "generation" | "picture" | "sound";

/**
 * What each postprocess block lets its model explain by parts of the input; none where an answer is no number that parts could have added to,
 * or where a text is read together with others. A new block has a line here. Rows of numbers are explained by their columns, whatever they are used for.
 */
export const EXPLAINED_PARTS: Readonly<Record<Postprocess["type"], readonly MediaKind[]>> = {
  anomaly: [],
  "audio-classification": ["sound"],
  "audio-embedding": [],
  classification: ["text", "picture"],
  clustering: [],
  embedding: ["text"],
  "image-segmentation": [],
  "object-detection": ["picture"],
  regression: ["picture"],
  "speech-recognition": ["sound"],
  summarization: [],
  "text-generation": ["generation"],
  "text-lines": [],
  "text-ranking": [],
  "text2text-generation": [],
  "token-classification": ["text"],
  translation: [],
  "voice-activity": ["sound"],
  "zero-shot-classification": [],
};
