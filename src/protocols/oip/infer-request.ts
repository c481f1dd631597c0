import { DATATYPES, isDatatype } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import { parseShape, unknownInput } from "../../domain/shape.ts";
import type { Tensor, TensorSpec } from "../../domain/tensor.ts";
import { describe, fromJsonData } from "../../domain/tensor-json.ts";

/**
 * Source of the rules: Open Inference Protocol v2, "Inference Request JSON Object"
 * (https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md).
 */
export interface InferRequest {
  /** Echoed in the response. */
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** The outputs asked for; `undefined` asks for all. */
  readonly outputs: readonly string[] | undefined;
  /** The `timeout` parameter of the schedule policy, which is in microseconds on the wire. */
  readonly timeoutMs: number | undefined;
}

/**
 * Reads an inference request. The names are checked first, so that a misspelt input is told as such
 * and not as a wrong shape.
 * @throws ApiError that names what is wrong, what was expected and what is valid
 */
export function parseInferRequest(body: unknown, specs: readonly TensorSpec[]): InferRequest {
  const { id, inputs, outputs, parameters = {} } = asObject(body, "The body");
  if (id !== undefined && typeof id !== "string")
    throw new ApiError("invalid_request", `"id" must be a string; got ${describe(id)}.`);
  if (!Array.isArray(inputs))
    throw new ApiError(
      "invalid_request",
      `"inputs" must be an array of tensors, each with name, shape, datatype and data; got ${describe(inputs)}.`,
    );
  return {
    id,
    inputs: inputs.map((input, index) => parseInput(input, index, specs)),
    outputs: outputs === undefined ? undefined : parseOutputs(outputs),
    timeoutMs: parseTimeout(asObject(parameters, `"parameters"`).timeout),
  };
}

/** Source: Triton's schedule policy extension. 0 asks for the server's default. */
function parseTimeout(timeout: unknown): number | undefined {
  if (timeout === undefined || timeout === 0) return undefined;
  if (typeof timeout === "number" && Number.isSafeInteger(timeout) && timeout > 0)
    return timeout / 1000;
  throw new ApiError(
    "invalid_request",
    `The parameter "timeout" must be a non-negative integer of microseconds; got ${describe(timeout)}.`,
  );
}

function parseInput(value: unknown, index: number, specs: readonly TensorSpec[]): Tensor {
  const { name, datatype, shape, data } = asObject(value, `inputs[${index}]`);
  if (typeof name !== "string")
    throw new ApiError(
      "invalid_request",
      `inputs[${index}].name must be a string; got ${describe(name)}.`,
    );
  const spec = specs.find((candidate) => candidate.name === name);
  if (!spec) throw unknownInput(specs, name);
  if (!isDatatype(datatype))
    throw new ApiError(
      "invalid_datatype",
      `Input "${name}": datatype must be ${spec.datatype}, one of the protocol's ${DATATYPES.join(", ")}; got ${describe(datatype)}.`,
      { details: { input: name, expected: spec.datatype } },
    );
  if (datatype !== spec.datatype)
    throw new ApiError(
      "invalid_datatype",
      `Input "${name}": expected datatype ${spec.datatype}, got ${datatype}.`,
      { details: { input: name, expected: spec.datatype, actual: datatype } },
    );
  return fromJsonData(name, datatype, parseShape(name, shape), data);
}

function parseOutputs(outputs: unknown): string[] | undefined {
  if (!Array.isArray(outputs))
    throw new ApiError(
      "invalid_request",
      `"outputs" must be an array of objects with a name; got ${describe(outputs)}.`,
    );
  const names = outputs.map((value, index) => {
    const { name } = asObject(value, `outputs[${index}]`);
    if (typeof name !== "string")
      throw new ApiError(
        "invalid_request",
        `outputs[${index}].name must be a string; got ${describe(name)}.`,
      );
    return name;
  });
  if (new Set(names).size < names.length)
    throw new ApiError("invalid_request", `"outputs" names an output twice.`);
  // As Triton does: an empty list asks for every output.
  return names.length > 0 ? names : undefined;
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new ApiError("invalid_request", `${what} must be a JSON object; got ${describe(value)}.`);
}
