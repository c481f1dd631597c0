import type { CandidateModel } from "../../domain/model-host.ts";
import type { ModelAdaptation } from "../../onnx/adapt-model.ts";
import { toHex } from "../../shared/hex.ts";
import { pumpBytes } from "../../shared/pump-bytes.ts";
import { ModelReader } from "../model-reader.ts";
import type { Publication } from "./publication.ts";

/** A model file that has been written to storage. */
export interface WrittenModel extends CandidateModel {
  /**
   * What was read of it on the way; `undefined` for a file in ORT format.
   * @throws OnnxError
   */
  adaptation(): ModelAdaptation | undefined;
}

/**
 * Streams a model file to storage, and computes its digest, detects its format and reads its graph on the way.
 * @param path in the folder of the publication
 * @param body exactly `sizeBytes` long
 */
export async function writeModel(
  publication: Publication,
  path: string,
  body: ReadableStream<Uint8Array>,
  sizeBytes: number,
): Promise<WrittenModel> {
  const reader = new ModelReader(sizeBytes);
  const sha256 = await writeHashed(publication, path, body, sizeBytes, (chunk) =>
    reader.write(chunk),
  );
  const { id } = publication;
  const { format } = reader;
  return { id, path, sizeBytes, sha256, format, adaptation: () => reader.finish() };
}

/**
 * Streams a file to storage.
 * @param observe is called with each chunk
 * @returns its SHA-256 in hexadecimal
 */
export async function writeHashed(
  publication: Publication,
  path: string,
  body: ReadableStream<Uint8Array>,
  sizeBytes: number,
  observe: (chunk: Uint8Array) => void = () => undefined,
): Promise<string> {
  const { hashed, digest } = hashStream(body, observe);
  await publication.putFile(path, hashed, sizeBytes);
  return digest;
}

/** The same stream, whose SHA-256 is computed on the way. */
export function hashStream(
  body: ReadableStream<Uint8Array>,
  observe: (chunk: Uint8Array) => void = () => undefined,
): { hashed: ReadableStream<Uint8Array>; digest: Promise<string> } {
  const digestStream = new crypto.DigestStream("SHA-256");
  const digest = digestStream.digest.then((bytes) => toHex(new Uint8Array(bytes)));
  digest.catch(() => undefined);
  const digestWriter = digestStream.getWriter();
  const hashed = pumpBytes(body, {
    async observe(chunk) {
      observe(chunk);
      await digestWriter.write(chunk);
    },
    finish: () => digestWriter.close(),
  });
  return { hashed, digest };
}
