import { ModelAdaptation } from "../../src/onnx/adapt-model.ts";
import { applyEdits } from "../../src/onnx/edit.ts";
import type { Message } from "../../src/onnx/message.ts";
import { createOnnxScanner } from "../../src/onnx/onnx-outline.ts";

/** The bytes in pieces of one size. */
export function* inPieces(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes)
    yield bytes.subarray(at, at + pieceBytes);
}

/** @throws OnnxError */
export function scan(bytes: Uint8Array, pieceBytes = Infinity): Message {
  const scanner = createOnnxScanner(bytes.byteLength);
  for (const piece of inPieces(bytes, pieceBytes)) scanner.write(piece);
  return scanner.finish();
}

/** @throws OnnxError */
export function adapt(bytes: Uint8Array, pieceBytes = Infinity): ModelAdaptation {
  return new ModelAdaptation(scan(bytes, pieceBytes));
}

/**
 * The file as it would be stored, read in pieces.
 * @param files those with weights
 * @throws OnnxError
 */
export async function rewrite(
  bytes: Uint8Array,
  files: ReadonlyMap<string, Uint8Array> = new Map(),
  pieceBytes = Infinity,
): Promise<Buffer> {
  const sizes = new Map([...files].map(([path, { byteLength }]) => [path, byteLength]));
  const plan = adapt(bytes, pieceBytes).plan(sizes);
  async function* source(): AsyncGenerator<Uint8Array> {
    yield* inPieces(bytes, pieceBytes);
  }
  const pieces = applyEdits(source(), plan, async function* ({ path, offset, sizeBytes }) {
    const range = files.get(path)?.subarray(offset, offset + sizeBytes);
    if (range) yield* inPieces(range, pieceBytes);
  });
  const whole = Buffer.concat(await Array.fromAsync(pieces));
  if (whole.byteLength !== plan.sizeBytes)
    throw new Error(`${whole.byteLength} bytes instead of the planned ${plan.sizeBytes}`);
  return whole;
}
