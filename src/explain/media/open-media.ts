import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { formatModelId } from "../../domain/model-id.ts";
import type { ExplainedVersion, VersionBlocks } from "../explained-version.ts";
import type { ExplanationRequest } from "../method.ts";
import { type PictureForm, pictureForm } from "../picture/picture.ts";
import { openPicture } from "../picture/picture-input.ts";
import { openSound } from "../sound/sound-input.ts";
import { isTable } from "../table/table-reader.ts";
import { openGeneration } from "../text/generation-input.ts";
import { openText } from "../text/text-input.ts";
import { EXPLAINED_PARTS, type MediaKind } from "./explained-tasks.ts";
import type { MediaInput } from "./media-input.ts";
import { type MediaParameters, mediaParameters } from "./media-parameters.ts";

/** `undefined` for a version whose inputs are none of them, or whose task does not let them be explained. */
export function mediaKindOf(manifest: Manifest): MediaKind | undefined {
  const { postprocess } = manifest;
  const kind = inputKindOf(manifest);
  return kind && postprocess && EXPLAINED_PARTS[postprocess.type].includes(kind) ? kind : undefined;
}

function inputKindOf(manifest: Manifest): MediaKind | undefined {
  switch (manifest.preprocess?.type) {
    case "tokenizer":
    case "text":
    case "character-ngrams":
      return "text";
    case "image":
    case "array":
      return pictureForm(manifest) ? "picture" : undefined;
    case "waveform":
    case "mel-spectrogram":
    case "audio-windows":
    case "log-mel":
      return "sound";
    case "prompt":
      return "generation";
    default:
      return undefined;
  }
}

/** Those of the media parameters that a kind of input has. */
const PARAMETERS_OF: Readonly<Record<MediaKind, readonly (keyof MediaParameters)[]>> = {
  text: ["unit", "removal"],
  generation: ["unit", "removal", "max_new_tokens"],
  picture: ["grid", "segments", "fill"],
  sound: ["window_ms", "bands"],
};

/** Those of the media parameters that have no effect on a version: all of them for tables. */
export function inapplicableParameters(manifest: Manifest): readonly string[] {
  const kind = mediaKindOf(manifest);
  const applicable: readonly string[] = kind ? PARAMETERS_OF[kind] : [];
  return Object.keys(mediaParameters).filter((name) => !applicable.includes(name));
}

/**
 * Whether a request is about the parts of a text, a picture or a recording, and not about a row of numbers: an array of numbers is a
 * picture where the request says how to divide it.
 */
export function explainsParts({
  version,
  parameters: { grid, segments, fill },
}: Pick<ExplanationRequest<MediaParameters>, "version" | "parameters">): boolean {
  const { manifest } = version.model;
  const kind = mediaKindOf(manifest);
  const asPicture = (grid ?? segments ?? fill) !== undefined;
  return kind !== undefined && (asPicture || !isTable(manifest));
}

/** @throws ApiError `invalid_request` for a parameter of another kind of input */
function refuseOthers(
  { model }: ExplainedVersion,
  parameters: MediaParameters,
  valid: readonly string[],
): void {
  const other = Object.keys(mediaParameters).find(
    (name) =>
      !valid.includes(name) && parameters[name as keyof typeof mediaParameters] !== undefined,
  );
  if (other === undefined) return;
  throw new ApiError(
    "invalid_request",
    `"parameters.${other}" has no effect on ${formatModelId(model)}, which takes ${valid.join(", ")}.`,
    { details: { field: `parameters.${other}`, valid } },
  );
}

/**
 * @param inSegments whether a picture is divided into superpixels, when the request does not say
 * @throws ApiError `invalid_request` for another version; of the preprocessor, and for parameters that do not fit
 */
export async function openMedia(
  request: ExplanationRequest<MediaParameters>,
  inSegments: boolean,
): Promise<MediaInput> {
  const { version } = request;
  const kind = mediaKindOf(version.model.manifest);
  if (kind) refuseOthers(version, request.parameters, PARAMETERS_OF[kind]);
  switch (kind) {
    case "text": {
      return openText(request, await blocksOf(version));
    }
    case "generation":
      return openGeneration(request);
    case "sound":
      return openSound(request);
    case "picture": {
      const { form, blocks } = await openPictureBlocks(version);
      return openPicture(form, request, blocks, inSegments);
    }
    default:
      throw notMedia(version);
  }
}

/** @throws ApiError `invalid_request` for a version whose inputs are no pictures */
export async function openPictureBlocks(
  version: ExplainedVersion,
): Promise<{ readonly form: PictureForm; readonly blocks: VersionBlocks }> {
  const { manifest } = version.model;
  const form = mediaKindOf(manifest) === "picture" ? pictureForm(manifest) : undefined;
  if (!form) throw notMedia(version);
  return { form, blocks: await blocksOf(version) };
}

async function blocksOf(version: ExplainedVersion) {
  const blocks = await version.blocks();
  if (!blocks) throw notMedia(version);
  return blocks;
}

function notMedia({ model }: ExplainedVersion): ApiError {
  const { task } = model.manifest;
  return new ApiError(
    "invalid_request",
    `${formatModelId(model)}${task ? `, whose task is ${task},` : ""} has no inputs that this method divides into parts: it explains texts that are classified, embedded or generated, pictures that are classified or in which objects are detected, and recordings of speech.`,
    { details: { model: model.name, version: model.version } },
  );
}
