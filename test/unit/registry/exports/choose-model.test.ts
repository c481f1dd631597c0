import { expect, test } from "vitest";
import { chooseModel } from "../../../../src/registry/exports/choose-model.ts";
import { catchApiError } from "../../../support/errors.ts";

test.each<[string, readonly string[], string | undefined, string]>([
  ["Optimum's folder", ["config.json", "model.onnx", "model.onnx_data"], undefined, "model.onnx"],
  [
    "transformers.js, int8 first",
    ["onnx/model.onnx", "onnx/model_fp16.onnx", "onnx/model_quantized.onnx", "onnx/model_q4.onnx"],
    undefined,
    "onnx/model_quantized.onnx",
  ],
  [
    "a merged decoder before its parts",
    [
      "onnx/decoder_model.onnx",
      "onnx/decoder_model_merged.onnx",
      "onnx/decoder_with_past_model.onnx",
    ],
    undefined,
    "onnx/decoder_model_merged.onnx",
  ],
  [
    "the variant that is asked for",
    ["onnx/model.onnx", "onnx/model_q4.onnx"],
    "q4",
    "onnx/model_q4.onnx",
  ],
  ["fp32 by its name", ["model.onnx", "model_quantized.onnx"], "fp32", "model.onnx"],
  [
    "the file that is asked for",
    ["model.onnx", "onnx/other.onnx"],
    "onnx/other.onnx",
    "onnx/other.onnx",
  ],
])("the model of %s is chosen", (_, paths, wish, path) => {
  expect(chooseModel(paths, wish).path).toBe(path);
});

test("the choice tells of the others", () => {
  const { note } = chooseModel(["model.onnx", "model_int8.onnx", "model_q4.onnx"]);
  expect(note).toBe("model_int8.onnx (int8); others, by --variant: model.onnx, model_q4.onnx");
});

test.each<[string, readonly string[], string | undefined, RegExp]>([
  [
    "weights of PyTorch",
    ["config.json", "model.safetensors"],
    undefined,
    /no ONNX model .* \(model\.safetensors\).* optimum-cli export onnx/,
  ],
  [
    "shards of PyTorch",
    ["a-1.safetensors", "a-2.safetensors", "a-3.safetensors", "a-4.safetensors"],
    undefined,
    /another format \(a-1\.safetensors, .*, \.\.\.\)/,
  ],
  ["nothing", [], undefined, /It has no file/],
  [
    "a decoder in two parts",
    ["decoder_model.onnx", "decoder_with_past_model.onnx"],
    undefined,
    /has decoder_model\.onnx and decoder_with_past_model\.onnx, and no merged decoder/,
  ],
  [
    "FP16 alone",
    ["onnx/model_fp16.onnx"],
    undefined,
    /only onnx\/model_fp16\.onnx: name the one to publish, --variant q4/,
  ],
  ["another variant", ["model.onnx"], "int8", /no model of the variant int8: it has model\.onnx/],
])("a folder with %s is refused", (_, paths, wish, message) => {
  expect(catchApiError("invalid_model", () => chooseModel(paths, wish)).message).toMatch(message);
});
