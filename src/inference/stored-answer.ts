import type { GenerationProgress } from "../domain/generation-progress.ts";
import type { TaskPart } from "../domain/task.ts";

/** An answer in an entry of the cache. */
export interface StoredAnswer {
  readonly parts: readonly TaskPart[];
  /**
   * As it was computed, without times, because no token of a stored text is generated, and without tokens kept of other requests. Absent for
   * a task that counts no tokens.
   */
  readonly generation?: GenerationProgress | undefined;
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** @param parts as other requests get them */
export function toStoredAnswer(
  parts: readonly TaskPart[],
  generation: GenerationProgress | undefined,
): StoredAnswer {
  return {
    parts,
    generation: generation && {
      ...generation,
      cachedTokens: 0,
      firstTokenMs: undefined,
      lastTokenMs: undefined,
    },
  };
}

export function encodeAnswer(answer: StoredAnswer): Uint8Array {
  return ENCODER.encode(JSON.stringify(answer));
}

/** @param bytes of {@link encodeAnswer}: entries have a checksum */
export function decodeAnswer(bytes: Uint8Array): StoredAnswer {
  return JSON.parse(DECODER.decode(bytes));
}
