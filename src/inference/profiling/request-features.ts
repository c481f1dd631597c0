import type { Manifest } from "../../domain/manifest.ts";
import { toNumericReference } from "../../domain/monitoring/reference-feature.ts";
import type { ReferenceFeature } from "../../domain/monitoring/reference-profile.ts";
import { IMAGE_FEATURE, inputKindOf, TEXT_FEATURE } from "../../domain/statistics/input-kind.ts";
import { filesOf, imageSize } from "../../domain/statistics/media-size.ts";
import { textsOf } from "../../domain/statistics/texts-of.ts";

/** Gathers inputs that are no numbers, by the features that the statistics of requests have: sizes of texts and pictures. */
export interface RequestFeatures {
  add(inputs: unknown): void;
  references(): ReferenceFeature[];
}

export function createRequestFeatures(manifest: Manifest): RequestFeatures {
  const kind = inputKindOf(manifest);
  const values = new Map<string, number[]>();
  const add = (name: string, value = Number.NaN): void => {
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
  };
  return {
    add(inputs) {
      if (kind === TEXT_FEATURE) for (const text of textsOf(inputs)) add(TEXT_FEATURE, text.length);
      if (kind === IMAGE_FEATURE)
        for (const file of filesOf(inputs)) {
          const { width, height, bytes } = imageSize(file);
          add(`${IMAGE_FEATURE}.width`, width);
          add(`${IMAGE_FEATURE}.height`, height);
          add(`${IMAGE_FEATURE}.bytes`, bytes);
        }
    },
    references: () => [...values].map(([name, numbers]) => toNumericReference(name, numbers)),
  };
}
