import { ENCODER } from "../../domain/blocks/encoder-name.ts";
import { type Manifest, parseManifest } from "../../domain/manifest.ts";
import type { ModelId } from "../../domain/model-id.ts";
import type { ModelDescription } from "../../domain/ports.ts";
import { invalidExport } from "./export-error.ts";
import type { ExportedTask } from "./export-types.ts";

/** What a version of an export is made of. */
export interface ExportParts {
  readonly id: ModelId;
  readonly format: Manifest["format"];
  /** The model first. */
  readonly files: Manifest["files"];
  readonly original?: Manifest["original"] | undefined;
  readonly description: ModelDescription;
  /** Of an encoder-decoder, whose file is one of `files`. */
  readonly encoder?: (ModelDescription & Pick<Manifest, "format" | "file">) | undefined;
  readonly task: ExportedTask;
  readonly createdAt: Date;
}

/** @throws ApiError `invalid_model` for a task that contradicts the model */
export function toExportManifest(parts: ExportParts): Manifest {
  const { id, format, files, original, description, encoder, createdAt } = parts;
  const { task, preprocess, postprocess, labels, notes } = parts.task;
  const [model] = files;
  try {
    return parseManifest({
      schemaVersion: 1,
      name: id.name,
      version: id.version,
      description: describe(notes),
      task,
      format,
      file: model?.path,
      files,
      ...(original && { original }),
      inputs: description.inputs,
      outputs: description.outputs,
      ...(encoder && { models: { [ENCODER]: encoder } }),
      preprocess,
      postprocess,
      ...(labels && { labels }),
      createdAt: createdAt.toISOString(),
    });
  } catch (cause) {
    throw invalidExport(
      `No valid manifest can be made of the export: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
}

const MAX_DESCRIPTION = 2000;

/** Whoever reads the manifest learns what was guessed. */
function describe(notes: readonly string[]): string {
  return `Published from an export: ${notes.join("; ")}.`.slice(0, MAX_DESCRIPTION);
}
