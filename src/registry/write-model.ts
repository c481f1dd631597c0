import type { CandidateModel } from "../domain/model-host.ts";
import type { ModelId } from "../domain/model-id.ts";
import type { ModelWriter } from "../domain/ports.ts";
import type { ModelAdaptation } from "../onnx/adapt-model.ts";
import { toHex } from "../shared/hex.ts";
import { ModelReader } from "./model-reader.ts";

/** A model file that has been written to storage. */
export interface WrittenModel extends CandidateModel {
  /**
   * What was read of it on the way; `undefined` for a file in ORT format.
   * @throws OnnxError
   */
  adaptation(): ModelAdaptation | undefined;
}

/**
 * Streams a model file to storage under a new name, and computes its digest, detects its format and reads its graph on the
 * way.
 * @param body exactly `sizeBytes` long
 */
export async function writeModel(
  writer: ModelWriter,
  id: ModelId,
  body: ReadableStream<Uint8Array>,
  sizeBytes: number,
): Promise<WrittenModel> {
  // A unique name, so that concurrent publications of one version cannot mix their files.
  const path = `model-${crypto.randomUUID().slice(0, 8)}.bin`;
  const digestStream = new crypto.DigestStream("SHA-256");
  digestStream.digest.catch(() => undefined);
  const digestWriter = digestStream.getWriter();
  const reader = new ModelReader(sizeBytes);
  const observed = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      async transform(chunk, controller) {
        reader.write(chunk);
        await digestWriter.write(chunk);
        controller.enqueue(chunk);
      },
      flush: () => digestWriter.close(),
    }),
  );
  try {
    await writer.putFile(id, path, observed, sizeBytes);
  } catch (error) {
    await writer.deleteFile(id, path).catch(() => undefined);
    throw error;
  }
  const sha256 = toHex(new Uint8Array(await digestStream.digest));
  const { format } = reader;
  return { id, path, sizeBytes, sha256, format, adaptation: () => reader.finish() };
}
