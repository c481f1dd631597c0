import { createCall } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { ModelHost } from "../../domain/model-host.ts";
import type { ModelFiles } from "../../domain/ports.ts";
import { type NumericTensor, type Tensor, toBytes } from "../../domain/tensor.ts";
import type { ModelAdaptation } from "../../onnx/adapt-model.ts";
import type { ForestPlace } from "../../onnx/compact-forest.ts";
import { applyEdits } from "../../onnx/edit.ts";
import { forestProbes } from "../../onnx/forest-probes.ts";
import { openModelFile } from "../model-files.ts";
import type { Publication } from "./publication.ts";
import { toByteStream } from "./rewrite-model.ts";
import { type WrittenModel, writeModel } from "./write-model.ts";

/** Rows at which the two forms of a forest are compared. */
const PROBES = 512;

export interface CompactModelOptions {
  readonly store: ModelFiles;
  readonly publication: Publication;
  readonly host: Pick<ModelHost, "infer" | "unload">;
  /** The manifest of a stored file, which is loaded for it. */
  readonly toManifest: (model: WrittenModel) => Promise<Manifest>;
}

/**
 * Writes a model with a forest in the form of `TreeEnsemble`, which takes less memory, if its outputs are bit for bit those
 * of the model as it was sent.
 * @param published the manifest of the model as it was sent
 * @returns `undefined` where the model stays as it is; nothing stays written then
 * @throws ApiError `storage_failed`
 */
export async function compactModel(
  { store, publication, host, toManifest }: CompactModelOptions,
  written: WrittenModel,
  adaptation: ModelAdaptation,
  published: Manifest,
): Promise<{ model: WrittenModel; manifest: Manifest } | undefined> {
  const { id, path } = written;
  const { forest: place } = adaptation;
  if (!place) return undefined;
  const { body } = await openModelFile(store, id, path);
  const compact = adaptation.compactForest(await readRange(body, place));
  if (!compact || compact.plan.sizeBytes >= written.sizeBytes) return undefined;
  const whole = await openModelFile(store, id, path);
  const pieces = applyEdits(whole.body, compact.plan, noRange);
  const model = await writeModel(
    publication,
    publication.place("model.compact.onnx"),
    toByteStream(pieces),
    compact.plan.sizeBytes,
  );
  const probes = toProbes(place, forestProbes(compact.forest, place.columns, PROBES));
  const run = (manifest: Manifest): Promise<readonly Tensor[]> =>
    host.infer(
      { model: { ...id, manifest, revision: "", versions: [] }, inputs: [probes] },
      createCall(),
    );
  let isUsed = false;
  try {
    const manifest = await toManifest(model);
    isUsed = isSame(await run(published), await run(manifest));
    await host.unload({ manifest: isUsed ? published : manifest });
    return isUsed ? { model, manifest } : undefined;
  } catch (error) {
    // The engine does not take the other form, or not with this memory.
    if (error instanceof ApiError && !isUsed) return undefined;
    throw error;
  } finally {
    if (!isUsed) await publication.deleteFile(model.path).catch(() => undefined);
  }
}

async function readRange(
  body: ReadableStream<Uint8Array>,
  { start, end }: ForestPlace,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  let position = 0;
  for await (const chunk of body) {
    const part = chunk.subarray(Math.max(0, start - position), Math.max(0, end - position));
    bytes.set(part, Math.max(0, position - start));
    position += chunk.byteLength;
    if (position >= end) break;
  }
  return bytes;
}

function noRange(): never {
  throw new Error("a forest has no weights in other files");
}

function toProbes({ input, columns }: ForestPlace, values: Float32Array): NumericTensor {
  return {
    name: input,
    datatype: "FP32",
    shape: [values.length / columns, columns],
    data: toBytes(values),
  };
}

function isSame(before: readonly Tensor[], after: readonly Tensor[]): boolean {
  return (
    before.length === after.length &&
    before.every((tensor, index) => {
      const other = after[index];
      return (
        other?.name === tensor.name &&
        other.datatype === tensor.datatype &&
        String(other.shape) === String(tensor.shape) &&
        other.data.length === tensor.data.length &&
        tensor.data.every((value: number | string, at: number) => other.data[at] === value)
      );
    })
  );
}
