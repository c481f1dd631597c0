import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { ByteRange } from "../../../../src/domain/byte-ranges.ts";
import type { ModelId } from "../../../../src/domain/model-id.ts";
import type { CommandContext } from "../context.ts";
import { createProgress, type Progress } from "../format/progress.ts";
import { formatSize } from "../format/size.ts";
import { pathOf } from "../server/server-client.ts";
import { missingParts } from "./missing-parts.ts";
import type { SourceFile } from "./source-files.ts";

/** One request each: short enough to be repeated after an interruption, and large enough that a model has few. */
const PART_BYTES = 8_388_608;
/** Of parts in flight; each holds one buffer of the file. */
const CONCURRENCY = 3;

export interface HashedFile extends SourceFile {
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface UploadSummary {
  readonly totalBytes: number;
  /** Bytes that an earlier run had sent. */
  readonly resumedBytes: number;
}

interface StoredUpload {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256?: string;
  /** First and last byte of each range. */
  readonly received: readonly (readonly [number, number])[];
  readonly complete: boolean;
}

interface Part extends ByteRange {
  readonly file: HashedFile;
}

export function versionPath({ name, version }: ModelId, ...more: readonly string[]): string {
  return pathOf("admin", "models", name, "versions", version, ...more);
}

/**
 * Sends the files of a version that the server does not have, in parts, each of which names the digest of its whole file: files of two writers never mix, and what an
 * interrupted run has sent is not sent again.
 */
export async function uploadFiles(
  context: CommandContext,
  id: ModelId,
  files: readonly HashedFile[],
): Promise<UploadSummary> {
  const { output, signal } = context;
  const stored = await listUploads(context, id, files);
  const parts = files.flatMap((file) => missingOf(file, stored));
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const missingBytes = parts.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  const resumedBytes = totalBytes - missingBytes;
  if (resumedBytes > 0)
    output.note(
      `resuming: ${formatSize(resumedBytes)} of ${formatSize(totalBytes)} were sent before`,
    );
  const progress = createProgress("uploading", totalBytes, resumedBytes);
  try {
    const queue = parts.values();
    const failed = new AbortController();
    const send = async (): Promise<void> => {
      for (const part of queue) {
        if (signal.aborted || failed.signal.aborted) return;
        await sendPart(context, id, part, progress, failed.signal);
      }
    };
    const workers = Array.from({ length: CONCURRENCY }, () =>
      send().catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
    const results = await Promise.allSettled(workers);
    signal.throwIfAborted();
    for (const result of results) if (result.status === "rejected") throw failed.signal.reason;
  } finally {
    progress.end();
  }
  return { totalBytes, resumedBytes };
}

/** What has arrived of large files. A file of one part is sent again: that takes no longer than to ask. */
async function listUploads(
  { server }: CommandContext,
  id: ModelId,
  files: readonly HashedFile[],
): Promise<readonly StoredUpload[]> {
  if (files.every(({ sizeBytes }) => sizeBytes <= PART_BYTES)) return [];
  const path = versionPath(id, "files");
  return (await server.json<{ files: readonly StoredUpload[] }>({ path })).files;
}

function missingOf(file: HashedFile, stored: readonly StoredUpload[]): Part[] {
  const same = stored.find(({ path, sha256 }) => path === file.path && sha256 === file.sha256);
  if (same?.complete) return [];
  const received = (same?.received ?? []).map(([start, end]) => ({ start, end }));
  return missingParts(file.sizeBytes, received, PART_BYTES).map((range) => ({ ...range, file }));
}

async function sendPart(
  { server }: CommandContext,
  id: ModelId,
  { file, start, end }: Part,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  let sent = 0;
  const digest = Buffer.from(file.sha256, "hex").toString("base64");
  await server.send({
    method: "PUT",
    path: versionPath(id, "files", ...file.path.split("/")),
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(end - start + 1),
      "content-range": `bytes ${start}-${end}/${file.sizeBytes}`,
      "repr-digest": `sha-256=:${digest}:`,
    },
    body: () => {
      progress.advance(-sent);
      sent = 0;
      const counted = async function* (): AsyncGenerator<Uint8Array> {
        for await (const chunk of createReadStream(file.file, { start, end })) {
          sent += chunk.length;
          progress.advance(chunk.length);
          yield chunk;
        }
      };
      return Readable.toWeb(Readable.from(counted())) as unknown as ReadableStream;
    },
    signal,
  });
}
