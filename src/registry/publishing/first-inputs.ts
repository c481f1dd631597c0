import type { Preprocess } from "../../domain/blocks/registry.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { Manifest } from "../../domain/manifest.ts";

/** A grey PNG of 2 x 2 pixels. */
const PNG =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNoaGBoaAAABgYCASzBUNcAAAAASUVORK5CYII=";
const MAX_VALUES = 500_000;

/** An input that a task can be tried with; `undefined` where there is none. */
export function firstInputs({ preprocess, inputs }: Manifest): unknown {
  if (!preprocess) return undefined;
  return INPUTS[preprocess.type]?.(preprocess as never, inputs);
}

type Specs = Manifest["inputs"];

const INPUTS: {
  readonly [T in Preprocess["type"]]?: (
    block: Extract<Preprocess, { type: T }>,
    inputs: Specs,
  ) => unknown;
} = {
  tabular: ({ columns, categories }) => columns.map((name) => categories[name]?.[0] ?? 0),
  array: ({ input }, inputs) => {
    const [, ...shape] = inputs.find(({ name }) => name === input)?.shape ?? [];
    const sizes = shape.map((size) => fixedSize(size) ?? 1);
    const count = sizes.reduce((product, size) => product * size, 1);
    return count <= MAX_VALUES ? zeros(sizes) : undefined;
  },
  image: () => PNG,
  page: () => PNG,
  text: () => "Hello",
  "character-ngrams": () => "Hello",
  tokenizer: () => "Hello",
};

function zeros([size, ...rest]: readonly number[]): unknown {
  return size === undefined ? 0 : Array.from({ length: size }, () => zeros(rest));
}
