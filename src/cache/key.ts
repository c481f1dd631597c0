import type { Manifest } from "../domain/manifest.ts";
import { modelDigest } from "../domain/manifest.ts";
import { memberFile } from "../domain/member-models.ts";
import type { Tensor } from "../domain/tensor.ts";
import { toTensorBytes } from "../domain/tensor-bytes.ts";
import { concatenateBytes } from "../shared/bytes.ts";
import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";

/** Raised when what is hashed, or how, changes. */
const KEY_VERSION = 1;
/** Larger data is hashed by itself: concatenating an image with the rest would copy it. */
const INLINE_BYTES = 4096;
/** Hexadecimal digits of the model's digest, at the end of each key: events show the beginning. */
const MODEL_PART_LENGTH = 32;
const KEY = /^[0-9a-f]{96}$/;
const ENCODER = new TextEncoder();

/**
 * SHA-256, in hexadecimal, of everything that the outputs depend on: the model's digest, the versions of its preprocessor and
 * postprocessor, the inputs in canonical form, and the names of the outputs. The same tensors have the same key in every request
 * format; the alias, the version number and the request's id do not matter.
 * The beginning of the digest of the version's main model follows, so that a key says which model's it is.
 * @param client the id of the principal whose requests may use the entry; `undefined` for all
 * @param member one of the version's `models`; the main one when left out
 */
export async function predictionKey(
  manifest: Manifest,
  inputs: readonly Tensor[],
  outputs: readonly string[],
  client: string | undefined,
  member?: string,
): Promise<string> {
  const sorted = [...inputs].sort((a, b) => (a.name < b.name ? -1 : 1));
  const data = sorted.map(toTensorBytes);
  const { preprocess, postprocess } = manifest;
  // The head has the lengths, so no two requests have the same bytes.
  const head = ENCODER.encode(
    JSON.stringify([
      KEY_VERSION,
      memberFile(manifest, member).sha256,
      preprocess && [preprocess.type, preprocess.version],
      postprocess && [postprocess.type, postprocess.version],
      client,
      [...outputs].sort(),
      sorted.map(({ name, datatype, shape }, i) => [name, datatype, shape, data[i]?.byteLength]),
    ]),
  );
  const parts = [head];
  for (const bytes of data)
    parts.push(bytes.byteLength > INLINE_BYTES ? await sha256(bytes) : bytes);
  return toHex(await sha256(concatenateBytes(parts))) + modelPart(manifest);
}

/**
 * SHA-256, in hexadecimal, of everything that the answer of a task depends on that generates: the digests of all files of the version, the
 * blocks of its manifest with their settings, and what identifies the request. It is no key of a run ({@link isKeyOfModel}).
 * @param request in canonical form
 * @param client the id of the principal whose requests may use the entry; `undefined` for all
 */
export async function answerKey(
  manifest: Manifest,
  request: unknown,
  client: string | undefined,
): Promise<string> {
  const { task, file, models, preprocess, postprocess, labels } = manifest;
  const files = manifest.files.map(({ path, sha256: digest }) => [path, digest]);
  const version = [task, file, models, files.sort(), preprocess, postprocess, labels];
  const head = ["answer", KEY_VERSION, version, client, request];
  return toHex(await sha256(JSON.stringify(head)));
}

/**
 * Whether a key is one of this model: an isolate makes the keys of its runs itself, and must not reach the entries of other
 * models.
 */
export function isKeyOfModel(key: unknown, manifest: Manifest): key is string {
  return typeof key === "string" && KEY.test(key) && key.endsWith(modelPart(manifest));
}

function modelPart(manifest: Manifest): string {
  return modelDigest(manifest).slice(0, MODEL_PART_LENGTH);
}
