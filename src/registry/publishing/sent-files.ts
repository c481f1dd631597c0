import { formatRanges } from "../../domain/byte-ranges.ts";
import { ApiError } from "../../domain/errors.ts";
import { formatModelId, type ModelId } from "../../domain/model-id.ts";
import { publicationFolderOf } from "../../domain/publication-folder.ts";
import { isComplete, missingOf, type Upload } from "../../domain/upload.ts";
import type { UploadStore } from "../../domain/upload-store.ts";
import { failureOf } from "../../shared/pump-bytes.ts";
import { quote, quoteAll } from "../../shared/quote.ts";
import { REPR_DIGEST } from "./check-digest.ts";

/** The file that is meant where several were sent under one path. */
export interface FilePin {
  readonly path: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** A file of configuration: a tokenizer with the largest vocabulary that is supported takes less. */
const MAX_CONFIGURATION_BYTES = 16_777_216;

/** The files that were sent for a version, as one publication uses them. */
export class SentFiles {
  readonly id: ModelId;
  readonly #uploads: UploadStore;
  readonly #all: readonly Upload[];
  readonly #pins: ReadonlyMap<string, string>;

  private constructor(
    uploads: UploadStore,
    id: ModelId,
    all: readonly Upload[],
    pins: readonly FilePin[],
  ) {
    this.#uploads = uploads;
    this.id = id;
    this.#all = all;
    this.#pins = new Map(pins.map(({ path, sha256 }) => [path, sha256]));
  }

  /** @throws ApiError `storage_failed` */
  static async list(
    uploads: UploadStore,
    id: ModelId,
    pins: readonly FilePin[] = [],
  ): Promise<SentFiles> {
    return new SentFiles(uploads, id, await uploads.list(id), pins);
  }

  /** The paths of what was sent, without what earlier dry runs have left. */
  get paths(): readonly string[] {
    const sent = this.#all.filter(({ path }) => publicationFolderOf(path) === undefined);
    return [...new Set(sent.map(({ path }) => path))];
  }

  /** The SHA-256 that the file of this path must have, as far as the request says it. */
  pinOf(path: string): string | undefined {
    return this.#pins.get(path);
  }

  /**
   * The file of a path: that of the digest that is asked for, else the one that was sent last.
   * @returns `undefined` where none was sent
   * @throws ApiError `upload_incomplete`
   */
  find(path: string, sha256 = this.#pins.get(path)): Upload | undefined {
    const ofPath = this.#all.filter((upload) => upload.path === path);
    // The digest of a file that was sent as a whole is computed when it is read.
    const candidates = ofPath.filter(
      (upload) => sha256 === undefined || upload.sha256 === undefined || upload.sha256 === sha256,
    );
    const complete = candidates
      .filter(isComplete)
      .sort((a, b) => rank(b, sha256) - rank(a, sha256));
    const [found] = complete;
    const [begun] = candidates.filter((upload) => !isComplete(upload));
    // Without a digest, a file that is still being sent may be the one that is meant.
    if (begun && (!found || sha256 === undefined)) throw incomplete(this.id, begun);
    return found;
  }

  /** @throws ApiError `invalid_model` where none was sent, `upload_incomplete` */
  require(path: string, sha256?: string): Upload {
    const found = this.find(path, sha256);
    if (found) return found;
    const others = this.paths;
    throw new ApiError(
      "invalid_model",
      `${formatModelId(this.id)} cannot be published: the file ${quote(path)} has not been sent${
        sha256 && others.includes(path) ? ` with the SHA-256 ${sha256}` : ""
      }. Send it with PUT ${filesRoute(this.id)}/${encodeURI(path)}${
        others.length > 0 ? `; sent: ${quoteAll(others)}` : ""
      }.`,
      { details: { file: path, sent: others } },
    );
  }

  open(upload: Upload, offset?: number): ReadableStream<Uint8Array> {
    return this.#uploads.open(this.id, upload, offset);
  }

  /**
   * The bytes of a file of configuration.
   * @throws ApiError `body_too_large`
   */
  async read(path: string): Promise<Uint8Array | undefined> {
    const upload = this.find(path);
    if (!upload) return undefined;
    if (upload.sizeBytes > MAX_CONFIGURATION_BYTES)
      throw new ApiError(
        "body_too_large",
        `The uploaded file ${quote(path)} is ${upload.sizeBytes} bytes, and a file of configuration may have ${MAX_CONFIGURATION_BYTES} bytes.`,
        { details: { limitBytes: MAX_CONFIGURATION_BYTES } },
      );
    const body = this.open(upload);
    return new Response(body).bytes().catch((error: unknown) => {
      throw failureOf(body) ?? error;
    });
  }

  /**
   * Deletes a sent file that has another digest than its sender said, if the error is about one: which part is wrong is not known, and a client that resumes would send
   * none of them again.
   */
  async deleteMismatch(error: unknown): Promise<void> {
    if (!(error instanceof ApiError) || error.code !== "digest_mismatch") return;
    const { file, source, expected } = error.details ?? {};
    if (source !== REPR_DIGEST) return;
    const wrong = this.#all.filter(({ path, sha256 }) => path === file && sha256 === expected);
    await this.#uploads.delete(this.id, wrong);
  }

  /** Deletes all that was sent, and what dry runs have left. */
  async deleteAll(): Promise<void> {
    await this.#uploads.delete(this.id, this.#all);
  }
}

/** One whose digest is known to be right comes first, then the latest. */
function rank({ sha256, writtenAt }: Upload, asked: string | undefined): number {
  return writtenAt + (asked !== undefined && sha256 === asked ? Number.MAX_SAFE_INTEGER / 2 : 0);
}

export function filesRoute({ name, version }: ModelId): string {
  return `/admin/models/${name}/versions/${version}/files`;
}

function incomplete(id: ModelId, upload: Upload): ApiError {
  const { path, sizeBytes, sha256 } = upload;
  const missing = missingOf(upload);
  return new ApiError(
    "upload_incomplete",
    `${formatModelId(id)} cannot be published: of the ${sizeBytes} bytes of ${quote(path)}, ${
      missing.length > 0 ? `the bytes ${formatRanges(missing)} are missing` : "parts overlap"
    }. Send them with PUT ${filesRoute(id)}/${encodeURI(path)}, or delete what was sent with DELETE ${filesRoute(id)}.`,
    { details: { file: path, sha256, missing } },
  );
}
