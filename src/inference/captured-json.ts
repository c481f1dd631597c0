import type { Call } from "../domain/call.ts";
import { modelDigest } from "../domain/manifest.ts";
import { Media } from "../domain/media.ts";
import { encodeBase64 } from "../shared/base64.ts";
import type { Capture } from "./captures.ts";

const SCHEMA_VERSION = 1;
/** Text is made of bytes in pieces, because a call has a limited number of arguments. */
const PIECE_BYTES = 12_288;

export interface CapturedCall {
  readonly call: Call;
  readonly principal: string;
  readonly capturedAt: number;
  readonly expiresAt: number;
}

/** The JSON of a capture; docs/privacy.md describes it. */
export function toCapturedJson(
  { model, inputs, outputs, isPartial }: Capture,
  { call, principal, capturedAt, expiresAt }: CapturedCall,
): string {
  const document = {
    schemaVersion: SCHEMA_VERSION,
    requestId: call.id,
    model: model.name,
    version: model.version,
    digest: modelDigest(model.manifest),
    principal,
    subject: call.subject,
    capturedAt: new Date(capturedAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    inputs,
    outputs,
    ...(isPartial && { isPartial }),
  };
  return JSON.stringify(document, toJsonValue);
}

/** Values that JSON does not have: numbers that are not finite as texts, bytes in base64, arrays of numbers as lists. */
function toJsonValue(_key: string, value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return String(value);
  if (value instanceof Media) return { mediaType: value.type, base64: toBase64(value.bytes) };
  if (value instanceof Uint8Array) return Array.from(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<number>);
  return value;
}

function toBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES)
    pieces.push(encodeBase64(bytes.subarray(start, start + PIECE_BYTES)));
  return pieces.join("");
}
