import { invalidExport } from "./export-error.ts";

/**
 * Which file of an export is published. Optimum writes them into the folder itself, transformers.js into `onnx/`; a suffix says how the weights are
 * stored. Without a wish, int8 comes first, as in transformers.js on WebAssembly: it takes a quarter of the memory.
 */
const FOLDERS = ["", "onnx/"];
const NAMES = ["decoder_model_merged", "model"];
/** By suffix: how the weights are stored. */
const VARIANTS: Readonly<Record<string, string>> = {
  quantized: "int8",
  int8: "int8",
  uint8: "uint8",
  fp32: "fp32",
  q4: "4 bits, which the WebAssembly engine computes 8 to 17 times slower than int8",
  bnb4: "4 bits",
  q4f16: "4 bits, and FP16",
  fp16: "FP16, which the WebAssembly engine casts when it loads the model",
};
/** Those that are chosen without a wish. */
const DEFAULTS = ["quantized", "int8", "uint8", "fp32"];

export interface ChosenModel {
  readonly path: string;
  readonly note: string;
}

/**
 * @param paths of the files of the export
 * @param wish a suffix, or the path of a file
 * @throws ApiError `invalid_model` when there is none, with what to do
 */
export function chooseModel(paths: readonly string[], wish?: string): ChosenModel {
  const known = new Set(paths);
  if (wish !== undefined && known.has(wish)) return { path: wish, note: `${wish}, as asked` };
  const found = FOLDERS.flatMap((folder) =>
    NAMES.flatMap((name) =>
      Object.keys(VARIANTS).map((variant) => ({
        variant,
        path: `${folder}${name}${variant === "fp32" ? "" : `_${variant}`}.onnx`,
      })),
    ),
  ).filter(({ path }) => known.has(path));
  const order = wish === undefined ? DEFAULTS : [wish];
  for (const variant of order) {
    const match = found.find((candidate) => candidate.variant === variant);
    if (match) return { path: match.path, note: describe(match, found, wish) };
  }
  throw missingModel(
    paths,
    found.map(({ path }) => path),
    wish,
  );
}

/**
 * The encoder of a chosen decoder: with weights stored in the same way, if there is one.
 * @throws ApiError `invalid_model` when there is none
 */
export function chooseEncoder(paths: readonly string[], decoder: string): ChosenModel {
  const same = decoder.replace(/decoder_model_merged(?=[^/]*\.onnx$)/, "encoder_model");
  const plain = same.replace(/encoder_model[^/]*$/, "encoder_model.onnx");
  const path = [same, plain].find((each) => each !== decoder && paths.includes(each));
  if (path !== undefined) return { path, note: `${path}, the encoder` };
  throw invalidExport(
    `The export has the decoder ${decoder}, and not its encoder ${same}. Export both: optimum-cli export onnx --model MODEL FOLDER.`,
    { decoder },
  );
}

function describe(
  { path, variant }: { path: string; variant: string },
  found: readonly { path: string }[],
  wish: string | undefined,
): string {
  const others = found.filter((other) => other.path !== path).map((other) => other.path);
  const why =
    wish === undefined && others.length > 0 ? `; others, by --variant: ${others.join(", ")}` : "";
  return `${path} (${VARIANTS[variant]})${why}`;
}

function missingModel(paths: readonly string[], found: readonly string[], wish?: string): Error {
  if (found.length > 0)
    return invalidExport(
      wish === undefined
        ? `The export has only ${found.join(", ")}: name the one to publish, --variant ${Object.keys(
            VARIANTS,
          )
            .filter((each) => !DEFAULTS.includes(each))
            .join(" or ")}.`
        : `The export has no model of the variant ${wish}: it has ${found.join(", ")}.`,
      { found },
    );
  const pair = paths.filter((path) =>
    /(?:^|\/)decoder(?:_with_past)?_model[^/]*\.onnx$/.test(path),
  );
  if (pair.length > 0)
    return invalidExport(
      `The export has ${pair.join(" and ")}, and no merged decoder (decoder_model_merged.onnx), which reads the first run and all later ones. Export it anew with a version of Optimum that merges them, which is the default: optimum-cli export onnx --model MODEL --task text-generation-with-past FOLDER.`,
      { found: pair },
    );
  const weights = paths.filter((path) => /\.(?:safetensors|bin|pt|gguf)$/.test(path));
  const what =
    weights.length > 0
      ? `It has weights of another format (${weights.slice(0, 3).join(", ")}${weights.length > 3 ? ", ..." : ""}).`
      : `It has ${paths.slice(0, 8).join(", ") || "no file"}.`;
  return invalidExport(
    `There is no ONNX model in the folder: model.onnx or decoder_model_merged.onnx, also with a suffix such as _quantized, there or in onnx/. ${what} Export it: optimum-cli export onnx --model MODEL --task text-generation-with-past FOLDER.`,
  );
}
