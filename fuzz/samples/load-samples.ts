import { readFileSync } from "node:fs";
import { readSample } from "../../bench/sample.ts";
import { readModelFile, readModelFolder } from "../../packages/cli/src/local/model-folder.ts";
import { toOrtFormat } from "../../scripts/ort-format.ts";
import { projectPath } from "../../scripts/project.ts";
import { toRoutes } from "../../src/protocols/operation.ts";
import { PROTOCOLS } from "../../src/protocols/registry.ts";
import { buildOnnx } from "../../test/support/onnx-builder.ts";
import { graphSamples } from "./graph-samples.ts";
import {
  DATATYPES_INPUTS,
  DATATYPES_MODEL,
  echoGraph,
  HELPER_MODELS,
  STRINGS_MODEL,
} from "./helper-models.ts";
import { jsonSamples } from "./json-samples.ts";
import type { FrameSample, MediaFormat, MediaSample, ModelSample, Samples } from "./samples.ts";
import { toSampleTensor } from "./tensor-bytes.ts";

/** A run of these takes tens of milliseconds instead of one. */
const EXPENSIVE: Readonly<Record<string, number>> = {
  "imagenet-classification": 0.03,
  "face-detection": 0.15,
  "sentence-embeddings": 0.2,
  "spam-detection": 0.3,
  "voice-activity": 0.4,
};
/** Larger files are mutated seldom: each upload is hashed, stored and parsed. */
const SMALL_MODEL_BYTES = 20_000;
const LARGEST_MODEL_BYTES = 300_000;

const MEDIA: readonly (readonly [MediaFormat, string, readonly string[]])[] = [
  ...[
    "alpha",
    "grey-16-bit",
    "one-bit",
    "palette",
    "rgb",
    "orientation-6",
    "animated",
    "grey-alpha",
  ].map(
    (name) => ["png", `images/${name}.png`, ["face-detection", "imagenet-classification"]] as const,
  ),
  ...["orientation-6", "progressive", "cmyk", "grey", "full-chroma"].map(
    (name) =>
      ["jpeg", `images/${name}.jpg`, ["face-detection", "imagenet-classification"]] as const,
  ),
  ...["alpha", "lossless", "lossy-alpha", "orientation-6", "animated"].map(
    (name) => ["webp", `images/${name}.webp`, ["face-detection"]] as const,
  ),
  ["gif", "images/picture.gif", ["face-detection"]],
  ["wav", "audio/mono-44100-24bit.wav", ["voice-activity"]],
  ["wav", "audio/stereo-22050.wav", ["voice-activity"]],
  ["csv", "tables/penguins.csv", ["penguins-gradient-boosting", "iris-logistic"]],
];
/** Of a sound, which is enough for its structure. */
const LONGEST_MEDIA_BYTES = 20_000;

export function weightOf(model: string): number {
  return EXPENSIVE[model] ?? 1;
}

/** Reads the models of `models/` and the fixtures of the tests. */
export async function loadSamples(): Promise<Samples> {
  const models = readModelFolder(projectPath("models"));
  const names = models.map(({ manifest }) => manifest.name);
  return {
    modelNames: names,
    routes: PROTOCOLS.flatMap(({ operations, basePath }) =>
      operations.flatMap((operation) =>
        toRoutes(operation, basePath).map(({ path }) => ({
          method: operation.method.toUpperCase(),
          path,
        })),
      ),
    ),
    json: jsonSamples(
      models.map(({ manifest }) => manifest),
      weightOf,
    ),
    frames: [
      ...names.map((model) => toFrame(model, readSample(model).inputs)),
      toFrame(DATATYPES_MODEL, DATATYPES_INPUTS),
      toFrame(STRINGS_MODEL, [
        { name: "x-BYTES", datatype: "BYTES", shape: [3], data: ["", "a\u00e9", "abc"] },
      ]),
    ],
    media: mediaSamples(),
    models: [
      ...models.flatMap((model): ModelSample[] =>
        model.manifest.files
          .filter(
            ({ path, sizeBytes }) => path.endsWith(".onnx") && sizeBytes < LARGEST_MODEL_BYTES,
          )
          .map(({ path, sizeBytes }) => ({
            name: model.manifest.name,
            format: "onnx",
            bytes: readModelFile(model, path),
            weight: sizeBytes < SMALL_MODEL_BYTES ? 1 : 0.05,
          })),
      ),
      ...graphSamples(),
      ...(await ortSamples()),
    ],
  };
}

function toFrame(
  model: string,
  inputs: readonly Parameters<typeof toSampleTensor>[0][],
): FrameSample {
  return { model, weight: weightOf(model) / 2, inputs: inputs.map(toSampleTensor) };
}

function mediaSamples(): MediaSample[] {
  const files = MEDIA.flatMap(([format, file, models]) => {
    const whole = readFileSync(projectPath("test", "fixtures", file));
    const bytes = new Uint8Array(whole.subarray(0, LONGEST_MEDIA_BYTES));
    return models.map((model) => ({ format, model, bytes, weight: weightOf(model) }));
  });
  const iris = Buffer.from(
    "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n5.1,3.5,1.4,0.2\n6,3,4.8,1.8\n",
  );
  const text = Buffer.from("All human beings are born free and equal in dignity and rights.");
  return [
    ...files,
    { format: "csv", model: "iris-logistic", bytes: iris, weight: 2 },
    { format: "text", model: "language-identification", bytes: text, weight: 1 },
    { format: "text", model: "spam-detection", bytes: text, weight: 0.2 },
  ];
}

/** Small models in ORT format, made by the engine that will load them. */
async function ortSamples(): Promise<ModelSample[]> {
  const sources = {
    echo: buildOnnx(echoGraph(["FP32", "INT64"])),
    strings: HELPER_MODELS[STRINGS_MODEL] as Uint8Array,
    iris: readFileSync(projectPath("models", "iris-logistic", "1", "model.onnx")),
  };
  const samples: ModelSample[] = [];
  for (const [name, onnx] of Object.entries(sources))
    samples.push({ name, format: "ort", bytes: await toOrtFormat(onnx, "all"), weight: 1 });
  return samples;
}
