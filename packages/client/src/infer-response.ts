import { parseExactJson } from "./exact-json.ts";
import type { BufferedResponse } from "./fetch-types.ts";
import type { InferResult } from "./infer-messages.ts";
import { HEADER_LENGTH } from "./infer-request.ts";
import { OnnxflareError } from "./onnxflare-error.ts";
import { type OutputJson, toOutputTensor } from "./output-tensor.ts";
import type { Datatype, OutputTensor } from "./tensor-types.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** @throws OnnxflareError `invalid_response` that names what is wrong with the response */
export function decodeInferResponse(response: BufferedResponse): InferResult {
  try {
    return decode(response);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new OnnxflareError(
      "invalid_response",
      `The server's response is invalid: ${cause.message}.`,
      { status: response.status, requestId: response.requestId, cause },
    );
  }
}

interface ResponseJson {
  readonly model_name?: unknown;
  readonly model_version?: unknown;
  readonly id?: unknown;
  readonly outputs?: unknown;
}

function decode({ body, headers }: BufferedResponse): InferResult {
  const jsonBytes = parseHeaderLength(headers.get(HEADER_LENGTH), body.byteLength);
  if (jsonBytes === undefined && headers.get("content-type") === "application/octet-stream")
    throw new Error(
      `it is bytes without the header ${HEADER_LENGTH} (in a browser, the server must expose it by access-control-expose-headers)`,
    );
  const json = readJson(body.subarray(0, jsonBytes));
  const { model_name, model_version, id, outputs } = json;
  if (typeof model_name !== "string" || !Array.isArray(outputs))
    throw new Error("it has no model_name and outputs");
  return toResult(
    {
      modelName: model_name,
      modelVersion: typeof model_version === "string" ? model_version : undefined,
      id: typeof id === "string" ? id : undefined,
    },
    readOutputs(outputs, body.subarray(jsonBytes ?? body.byteLength)),
  );
}

function parseHeaderLength(text: string | null, bodyBytes: number): number | undefined {
  if (text === null) return undefined;
  const length = Number(text);
  if (/^[0-9]{1,15}$/.test(text) && length <= bodyBytes) return length;
  throw new Error(
    `the header ${HEADER_LENGTH} is ${JSON.stringify(text)}, but the body has ${bodyBytes} bytes`,
  );
}

function readJson(bytes: Uint8Array): ResponseJson {
  let value: unknown;
  try {
    value = parseExactJson(DECODER.decode(bytes));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : "it is not UTF-8";
    throw new Error(`its JSON of ${bytes.byteLength} bytes is invalid: ${why}`, { cause });
  }
  if (typeof value === "object" && value !== null) return value;
  throw new Error("it is not an object");
}

function readOutputs(outputs: readonly OutputJson[], binary: Uint8Array): OutputTensor[] {
  let offset = 0;
  const tensors = outputs.map((output) => {
    const sizeBytes = output?.parameters?.binary_data_size;
    if (sizeBytes === undefined) return toOutputTensor(output ?? {}, undefined);
    const left = binary.byteLength - offset;
    if (!isSize(sizeBytes) || sizeBytes > left)
      throw new Error(
        `output "${output.name}" has ${sizeBytes} bytes, but ${left} are left after the JSON`,
      );
    offset += sizeBytes;
    return toOutputTensor(output, binary.subarray(offset - sizeBytes, offset));
  });
  if (offset === binary.byteLength) return tensors;
  throw new Error(`${binary.byteLength - offset} bytes after the JSON belong to no output`);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function toResult(
  head: Pick<InferResult, "modelName" | "modelVersion" | "id">,
  outputs: readonly OutputTensor[],
): InferResult {
  return {
    ...head,
    outputs,
    output<D extends Datatype>(name: string, datatype?: D): OutputTensor<D> {
      const found = outputs.find((output) => output.name === name);
      if (found && (datatype === undefined || found.datatype === datatype))
        return found as OutputTensor<D>;
      const known = outputs.map((output) => `"${output.name}" (${output.datatype})`).join(", ");
      throw new OnnxflareError(
        "unknown_output",
        `The response has no output "${name}"${datatype ? ` of ${datatype}` : ""}: it has ${known}.`,
      );
    },
  };
}
