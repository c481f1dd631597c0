import { DATATYPES, isDatatype } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import { parseShape, unknownInput } from "../../domain/shape.ts";
import type { Tensor, TensorSpec } from "../../domain/tensor.ts";
import { describe, fromJsonData } from "../../domain/tensor-json.ts";
import { toInteger } from "../../shared/json-number.ts";
import { clip, quote, quoteAll } from "../../shared/quote.ts";
import { parseJson } from "../json.ts";
import { parseWith } from "../parse.ts";
import { fromBytes, fromRawBody } from "./binary-tensor.ts";
import {
  type InferInputJson,
  type InferOutputJson,
  type InferRequestJson,
  inferRequestSchema,
} from "./infer-schema.ts";

/** The length of the JSON, when tensor data follows it. */
export const HEADER_LENGTH = "inference-header-content-length";

/**
 * Source of the rules: Open Inference Protocol v2, "Inference Request JSON Object"
 * (https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md),
 * and Triton's extensions (https://github.com/triton-inference-server/server/tree/main/docs/protocol).
 */
export interface InferRequest {
  /** Echoed in the response. */
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** The requested outputs; `undefined` for all. */
  readonly outputs: readonly RequestedOutput[] | undefined;
  /** Whether outputs are returned as bytes, unless they set it themselves. */
  readonly binaryByDefault: boolean;
  /** The `timeout` parameter of the schedule policy, which is in microseconds on the wire. */
  readonly timeoutMs: number | undefined;
}

export interface RequestedOutput {
  readonly name: string;
  /** `undefined` for the request's default. */
  readonly binary: boolean | undefined;
  /** The number of classes to return as strings; `undefined` for the tensor itself. */
  readonly classification: number | undefined;
}

/**
 * Parses an inference request: JSON, JSON followed by tensor data, or only data.
 * @param headerLength the header {@link HEADER_LENGTH}
 * @throws ApiError that names what is wrong, what was expected and what is valid
 */
export function parseInferRequest(
  body: Uint8Array,
  headerLength: string | undefined,
  specs: readonly TensorSpec[],
): InferRequest {
  const jsonBytes = parseHeaderLength(headerLength, body.byteLength);
  if (jsonBytes === 0) {
    const required = specs.filter(({ optional }) => !optional);
    const inputs = [fromRawBody(required, body)];
    return {
      id: undefined,
      inputs,
      outputs: undefined,
      binaryByDefault: true,
      timeoutMs: undefined,
    };
  }
  const json = parseWith(inferRequestSchema, parseJson(body.subarray(0, jsonBytes)));
  refuseSequence(json);
  if (json.id !== undefined && !json.id.isWellFormed())
    throw new ApiError("invalid_request", `"id" must be Unicode text without lone surrogates.`);
  return {
    id: json.id,
    inputs: readInputs(json.inputs, specs, body.subarray(jsonBytes)),
    outputs: readOutputs(json.outputs),
    binaryByDefault: json.parameters?.binary_data_output ?? false,
    timeoutMs: readTimeoutMs(json.parameters),
  };
}

function parseHeaderLength(text: string | undefined, bodyBytes: number): number {
  if (text === undefined) return bodyBytes;
  const length = Number(text);
  if (/^[0-9]{1,15}$/.test(text) && length <= bodyBytes) return length;
  throw new ApiError(
    "invalid_request",
    `The header ${HEADER_LENGTH} must be the length of the JSON in bytes, at most the body's ${bodyBytes}; got ${quote(text)}.`,
  );
}

/** Names are checked first, so that a misspelt name is not reported as an invalid shape. */
function readInputs(
  inputs: readonly InferInputJson[],
  specs: readonly TensorSpec[],
  binary: Uint8Array,
): Tensor[] {
  let offset = 0;
  const tensors = inputs.map((input): Tensor => {
    refuseSharedMemory("Input", input);
    const { name, datatype, shape } = checkDeclaration(input, specs);
    const sizeBytes = input.parameters?.binary_data_size;
    if (sizeBytes === undefined) return fromJsonData(name, datatype, shape, input.data);
    if (input.data !== undefined)
      throw new ApiError(
        "invalid_input",
        `Input "${name}": has both data and binary_data_size; send one of them.`,
      );
    if (offset + sizeBytes > binary.byteLength)
      throw new ApiError(
        "invalid_input",
        `Input "${name}": binary_data_size is ${sizeBytes}, but ${binary.byteLength - offset} bytes are left after the JSON.`,
      );
    offset += sizeBytes;
    return fromBytes({ name, datatype }, shape, binary.subarray(offset - sizeBytes, offset));
  });
  if (offset !== binary.byteLength)
    throw new ApiError(
      "invalid_input",
      `${binary.byteLength - offset} bytes after the JSON belong to no input: the binary_data_size of all inputs adds up to ${offset}.`,
    );
  return tensors;
}

function checkDeclaration(
  { name, datatype, shape }: InferInputJson,
  specs: readonly TensorSpec[],
): Pick<TensorSpec, "name" | "datatype"> & { shape: number[] } {
  const spec = specs.find((candidate) => candidate.name === name);
  if (!spec) throw unknownInput(specs, name);
  const details = { input: name, expected: spec.datatype, actual: clip(datatype) };
  if (!isDatatype(datatype))
    throw new ApiError(
      "invalid_datatype",
      `Input "${name}": datatype must be ${spec.datatype}, one of the protocol's ${DATATYPES.join(", ")}; got ${describe(datatype)}.`,
      { details },
    );
  if (datatype !== spec.datatype)
    throw new ApiError(
      "invalid_datatype",
      `Input "${name}": expected datatype ${spec.datatype}, got ${datatype}.`,
      { details },
    );
  return { name, datatype, shape: parseShape(name, shape) };
}

function readOutputs(outputs: InferRequestJson["outputs"]): RequestedOutput[] | undefined {
  // As in Triton, an empty list requests every output.
  if (!outputs || outputs.length === 0) return undefined;
  if (new Set(outputs.map(({ name }) => name)).size < outputs.length)
    throw new ApiError("invalid_request", `"outputs" names an output twice.`);
  for (const output of outputs) refuseSharedMemory("Output", output);
  return outputs.map(({ name, parameters }) => {
    const binary = parameters?.binary_data;
    const classification = parameters?.classification;
    return { name, binary, classification };
  });
}

function readTimeoutMs(parameters: InferRequestJson["parameters"]): number | undefined {
  readUint64("priority", parameters?.priority);
  const timeout = readUint64("timeout", parameters?.timeout);
  return timeout ? Number(timeout) / 1000 : undefined;
}

const MAX_UINT64 = 2n ** 64n - 1n;

/** An unsigned integer of 64 bits, as a number or, from clients that cannot write such numbers, as a string. */
function readUint64(name: string, value: unknown): bigint | undefined {
  if (value === undefined) return undefined;
  const integer = toInteger(value);
  const isInteger =
    typeof integer === "bigint" ||
    Number.isSafeInteger(integer) ||
    (typeof integer === "string" && /^[0-9]{1,20}$/.test(integer));
  const exact = isInteger ? BigInt(integer as bigint | number | string) : undefined;
  if (exact !== undefined && exact >= 0n && exact <= MAX_UINT64) return exact;
  throw new ApiError(
    "invalid_request",
    `parameters.${name} must be an integer from 0 to ${MAX_UINT64}; got ${describe(value)}.`,
    { details: { field: `parameters.${name}` } },
  );
}

/** @throws ApiError for tensors that Triton would read from or write to memory that it shares with the client */
function refuseSharedMemory(
  kind: string,
  { name, parameters }: InferInputJson | InferOutputJson,
): void {
  const found = Object.keys(parameters ?? {}).filter(
    (key) => key.startsWith("shared_memory_") && parameters?.[key] !== null,
  );
  if (found.length === 0) return;
  throw new ApiError(
    "invalid_request",
    `${kind} ${quote(name)}: the parameter ${quoteAll(found)} is not supported, because this server shares no memory with clients. Send and receive tensors as JSON or as binary data.`,
  );
}

function refuseSequence({ parameters }: InferRequestJson): void {
  if (!parameters?.sequence_id) return;
  throw new ApiError(
    "invalid_request",
    `The parameter "sequence_id" is not supported: models keep no state between requests. Send the state as an input, if the model has one.`,
  );
}
