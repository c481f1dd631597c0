import type { Call } from "../../domain/call.ts";
import type { Manifest } from "../../domain/manifest.ts";
import {
  toCategoryReference,
  toNumericReference,
} from "../../domain/monitoring/reference-feature.ts";
import { MAX_INPUTS, type ReferenceFeature } from "../../domain/monitoring/reference-profile.ts";
import { type NumericTensor, type Tensor, toTypedArray } from "../../domain/tensor.ts";

/** Of an input whose values are not columns, values of each row that are looked at. */
const VALUES_PER_ROW = 16;

/** Gathers the input tensors of runs, by the features that statistics have: columns of a table, or whole inputs. */
export interface TensorFeatures {
  add(tensors: readonly Tensor[]): void;
  /** @param checkpoint to be awaited between two pieces of work */
  references(checkpoint: Call["checkpoint"]): Promise<ReferenceFeature[]>;
}

export function createTensorFeatures(manifest: Manifest): TensorFeatures {
  const values = new Map<string, number[]>();

  function addTo(name: string, value: number): void {
    const known = values.get(name);
    if (known) known.push(value);
    else if (values.size < MAX_INPUTS) values.set(name, [value]);
  }

  function add(tensor: NumericTensor): void {
    const numbers = toTypedArray(tensor);
    const [rows = 1] = tensor.shape;
    const width = rows === 0 ? 0 : numbers.length / rows;
    const names = columnsOf(manifest, tensor.name, width);
    const step = names ? 1 : Math.max(1, Math.floor(width / VALUES_PER_ROW));
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < width; column += step)
        addTo(names?.[column] ?? tensor.name, Number(numbers[row * width + column]));
  }

  return {
    add(tensors) {
      for (const tensor of tensors) if (tensor.datatype !== "BYTES") add(tensor);
    },

    async references(checkpoint) {
      const references: ReferenceFeature[] = [];
      for (const [name, numbers] of values) {
        await checkpoint();
        const categories = categoriesOf(manifest, name);
        references.push(
          categories
            ? toCategoryReference(name, categories, numbers)
            : toNumericReference(name, numbers),
        );
      }
      return references;
    },
  };
}

/** `undefined` for an input whose values are no columns. */
function columnsOf(
  { preprocess }: Manifest,
  input: string,
  width: number,
): readonly string[] | undefined {
  if (preprocess?.type === "tabular" && preprocess.input === input) return preprocess.columns;
  if (width === 1) return [input];
  if (width > MAX_INPUTS) return undefined;
  return Array.from({ length: width }, (_, column) => `${input}[${column}]`);
}

function categoriesOf({ preprocess }: Manifest, name: string): readonly string[] | undefined {
  return preprocess?.type === "tabular" ? preprocess.categories[name] : undefined;
}
