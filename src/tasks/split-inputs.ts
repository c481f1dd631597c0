import { checkBatchLimit } from "../domain/access/request-limits.ts";
import type { Call } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import { Media } from "../domain/media.ts";
import { describeBytes } from "../domain/recognize-media.ts";
import { clip } from "../shared/quote.ts";
import type { Items } from "./preprocessor.ts";

/** How a task splits its inputs into items. */
export interface InputSplitter<P> {
  /** Media types beside JSON. */
  readonly mediaTypes: readonly string[];
  split(inputs: unknown, parameters: P, checkpoint?: Call["checkpoint"]): Items | Promise<Items>;
}

/**
 * The items of a request.
 * @throws ApiError `unsupported_media_type`, `invalid_input`, `invalid_shape`; `invalid_request` for more items than the API key permits
 */
export async function splitInputs<P>(
  splitter: InputSplitter<P>,
  inputs: unknown,
  parameters: P,
  { trace, checkpoint, limits }: Pick<Call, "trace" | "checkpoint" | "limits">,
): Promise<Items> {
  refuseOtherMedia(splitter.mediaTypes, inputs);
  const made = trace.measure("preprocess", () => splitter.split(inputs, parameters, checkpoint));
  const split = made instanceof Promise ? await made : made;
  if (split.items.length === 0)
    throw new ApiError("invalid_input", '"inputs" is an empty list: send at least one item.');
  checkBatchLimit(limits, split.items.length);
  return split;
}

function refuseOtherMedia(accepted: readonly string[], inputs: unknown): void {
  for (const value of Array.isArray(inputs) ? inputs : [inputs]) {
    if (!(value instanceof Media) || accepted.includes(value.type)) continue;
    const valid = ["application/json", ...accepted];
    throw new ApiError(
      "unsupported_media_type",
      `This model takes no ${clip(value.type)}; got ${describeBytes(value.bytes)}: send ${valid.join(" or ")} with that content-type.`,
      { details: { actual: clip(value.type), valid } },
    );
  }
}
