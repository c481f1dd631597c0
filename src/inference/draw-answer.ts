import { postprocessDefinition } from "../domain/blocks/registry.ts";
import type { Call } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { TaskRequest, TaskValue } from "../domain/task.ts";
import type { DecodeImage } from "../tasks/image/decode-image.ts";

/**
 * Draws an answer of a task whose predictions have a picture, as a PNG file.
 * @throws ApiError `invalid_request` for the answer to a list
 */
export type DrawAnswer = (
  model: PublishedModel,
  request: TaskRequest,
  answer: TaskValue,
  call: Call,
) => Promise<Uint8Array>;

export function createDrawAnswer({
  decodeImage,
}: {
  readonly decodeImage: DecodeImage;
}): DrawAnswer {
  return async ({ manifest }, { inputs }, { value, form }, call) => {
    if (form !== "one") throw severalPictures(inputs, describePicture(manifest));
    // Only requests that want a picture need what draws it.
    const { drawPrediction } = await import("../tasks/image/draw-prediction.ts");
    const checkpoint = (): Promise<void> => call.checkpoint();
    return drawPrediction({ manifest, inputs, value }, decodeImage, checkpoint);
  };
}

function describePicture({ postprocess }: PublishedModel["manifest"]): string {
  return (postprocess && postprocessDefinition(postprocess).picture?.description) ?? "a picture";
}

function severalPictures(inputs: unknown, picture: string): ApiError {
  const count = Array.isArray(inputs) ? inputs.length : 1;
  return new ApiError(
    "invalid_request",
    `image/png is one picture, ${picture}, and the request has a list of inputs: send one input without a list, or accept application/json.`,
    { details: { field: "inputs", limit: 1, actual: count } },
  );
}
