import { ApiError } from "../../domain/errors.ts";
import { MAX_RANK } from "../../domain/shape.ts";
import { describe } from "../../domain/tensor-json.ts";

/** Bytes in TensorFlow Serving's JSON: `{"b64": "..."}`. Tensors of BYTES hold UTF-8 text. */

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/** Whether an object has the form of bytes. */
export function isBase64Value(value: object): value is { readonly b64: unknown } {
  return "b64" in value && Object.keys(value).length === 1;
}

/** Replaces bytes in nested arrays by their text. */
export function decodeBase64Texts(input: string, value: unknown, depth = 0): unknown {
  if (Array.isArray(value) && depth <= MAX_RANK)
    return value.map((inner) => decodeBase64Texts(input, inner, depth + 1));
  if (typeof value !== "object" || value === null || !isBase64Value(value)) return value;
  const text = typeof value.b64 === "string" ? decode(value.b64) : undefined;
  if (text !== undefined) return text;
  throw new ApiError(
    "invalid_datatype",
    `Input "${input}": b64 must be UTF-8 text in Base64, because ONNX strings hold nothing else; got ${describe(value.b64)}.`,
    { details: { input, datatype: "BYTES" } },
  );
}

function decode(base64: string): string | undefined {
  try {
    const letters = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
    return DECODER.decode(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

export function toBase64Value(text: string): { b64: string } {
  let letters = "";
  for (const byte of ENCODER.encode(text)) letters += String.fromCharCode(byte);
  return { b64: btoa(letters) };
}
