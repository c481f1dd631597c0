import type { Manifest } from "../../domain/manifest.ts";
import { toNumericReference } from "../../domain/monitoring/reference-feature.ts";
import type { ReferenceFeature } from "../../domain/monitoring/reference-profile.ts";
import { filesOf, imageSize } from "../../domain/statistics/media-size.ts";
import { textsOf } from "../../domain/statistics/texts-of.ts";

/** Tasks whose inputs are texts, and are no tensors of numbers. */
const TEXTS: readonly string[] = ["character-ngrams", "tokenizer", "text"];

/** Gathers inputs that are no numbers, by the features that the statistics of requests have: sizes of texts and pictures. */
export interface RequestFeatures {
  add(inputs: unknown): void;
  references(): ReferenceFeature[];
}

export function createRequestFeatures({ preprocess }: Manifest): RequestFeatures {
  const values = new Map<string, number[]>();
  const add = (name: string, value = Number.NaN): void => {
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
  };
  return {
    add(inputs) {
      if (!preprocess) return;
      if (TEXTS.includes(preprocess.type))
        for (const text of textsOf(inputs)) add("text", text.length);
      if (preprocess.type === "image")
        for (const file of filesOf(inputs)) {
          const { width, height, bytes } = imageSize(file);
          add("image.width", width);
          add("image.height", height);
          add("image.bytes", bytes);
        }
    },
    references: () => [...values].map(([name, numbers]) => toNumericReference(name, numbers)),
  };
}
