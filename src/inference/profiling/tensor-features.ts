import type { Call } from "../../domain/call.ts";
import type { Manifest } from "../../domain/manifest.ts";
import {
  toCategoryReference,
  toNumericReference,
} from "../../domain/monitoring/reference-feature.ts";
import type { ReferenceFeature } from "../../domain/monitoring/reference-profile.ts";
import type { Feature } from "../../domain/statistics/feature-plan.ts";
import { MAX_LOOKED_AT, sampledIndex, visitInputs } from "../../domain/statistics/gather-inputs.ts";
import type { Tensor } from "../../domain/tensor.ts";

/** Gathers the input tensors of runs, by the features that the statistics of requests have. */
export interface TensorFeatures {
  add(tensors: readonly Tensor[]): void;
  /** @param checkpoint to be awaited between two pieces of work */
  references(checkpoint: Call["checkpoint"]): Promise<ReferenceFeature[]>;
}

export function createTensorFeatures(manifest: Manifest): TensorFeatures {
  const model = { manifest };
  const values = new Map<string, { readonly feature: Feature; readonly numbers: number[] }>();

  function numbersOf(feature: Feature): number[] {
    const known = values.get(feature.name);
    if (known) return known.numbers;
    const numbers: number[] = [];
    values.set(feature.name, { feature, numbers });
    return numbers;
  }

  return {
    add: (tensors) =>
      visitInputs(model, tensors, {
        numbers(feature, all, start, stride, count) {
          const numbers = numbersOf(feature);
          const rows = tensors[0]?.shape[0] ?? 1;
          // Of an input without columns as many as of a request.
          const looked = count === rows ? count : Math.min(count, MAX_LOOKED_AT);
          for (let index = 0; index < looked; index++)
            numbers.push(Number(all[start + sampledIndex(index, looked, count) * stride]));
        },
        // Strings have no bins.
        texts: () => undefined,
      }),

    async references(checkpoint) {
      const references: ReferenceFeature[] = [];
      for (const { feature, numbers } of values.values()) {
        await checkpoint();
        references.push(
          feature.categories
            ? toCategoryReference(feature.name, categoriesOf(manifest, feature.name), numbers)
            : toNumericReference(feature.name, numbers),
        );
      }
      return references;
    },
  };
}

function categoriesOf({ preprocess }: Manifest, name: string): readonly string[] {
  return (preprocess?.type === "tabular" ? preprocess.categories[name] : undefined) ?? [];
}
