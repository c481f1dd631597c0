import type { ExportConfig } from "../../domain/export-config.ts";
import { invalidExport } from "./export-error.ts";
import type { DeriveTask, ExportedModel, ExportedTask, ExportOptions } from "./export-types.ts";
import { deriveGeneration } from "./generation-export.ts";
import {
  deriveEmbedding,
  deriveTextClassification,
  deriveTokenClassification,
} from "./text-exports.ts";
import { deriveTextToText } from "./text-to-text-export.ts";

/** The kinds of exports, the first of which that fits derives the task. */
const KINDS: readonly DeriveTask[] = [
  deriveGeneration,
  deriveTextToText,
  deriveTextClassification,
  deriveTokenClassification,
  deriveEmbedding,
];

/**
 * The task of an export of Optimum or transformers.js, from its graph and its files of configuration.
 * @throws ApiError `invalid_model` for an export of another kind, one that cannot be served, and one whose files are missing
 */
export function deriveExport(
  model: ExportedModel,
  config: ExportConfig,
  options: ExportOptions = {},
): ExportedTask {
  if (!config.tokenizer)
    throw invalidExport(
      "The export has no tokenizer.json, which turns texts into tokens. Save it beside the model: AutoTokenizer.from_pretrained(MODEL).save_pretrained(FOLDER), with a fast tokenizer.",
    );
  for (const derive of KINDS) {
    const derived = derive(model, config, options);
    if (derived) return derived;
  }
  const { architectures = ["unknown"] } = config.config ?? {};
  throw invalidExport(
    `Exports of the architecture ${architectures.join(", ")} have no task here: those of text generation (*ForCausalLM), encoder-decoders of texts (*ForConditionalGeneration), text classification, token classification and feature extraction have one. Publish the ONNX file alone, for /v2, or write a manifest (docs/tasks.md).`,
    { architectures },
  );
}
