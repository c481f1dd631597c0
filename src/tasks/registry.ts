import { blockProblems } from "../domain/blocks/block-problems.ts";
import type { ResultField } from "../domain/blocks/postprocess/text-to-text.ts";
import {
  type Postprocess,
  type PostprocessOf,
  type Preprocess,
  type PreprocessOf,
  postprocessDefinition,
} from "../domain/blocks/registry.ts";
import { ApiError } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import { formatModelId } from "../domain/model-id.ts";
import { noTask } from "../domain/task-kinds.ts";
import type { TensorSpec } from "../domain/tensor.ts";
import { createAudioClassificationTask } from "./audio/audio-classification.ts";
import { createAudioEmbeddingTask } from "./audio/audio-embedding.ts";
import { createVoiceActivityTask } from "./audio/voice-activity.ts";
import { createBatchTask } from "./batch-task.ts";
import type { RenderChat } from "./generation/chat-template.ts";
import type { DecodeImage } from "./image/decode-image.ts";
import { createImagePreprocessor } from "./image/image-preprocessor.ts";
import { createImageSegmentationPostprocessor } from "./image/image-segmentation-postprocessor.ts";
import { createObjectDetectionPostprocessor } from "./image/object-detection-postprocessor.ts";
import { inputSpecs } from "./input-specs.ts";
import { createAnomalyPostprocessor } from "./numeric/anomaly-postprocessor.ts";
import { createArrayPreprocessor } from "./numeric/array-preprocessor.ts";
import { createClassificationPostprocessor } from "./numeric/classification-postprocessor.ts";
import { createClusteringPostprocessor } from "./numeric/clustering-postprocessor.ts";
import { createRegressionPostprocessor } from "./numeric/regression-postprocessor.ts";
import type { AnyPostprocessor } from "./postprocessor.ts";
import type { AnyPreprocessor } from "./preprocessor.ts";
import { createColumnsPreprocessor } from "./tabular/columns-preprocessor.ts";
import { createTabularPreprocessor } from "./tabular/tabular-preprocessor.ts";
import type { Task } from "./task.ts";
import { createEmbeddingPostprocessor } from "./text/embedding-postprocessor.ts";
import { createNgramPreprocessor } from "./text/ngram-preprocessor.ts";
import { createRankingPostprocessor } from "./text/ranking-postprocessor.ts";
import { createTextPreprocessor } from "./text/text-preprocessor.ts";
import { createTokenClassificationPostprocessor } from "./text/token-classification-postprocessor.ts";
import { createZeroShotPostprocessor } from "./text/zero-shot-postprocessor.ts";

/**
 * The implementations of the blocks, by their types. A block whose definition stands in `domain/blocks/registry.ts`
 * and whose implementation is missing here fails the type check.
 */

/** Reads a file of the version, checked against the manifest. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** What preprocessors share within an isolate. */
export interface TaskTools {
  readonly decodeImage: DecodeImage;
}

/** Two blocks that are implemented together, because their items do not run as a batch. */
interface PairFactory {
  readonly preprocess: Preprocess["type"];
  readonly postprocess: Postprocess["type"];
  create(
    manifest: Manifest,
    preprocess: Preprocess,
    postprocess: Postprocess,
    readFile: ReadFile,
    tools: TaskTools,
  ): Task | Promise<Task>;
}

const PAIRS = [
  { preprocess: "audio-windows", postprocess: "voice-activity", create: createVoiceActivityTask },
  {
    preprocess: "waveform",
    postprocess: "audio-classification",
    create: createAudioClassificationTask,
  },
  {
    preprocess: "mel-spectrogram",
    postprocess: "audio-classification",
    create: createAudioClassificationTask,
  },
  { preprocess: "waveform", postprocess: "audio-embedding", create: createAudioEmbeddingTask },
  {
    preprocess: "mel-spectrogram",
    postprocess: "audio-embedding",
    create: createAudioEmbeddingTask,
  },
  {
    preprocess: "prompt",
    postprocess: "text-generation",
    async create(
      manifest: Manifest,
      preprocess: PreprocessOf<"prompt">,
      postprocess: PostprocessOf<"text-generation">,
      readFile: ReadFile,
    ) {
      const { createTextGenerationTask } = await import("./generation/text-generation.ts");
      const { tokenizer, chatTemplate } = preprocess;
      return createTextGenerationTask(manifest, preprocess, postprocess, {
        tokenizerJson: await readFile(tokenizer),
        renderChat: chatTemplate === undefined ? undefined : await readTemplate(chatTemplate),
      });

      // The library is only loaded where a model needs it.
      async function readTemplate(path: string): Promise<RenderChat> {
        const { createChatTemplate } = await import("./generation/chat-template.ts");
        return createChatTemplate(await readFile(path), postprocess.context);
      }
    },
  },
  {
    preprocess: "source-text",
    postprocess: "text2text-generation",
    create: createTextToText("generated_text"),
  },
  {
    preprocess: "source-text",
    postprocess: "summarization",
    create: createTextToText("summary_text"),
  },
  {
    preprocess: "source-text",
    postprocess: "translation",
    create: createTextToText("translation_text"),
  },
  {
    preprocess: "log-mel",
    postprocess: "speech-recognition",
    async create(
      manifest: Manifest,
      preprocess: PreprocessOf<"log-mel">,
      postprocess: PostprocessOf<"speech-recognition">,
      readFile: ReadFile,
    ) {
      const { createSpeechRecognitionTask } = await import("./speech/speech-recognition.ts");
      const tokenizerJson = await readFile(postprocess.tokenizer);
      return createSpeechRecognitionTask(manifest, preprocess, postprocess, tokenizerJson);
    },
  },
  {
    preprocess: "page",
    postprocess: "text-lines",
    async create(
      manifest: Manifest,
      preprocess: PreprocessOf<"page">,
      postprocess: PostprocessOf<"text-lines">,
      readFile: ReadFile,
      { decodeImage }: TaskTools,
    ) {
      const { createImageToTextTask } = await import("./ocr/image-to-text.ts");
      const dictionary = await readFile(postprocess.dictionary);
      return createImageToTextTask(manifest, preprocess, postprocess, dictionary, decodeImage);
    },
  },
] as const satisfies readonly PairFactory[];

/** @param field of a result that has the text */
function createTextToText(field: ResultField) {
  return async (
    manifest: Manifest,
    preprocess: PreprocessOf<"source-text">,
    postprocess: PostprocessOf<"text2text-generation" | "summarization" | "translation">,
    readFile: ReadFile,
  ): Promise<Task> => {
    const { createTextToTextTask } = await import("./generation/text-to-text.ts");
    const tokenizer = await readFile(preprocess.tokenizer);
    return createTextToTextTask(manifest, preprocess, postprocess, field, tokenizer);
  };
}

/** What a preprocessor depends on beside its block. */
interface PreprocessorContext {
  specOf(input: string): TensorSpec;
  readonly readFile: ReadFile;
  readonly tools: TaskTools;
  readonly postprocess: Postprocess;
}

type PreprocessorFactory<B> = (
  block: B,
  context: PreprocessorContext,
) => AnyPreprocessor | Promise<AnyPreprocessor>;

const PREPROCESSORS: {
  readonly [T in Exclude<
    Preprocess["type"],
    (typeof PAIRS)[number]["preprocess"]
  >]: PreprocessorFactory<PreprocessOf<T>>;
} = {
  tabular: (block, { specOf }) => createTabularPreprocessor(specOf(block.input), block),
  columns: (block, { specOf }) => createColumnsPreprocessor(specOf, block),
  array: (block, { specOf }) => createArrayPreprocessor(specOf(block.input)),
  "character-ngrams": async (block, { specOf, readFile }) =>
    createNgramPreprocessor(specOf(block.input), await readFile(block.vocabulary), block.version),
  image: (block, { specOf, tools }) =>
    createImagePreprocessor(specOf(block.input), block, tools.decodeImage),
  text: (block, { specOf }) => createTextPreprocessor(specOf(block.input)),
  async tokenizer(block, { specOf, readFile, postprocess }) {
    // The library is only loaded where a model needs it.
    const { createTokenizerPreprocessor } = await import("./text/tokenizer-preprocessor.ts");
    const { texts, parameters } = postprocessDefinition(postprocess);
    const isZeroShot = postprocess.type === "zero-shot-classification";
    return createTokenizerPreprocessor(block, specOf, await readFile(block.tokenizer), {
      ...texts,
      ...(isZeroShot && { parameters, hypothesisTemplate: postprocess.hypothesisTemplate }),
    });
  },
  async "text-and-labels"(block, { specOf, readFile, postprocess }) {
    const { createTextAndLabelsPreprocessor } = await import(
      "./text/text-and-labels-preprocessor.ts"
    );
    const { parameters } = postprocessDefinition(postprocess);
    const tokenizerJson = await readFile(block.tokenizer);
    return createTextAndLabelsPreprocessor(block, specOf, tokenizerJson, parameters);
  },
};

type PostprocessorFactory<B> = (block: B, labels: readonly string[]) => AnyPostprocessor;

const POSTPROCESSORS: {
  readonly [T in Exclude<
    Postprocess["type"],
    (typeof PAIRS)[number]["postprocess"]
  >]: PostprocessorFactory<PostprocessOf<T>>;
} = {
  classification: createClassificationPostprocessor,
  regression: createRegressionPostprocessor,
  clustering: createClusteringPostprocessor,
  anomaly: createAnomalyPostprocessor,
  "object-detection": createObjectDetectionPostprocessor,
  "image-segmentation": createImageSegmentationPostprocessor,
  embedding: createEmbeddingPostprocessor,
  "token-classification": createTokenClassificationPostprocessor,
  "zero-shot-classification": createZeroShotPostprocessor,
  "text-ranking": createRankingPostprocessor,
};

/** @throws ApiError `task_not_supported` for a model without a task, or whose files cannot be used for it */
export async function createTask(
  manifest: Manifest,
  readFile: ReadFile,
  tools: TaskTools,
): Promise<Task> {
  const blocks = checkedBlocks(manifest);
  const pair = pairOf(blocks);
  if (pair) return pair.create(manifest, blocks.preprocess, blocks.postprocess, readFile, tools);
  const { preprocessor, postprocessor } = await createParts(manifest, blocks, readFile, tools);
  return createBatchTask(preprocessor, postprocessor);
}

/** What a task that is run in batches is made of. */
export interface BatchBlocks {
  readonly preprocessor: AnyPreprocessor;
  readonly postprocessor: AnyPostprocessor;
}

/**
 * The blocks of a version by themselves, for what runs its models in another way than its task does.
 * @returns `undefined` for a task that is not run in batches
 * @throws ApiError `task_not_supported` for a model without a task, or whose files cannot be used for it
 */
export async function createBlocks(
  manifest: Manifest,
  readFile: ReadFile,
  tools: TaskTools,
): Promise<BatchBlocks | undefined> {
  const blocks = checkedBlocks(manifest);
  return pairOf(blocks) ? undefined : createParts(manifest, blocks, readFile, tools);
}

interface ManifestBlocks {
  readonly preprocess: Preprocess;
  readonly postprocess: Postprocess;
}

/** @throws ApiError `task_not_supported` */
function checkedBlocks(manifest: Manifest): ManifestBlocks {
  const { preprocess, postprocess } = manifest;
  if (!preprocess || !postprocess) throw noTask(manifest);
  refuseProblems(manifest);
  return { preprocess, postprocess };
}

function pairOf({ preprocess, postprocess }: ManifestBlocks): PairFactory | undefined {
  const pairs: readonly PairFactory[] = PAIRS;
  return pairs.find(
    (pair) => pair.preprocess === preprocess.type && pair.postprocess === postprocess.type,
  );
}

async function createParts(
  manifest: Manifest,
  { preprocess, postprocess }: ManifestBlocks,
  readFile: ReadFile,
  tools: TaskTools,
): Promise<BatchBlocks> {
  const createPreprocessor = factoryOf<PreprocessorFactory<Preprocess>>(PREPROCESSORS, preprocess);
  const createPostprocessor = factoryOf<PostprocessorFactory<Postprocess>>(
    POSTPROCESSORS,
    postprocess,
  );
  const context = { specOf: inputSpecs(manifest), readFile, tools, postprocess };
  return {
    preprocessor: await createPreprocessor(preprocess, context),
    postprocessor: createPostprocessor(postprocess, manifest.labels ?? []),
  };
}

/** A manifest of an earlier release may contradict its model. */
function refuseProblems(manifest: Manifest): void {
  for (const { path, message } of blockProblems(manifest))
    throw new ApiError(
      "task_not_supported",
      `${formatModelId(manifest)} cannot run its task, because its manifest contradicts the model: ${path.join(".")}: ${message}. Publish another version.`,
      { details: { model: manifest.name, version: manifest.version, field: path.join(".") } },
    );
}

/** The factory for a block, which takes blocks of its type. */
function factoryOf<F>(factories: object, { type }: { readonly type: string }): F {
  const factory = (factories as Readonly<Record<string, F>>)[type];
  if (!factory) throw new Error(`the block ${type} works only in a pair`);
  return factory;
}
