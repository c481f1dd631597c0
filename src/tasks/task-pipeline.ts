import { z } from "zod";
import { ApiError } from "../domain/errors.ts";
import type { RequestTrace } from "../domain/event.ts";
import type { Manifest, Postprocess, Preprocess } from "../domain/manifest.ts";
import { Media } from "../domain/media.ts";
import { formatModelId } from "../domain/model-id.ts";
import { clip } from "../domain/quote.ts";
import type { Tensor, TensorSpec } from "../domain/tensor.ts";
import { createArrayEncoder } from "./array-encoder.ts";
import { createVoiceActivityTask } from "./audio/voice-activity.ts";
import { createClassificationDecoder } from "./classification-decoder.ts";
import { createClusteringDecoder } from "./clustering-decoder.ts";
import type { Decoder } from "./decoder.ts";
import type { Encoded, Encoder, Form, Item, Items, Plan } from "./encoder.ts";
import type { DecodeImage } from "./image/decode-image.ts";
import { createImageEncoder } from "./image/image-encoder.ts";
import { createObjectDetectionDecoder } from "./image/object-detection-decoder.ts";
import type { ItemTask } from "./item-task.ts";
import { parseParameters, pickParameters } from "./parameters.ts";
import { createRegressionDecoder } from "./regression-decoder.ts";
import { createTabularEncoder } from "./tabular/tabular-encoder.ts";
import { createEmbeddingDecoder } from "./text/embedding-decoder.ts";
import { createEntityDecoder } from "./text/entity-decoder.ts";
import { createNgramEncoder } from "./text/ngram-encoder.ts";

/** What came: `{"inputs": ..., "parameters": {...}}`, or a raw body as {@link Media}. */
export interface TaskRequest {
  readonly inputs: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface TaskAnswer {
  /** To be serialised as JSON. */
  readonly answer: unknown;
  /** Answers of different forms may come of the same tensors. */
  readonly form: Form;
  /** How many tokens the model read, of tasks that have any. */
  readonly tokens?: number | undefined;
}

/** One run of the model. */
export type Run = (
  inputs: readonly Tensor[],
  outputs: readonly string[],
) => Tensor[] | Promise<Tensor[]>;

/** The way from a person's input to a person's answer, made once for each version. */
export interface TaskPipeline {
  /** What it takes beside JSON, as raw bodies and as parts of a form. */
  readonly mediaTypes: readonly string[];
  /**
   * @param run called once for all items, or for as many at a time as the model takes
   * @param trace gets the durations of `decode`, `preprocess` and `postprocess`
   * @throws ApiError for inputs and parameters that the task does not take, before anything is run
   */
  predict(request: TaskRequest, run: Run, trace: RequestTrace): Promise<TaskAnswer>;
}

/** Reads a file of the version, checked against the manifest. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** What encoders share within an isolate. */
export interface TaskTools {
  readonly decodeImage: DecodeImage;
}

/** @throws ApiError `task_not_supported` for a model without a task */
export async function createTaskPipeline(
  manifest: Manifest,
  readFile: ReadFile,
  tools: TaskTools,
): Promise<TaskPipeline> {
  const { preprocess, postprocess } = manifest;
  if (!preprocess || !postprocess)
    throw new ApiError(
      "task_not_supported",
      `${formatModelId(manifest)} declares no task: send tensors to /v2/models/${manifest.name}/infer.`,
    );
  // The schema of manifests lets neither of the two go with another.
  if (preprocess.type === "audio-windows" || postprocess.type === "voice-activity")
    return createItemPipeline(
      createVoiceActivityTask(
        manifest,
        preprocess as Extract<Preprocess, { type: "audio-windows" }>,
        postprocess as Extract<Postprocess, { type: "voice-activity" }>,
      ),
    );
  return createBatchPipeline(
    await createEncoder(manifest, preprocess, postprocess, readFile, tools),
    createDecoder(manifest, postprocess),
  );
}

async function createEncoder(
  { inputs }: Manifest,
  block: Exclude<Preprocess, { type: "audio-windows" }>,
  postprocess: Postprocess,
  readFile: ReadFile,
  { decodeImage }: TaskTools,
): Promise<Encoder> {
  const specOf = (input: string): TensorSpec =>
    inputs.find(({ name }) => name === input) as TensorSpec;
  switch (block.type) {
    case "tabular":
      return createTabularEncoder(specOf(block.input), block);
    case "array":
      return createArrayEncoder(specOf(block.input));
    case "character-ngrams":
      return createNgramEncoder(specOf(block.input), await readFile(block.vocabulary));
    case "image":
      return createImageEncoder(specOf(block.input), block, decodeImage);
    case "tokenizer": {
      // The library is only set up where a model needs it.
      const { createTokenizerEncoder } = await import("./text/tokenizer-encoder.ts");
      return createTokenizerEncoder(block, specOf, await readFile(block.tokenizer), {
        comparisons: postprocess.type === "embedding",
        spans: postprocess.type === "token-classification",
      });
    }
  }
}

function createDecoder(
  { labels = [] }: Manifest,
  block: Exclude<Postprocess, { type: "voice-activity" }>,
): Decoder {
  switch (block.type) {
    case "classification":
      return createClassificationDecoder(block, labels);
    case "regression":
      return createRegressionDecoder(block);
    case "clustering":
      return createClusteringDecoder(block, labels);
    case "object-detection":
      return createObjectDetectionDecoder(block, labels);
    case "embedding":
      return createEmbeddingDecoder(block);
    case "token-classification":
      return createEntityDecoder(block, labels);
  }
}

/** Encoder, run, decoder, for as many items at a time as the encoder says. */
export function createBatchPipeline(encoder: Encoder, decoder: Decoder): TaskPipeline {
  const schema = z.strictObject({ ...encoder.parameters.shape, ...decoder.parameters.shape });

  return {
    mediaTypes: encoder.mediaTypes,
    async predict(request, run, trace) {
      const parameters = parseParameters(schema, request.parameters);
      const ofEncoder = pickParameters(encoder.parameters, parameters);
      const ofDecoder = pickParameters(decoder.parameters, parameters);
      const { items, form } = splitInputs(encoder, request.inputs, ofEncoder, trace);
      const context = { parameters: ofEncoder, trace };
      const plan = encoder.plan?.(items, context) ?? inOrder(items, encoder.maxBatch);
      const answers: unknown[] = new Array(items.length);
      for (const indices of plan.runs) {
        const batch = indices.map((index) => plan.items[index] as Item);
        const encoded = encoder.encode(batch, context);
        const { tensors, notes = [] }: Encoded =
          encoded instanceof Promise ? await encoded : encoded;
        const results = await run(tensors, decoder.outputs);
        trace.measure("postprocess", () => {
          const decoded = decoder.decode(results, notes, ofDecoder);
          for (const [at, index] of indices.entries()) answers[index] = decoded[at];
        });
      }
      return { answer: assemble(decoder, answers, form), form, tokens: plan.tokens };
    },
  };
}

/** A task that runs the model for each item as often as it must. */
function createItemPipeline(task: ItemTask): TaskPipeline {
  return {
    mediaTypes: task.mediaTypes,
    async predict(request, run, trace) {
      const parameters = parseParameters(task.parameters, request.parameters);
      const { items, form } = splitInputs(task, request.inputs, parameters, trace);
      const answers = await task.predict(items, parameters, run, trace);
      return { answer: form === "one" ? answers[0] : answers, form };
    },
  };
}

function splitInputs(
  reader: Pick<Encoder, "mediaTypes" | "split">,
  inputs: unknown,
  parameters: Readonly<Record<string, unknown>>,
  trace: RequestTrace,
): Items {
  refuseOtherMedia(reader.mediaTypes, inputs);
  const split = trace.measure("preprocess", () => reader.split(inputs, parameters));
  if (split.items.length === 0)
    throw new ApiError("invalid_input", '"inputs" is an empty list: send at least one item.');
  return split;
}

function inOrder(items: readonly Item[], size: number): Plan {
  const indices = items.map((_, index) => index);
  if (items.length <= size) return { items, runs: [indices] };
  const runs = Array.from({ length: Math.ceil(items.length / size) }, (_, run) =>
    indices.slice(run * size, (run + 1) * size),
  );
  return { items, runs };
}

function assemble(decoder: Decoder, answers: readonly unknown[], form: Form): unknown {
  if (decoder.assemble) return decoder.assemble(answers, form);
  return form === "one" ? answers[0] : answers;
}

function refuseOtherMedia(accepted: readonly string[], inputs: unknown): void {
  for (const value of Array.isArray(inputs) ? inputs : [inputs]) {
    if (!(value instanceof Media) || accepted.includes(value.type)) continue;
    const valid = ["application/json", ...accepted];
    throw new ApiError(
      "unsupported_media_type",
      `This model takes no ${clip(value.type)}: send ${valid.join(" or ")}, and say so in content-type.`,
      { details: { actual: clip(value.type), valid } },
    );
  }
}
