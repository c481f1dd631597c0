import { ApiError } from "../../domain/errors.ts";
import type { CandidateModel } from "../../domain/model-host.ts";
import type { ModelAdaptation } from "../../onnx/adapt-model.ts";
import { toHex } from "../../shared/hex.ts";
import { failureOf, pumpBytes } from "../../shared/pump-bytes.ts";
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
  const put = (hashed: ReadableStream<Uint8Array>): Promise<void> =>
    publication.putFile(path, hashed, sizeBytes);
  return storeHashed(body, put, observe);
}

/**
 * Stores a stream, and computes its SHA-256 on the way.
 * @param store reads the stream to its end
 * @returns the digest in hexadecimal
 * @throws ApiError of the stream itself, such as `body_timeout`; what `store` throws
 */
export async function storeHashed(
  body: ReadableStream<Uint8Array>,
  store: (hashed: ReadableStream<Uint8Array>) => Promise<void>,
  observe: (chunk: Uint8Array) => void = () => undefined,
): Promise<string> {
  const digestStream = new crypto.DigestStream("SHA-256");
  digestStream.digest.catch(() => undefined);
  const digestWriter = digestStream.getWriter();
  const hashed = pumpBytes(body, {
    async observe(chunk) {
      observe(chunk);
      await digestWriter.write(chunk);
    },
    finish: () => digestWriter.close(),
  });
  try {
    await store(hashed);
  } catch (error) {
    const failure = failureOf(hashed);
    throw failure instanceof ApiError ? failure : error;
  }
  return toHex(new Uint8Array(await digestStream.digest));
}
