import type { CacheBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import { cacheNames } from "../../domain/blocks/postprocess/text-generation.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { invalidExport } from "./export-error.ts";
import type { ExportedModel } from "./export-types.ts";

/** Names as exporters write them, with the layer and `key` or `value`; of an encoder-decoder, those of its decoder. */
const PAST =
  /^(?<before>past_key_values\.|past\.)(?<layer>\d+)(?<middle>\.(?:decoder\.|self\.)?)(?:key|value)$/;

export const NO_CACHE_REMEDY =
  "Export it with its cache: optimum-cli export onnx --model MODEL --task text-generation-with-past FOLDER.";

/**
 * The cache that a decoder reads and returns, of the shapes that the graph declares.
 * @throws ApiError `invalid_model` for a decoder without a cache, and for a form that is not supported
 */
export function deriveCache({ inputs, outputs, attentionCaches }: ExportedModel): CacheBlock {
  const pasts = inputs.filter(({ name }) => PAST.test(name));
  const [first] = pasts;
  const names = first && PAST.exec(first.name)?.groups;
  if (!first || !names)
    throw invalidExport(
      `The model has no inputs past_key_values.0.key, ..., so each token would be computed from the whole text again. ${NO_CACHE_REMEDY}`,
    );
  const { before = "", middle = "." } = names;
  const present = findPresents(outputs, middle);
  const layers = pasts.length / 2;
  const { heads, headSize, datatype } = shapeOf(first);
  const block: CacheBlock = {
    form: "growing",
    past: `${before}{layer}${middle}{kind}`,
    present,
    layers,
    heads,
    headSize,
    datatype,
  };
  const missing = [
    ...absent(inputs, cacheNames(block, block.past)),
    ...absent(outputs, cacheNames(block, block.present)),
  ];
  if (missing.length > 0)
    throw invalidExport(
      `The model has ${pasts.length} inputs of keys and values, and not ${missing.slice(0, 4).join(", ")}: layers are numbered from 0, each with a key and a value. ${NO_CACHE_REMEDY}`,
    );
  return isInPlace(block, attentionCaches) ? { ...block, form: "in-place" } : block;
}

/** Whether every tensor of the cache is read and written by an attention alone. */
function isInPlace(block: CacheBlock, caches: ExportedModel["attentionCaches"]): boolean {
  const written = new Map(caches.map(({ past, present }) => [past, present]));
  const presents = cacheNames(block, block.present);
  return cacheNames(block, block.past).every((past, at) => written.get(past) === presents[at]);
}

function findPresents(outputs: readonly TensorSpec[], middle: string): string {
  const prefixes = ["present.", "present_key_values."];
  const found = prefixes.find((prefix) =>
    outputs.some(({ name }) => name === `${prefix}0${middle}key`),
  );
  if (found) return `${found}{layer}${middle}{kind}`;
  throw invalidExport(
    `The model reads keys and values, and returns none: it has no output present.0${middle}key. ${NO_CACHE_REMEDY}`,
  );
}

function shapeOf({
  name,
  datatype,
  shape,
}: TensorSpec): Pick<CacheBlock, "heads" | "headSize" | "datatype"> {
  if (datatype !== "FP32")
    throw invalidExport(
      `The input ${name} is of datatype ${datatype}: the WebAssembly engine computes keys and values in FP32. Publish the export in fp32, or one whose weights alone are quantized (model_quantized.onnx).`,
      { datatype },
    );
  const heads = fixedSize(shape[1]);
  const headSize = fixedSize(shape[3]);
  if (shape.length !== 4 || heads === undefined || headSize === undefined)
    throw invalidExport(
      `The input ${name} has the shape [${shape.join(", ")}], where [batch, heads, tokens, size] with numbers of heads and size is expected.`,
    );
  return { heads, headSize, datatype };
}

function absent(specs: readonly TensorSpec[], names: readonly string[]): string[] {
  const known = new Set(specs.map(({ name }) => name));
  return names.filter((name) => !known.has(name));
}
