import type { ExportConfig } from "../../domain/export-config.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { ModelDescription } from "../../domain/ports.ts";
import type { AttentionCache } from "../../onnx/attention-caches.ts";

/** The model of an export, as the engine and its file describe it. */
export interface ExportedModel extends ModelDescription {
  /** Keys and values that attentions may read and write where they are. */
  readonly attentionCaches: readonly AttentionCache[];
  /** Of a decoder that has one. */
  readonly encoder?: ModelDescription | undefined;
}

/** What whoever publishes an export decides. */
export interface ExportOptions {
  /** Tokens of prompt and answer together; as many as the model was made for when left out. */
  readonly context?: number | undefined;
}

/** A file of the version beside the model. */
export interface ExportFile {
  readonly path: string;
  /** `undefined` for the file of the export as it is. */
  readonly text?: string | undefined;
}

/** The task of an export, as its manifest declares it. */
export interface ExportedTask extends Pick<Manifest, "labels"> {
  readonly task: NonNullable<Manifest["task"]>;
  readonly preprocess: NonNullable<Manifest["preprocess"]>;
  readonly postprocess: NonNullable<Manifest["postprocess"]>;
  /** Where it is not the default. */
  readonly cache?: Manifest["cache"] | undefined;
  readonly files: readonly ExportFile[];
  /** What was found and what was guessed, for whoever publishes it. */
  readonly notes: readonly string[];
}

/** Derives the task of a model; `undefined` for one of another kind. */
export type DeriveTask = (
  model: ExportedModel,
  config: ExportConfig,
  options: ExportOptions,
) => ExportedTask | undefined;
