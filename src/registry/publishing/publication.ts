import { ApiError } from "../../domain/errors.ts";
import { formatModelId, type ModelId } from "../../domain/model-id.ts";
import type { ModelWriter } from "../../domain/ports.ts";
import { createPublicationFolder } from "../../domain/publication-folder.ts";
import { PUBLICATION_LIMIT_MS } from "../publication-limits.ts";

/** One attempt to publish a version, with a folder that no other one has. Whatever it has written is deleted, unless it is published. */
export class Publication {
  readonly id: ModelId;
  readonly folder: string;
  readonly #writer: Pick<ModelWriter, "putFile" | "deleteFile">;
  readonly #startedAt = Date.now();
  /** The paths of files that were written, or whose writing failed in an unknown way. */
  readonly #written = new Set<string>();
  #isAbandoned = false;

  constructor(
    writer: Pick<ModelWriter, "putFile" | "deleteFile">,
    id: ModelId,
    folder: string = createPublicationFolder(),
  ) {
    this.#writer = writer;
    this.id = id;
    this.folder = folder;
  }

  /** The path of a file in the folder of the publication. */
  place(name: string): string {
    return `${this.folder}/${name}`;
  }

  async putFile(path: string, body: ReadableStream<Uint8Array>, sizeBytes: number): Promise<void> {
    this.#written.add(path);
    await this.#writer.putFile(this.id, path, body, sizeBytes);
  }

  async deleteFile(path: string): Promise<void> {
    await this.#writer.deleteFile(this.id, path);
    this.#written.delete(path);
  }

  /** @throws ApiError `storage_failed` for a publication whose files may be deleted soon as left over */
  checkTime(): void {
    const elapsedMs = Date.now() - this.#startedAt;
    if (elapsedMs <= PUBLICATION_LIMIT_MS) return;
    throw new ApiError(
      "storage_failed",
      `${formatModelId(this.id)} was not published: it took ${Math.round(elapsedMs / 1000)} s, and the limit is ${PUBLICATION_LIMIT_MS / 1000} s. Try again.`,
    );
  }

  /** What was written stays, but for files that are not listed. */
  keep(paths: Iterable<string>): void {
    for (const path of paths) this.#written.delete(path);
  }

  /** Nothing is deleted any more: whether the files are published is not known. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /**
   * Deletes what was written and is not kept. What cannot be deleted has no effect, and is left to gc.
   * @returns whether all was deleted
   */
  async discard(): Promise<boolean> {
    if (this.#isAbandoned) return false;
    await Promise.allSettled([...this.#written].map((path) => this.deleteFile(path)));
    return this.#written.size === 0;
  }
}
