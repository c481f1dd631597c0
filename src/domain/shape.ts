import { clip, quote } from "../shared/quote.ts";
import { ApiError } from "./errors.ts";
import { elementCount, formatShape, type Tensor, type TensorSpec } from "./tensor.ts";
import { describe } from "./tensor-json.ts";

/** Far above the rank of any real tensor; bounds the depth of recursion over nested data. */
export const MAX_RANK = 16;

/** The engine stores dimensions as 32-bit integers, which a larger one would overflow. */
const MAX_DIMENSION = 2_147_483_647;

/**
 * Validates an untrusted shape.
 * @throws ApiError `invalid_shape` for a dimension that is not an integer from 0 to 2^31 - 1, or a product over 2^53 - 1
 *   (the shape `[16, 1152921504606846978]` overflows 64-bit arithmetic to a small number).
 */
export function parseShape(name: string, shape: unknown): number[] {
  if (!Array.isArray(shape))
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": shape must be an array of non-negative integers, such as [1, 4]; got ${describe(shape)}.`,
    );
  if (shape.length > MAX_RANK)
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": a shape has at most ${MAX_RANK} dimensions; got ${shape.length}.`,
    );
  for (const [axis, dimension] of shape.entries()) {
    if (!Number.isSafeInteger(dimension) || dimension < 0 || dimension > MAX_DIMENSION)
      throw new ApiError(
        "invalid_shape",
        `Input "${name}": shape must hold non-negative integers up to ${MAX_DIMENSION}; got ${describe(dimension)} as dimension ${axis}.`,
      );
  }
  // A zero hides an overflow of the other dimensions, which would still occur in the engine.
  const magnitude = elementCount(shape.map((dimension) => Math.max(dimension, 1)));
  if (magnitude > Number.MAX_SAFE_INTEGER)
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": the shape ${formatShape(shape)} has more elements than can be counted.`,
    );
  return shape;
}

/**
 * Checks tensors against what the model declares: each input exactly once, an optional one at most once, no other, and each of the
 * declared datatype, rank and fixed dimensions. A declared shape of `[]` leaves the rank open.
 * @throws ApiError that names the input, what was expected and what was received
 */
export function checkInputs(specs: readonly TensorSpec[], tensors: readonly Tensor[]): void {
  const seen = new Set<string>();
  for (const tensor of tensors) {
    const spec = specs.find(({ name }) => name === tensor.name);
    if (!spec) throw unknownInput(specs, tensor.name);
    if (seen.has(tensor.name))
      throw new ApiError("invalid_input", `Input "${tensor.name}" is given twice.`);
    seen.add(tensor.name);
    checkTensor(spec, tensor);
  }
  // Most requests give all inputs.
  if (seen.size === specs.length) return;
  const missing = specs.filter(({ name, optional }) => !optional && !seen.has(name));
  if (missing.length > 0)
    throw new ApiError(
      "invalid_input",
      `Missing ${missing.map(({ name }) => `input "${name}"`).join(" and ")}: the model takes ${describeSpecs(specs)}.`,
      { details: { expected: specs.map(({ name }) => name), missing: missing.map((s) => s.name) } },
    );
}

/** The error for an input that the model does not have. */
export function unknownInput(specs: readonly TensorSpec[], name: string): ApiError {
  return new ApiError(
    "invalid_input",
    `The model has no input ${quote(name)}: it takes ${describeSpecs(specs)}.`,
    { details: { expected: specs.map((spec) => spec.name), actual: clip(name) } },
  );
}

/** Human-readable inputs or outputs: `"features" (FP32 [batch, 4])`, `"scale" (FP32 [], optional)`. */
export function describeSpecs(specs: readonly TensorSpec[]): string {
  return specs
    .map(
      ({ name, datatype, shape, optional }) =>
        `"${name}" (${datatype} ${formatShape(shape)}${optional ? ", optional" : ""})`,
    )
    .join(", ");
}

function checkTensor(spec: TensorSpec, tensor: Tensor): void {
  const { name, datatype, shape } = tensor;
  if (datatype !== spec.datatype)
    throw new ApiError(
      "invalid_datatype",
      `Input "${name}": expected datatype ${spec.datatype}, got ${datatype}.`,
      { details: { input: name, expected: spec.datatype, actual: datatype } },
    );
  const mismatch = (why: string): ApiError =>
    new ApiError(
      "invalid_shape",
      `Input "${name}": expected shape ${formatShape(spec.shape)}, got ${formatShape(shape)}: ${why}.`,
      { details: { input: name, expected: spec.shape, actual: shape } },
    );
  // ONNX Runtime reports rank 0 for a scalar and for a value whose rank the model leaves open, and
  // checks neither.
  if (spec.shape.length === 0) return;
  if (shape.length !== spec.shape.length)
    throw mismatch(`it has ${shape.length} dimensions instead of ${spec.shape.length}`);
  for (const [axis, declared] of spec.shape.entries()) {
    const size = shape[axis] ?? 0;
    if (typeof declared === "number" && declared !== -1 && declared !== size)
      throw mismatch(`dimension ${axis} must be ${declared}`);
  }
}
