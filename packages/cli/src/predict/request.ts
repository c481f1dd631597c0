import { usageError } from "../cli-error.ts";
import { formatReference, type Reference } from "../parse-arguments.ts";
import type { ServerRequest } from "../server/server-client.ts";
import type { Input } from "./read-input.ts";
import { parseJson } from "./read-input.ts";

export interface PredictionOptions {
  /** JSON. */
  readonly parameters?: string | undefined;
  readonly stream?: boolean | undefined;
  /** A value of the header by which a sticky split chooses. */
  readonly stickyKey?: string | undefined;
}

/** The request of a prediction: of the task API, or, for tensors, of the Open Inference Protocol. */
export function toPrediction(
  reference: Reference,
  input: Input,
  { parameters, stream, stickyKey }: PredictionOptions,
): ServerRequest {
  // Neither a model's name nor an alias has a character that must be encoded.
  const name = formatReference(reference);
  const headers = { ...(stickyKey !== undefined && { "x-sticky-key": stickyKey }) };
  const checked = parameters === undefined ? undefined : parseParameters(parameters);
  if (input.kind === "file")
    return {
      method: "POST",
      path: `/models/${name}`,
      query: { ...toQuery(checked), stream: stream ? true : undefined },
      headers: { ...headers, "content-type": input.type },
      body: Buffer.from(input.bytes),
    };
  const json = { ...headers, "content-type": "application/json" };
  if (isTensorRequest(input.value)) {
    if (stream || checked)
      throw usageError("--stream and --parameters are for tasks, not for tensors");
    return { method: "POST", path: `/v2/models/${name}/infer`, headers: json, body: input.text };
  }
  return {
    method: "POST",
    path: `/models/${name}`,
    headers: json,
    body: toBody(input, parameters, stream),
  };
}

/** `{"inputs": [{"name", "shape", "datatype", "data"}]}`: the Open Inference Protocol's request. */
function isTensorRequest(value: unknown): boolean {
  const { inputs } = Object(value) as { inputs?: unknown };
  const isTensor = (entry: unknown): boolean =>
    typeof entry === "object" && entry !== null && "datatype" in entry && "shape" in entry;
  return Array.isArray(inputs) && inputs.length > 0 && inputs.every(isTensor);
}

/** JSON with `inputs` is the request; any other is its `inputs`. */
function toBody(
  { text, value }: Input & { kind: "json" },
  parameters: string | undefined,
  stream: boolean | undefined,
): string {
  const isWhole = typeof value === "object" && value !== null && "inputs" in value;
  if (isWhole && parameters === undefined && !stream) return text;
  const whole = isWhole ? (value as Record<string, unknown>) : {};
  if (isWhole && parameters !== undefined && "parameters" in whole)
    throw usageError("the input has parameters, and --parameters gives others");
  const fields = isWhole ? text.trim().slice(1, -1).trim() : `"inputs": ${text}`;
  const more = [
    fields,
    ...(parameters === undefined ? [] : [`"parameters": ${parameters}`]),
    ...(stream ? [`"stream": true`] : []),
  ];
  return `{${more.filter((part) => part !== "").join(", ")}}`;
}

function parseParameters(text: string): Record<string, unknown> {
  const value = parseJson(text, "--parameters");
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw usageError(`--parameters must be a JSON object, such as '{"top_k": 3}'`);
}

function toQuery(parameters: Record<string, unknown> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}
