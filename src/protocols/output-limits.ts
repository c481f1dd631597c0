import { ApiError } from "../domain/errors.ts";
import { elementCount, formatShape, type Tensor } from "../domain/tensor.ts";

/**
 * The most elements of the outputs in one JSON response. They are written in one piece of work, of some 50 ms, and their text
 * takes several times the memory of the tensor.
 */
const MAX_NUMBERS = 1_000_000;
/** Texts, also those of the classification extension. */
const MAX_TEXTS = 100_000;

/**
 * Checks outputs before they are written as JSON, or classified.
 * @param outputs with what they will be: `BYTES` for one that is classified
 * @param instead how to get them all the same
 * @throws ApiError `invalid_request`
 */
export function checkJsonOutputs(
  outputs: readonly Pick<Tensor, "name" | "datatype" | "shape">[],
  instead: string,
): void {
  let numbers = 0;
  let texts = 0;
  for (const { name, datatype, shape } of outputs) {
    const elements = elementCount(shape);
    if (datatype === "BYTES") texts += elements;
    else numbers += elements;
    const [limit, what] = texts > MAX_TEXTS ? [MAX_TEXTS, "texts"] : [MAX_NUMBERS, "numbers"];
    if (numbers <= MAX_NUMBERS && texts <= MAX_TEXTS) continue;
    throw new ApiError(
      "invalid_request",
      `Output "${name}" of shape ${formatShape(shape)} makes more than ${limit} ${what} in one response, the most accepted: ${instead}.`,
      { details: { output: name, limit } },
    );
  }
}
