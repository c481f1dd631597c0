import type { Message } from "./message.ts";
import { encodeVarint } from "./wire-format.ts";

/** Bytes of another file. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

export type Piece = Uint8Array | FileRange;

/** Bytes of a message that are replaced; nothing is replaced where `start` is `end`. */
export interface Edit {
  /** The message whose length changes. */
  readonly message: Message;
  readonly start: number;
  readonly end: number;
  readonly pieces: readonly Piece[];
}

/** How a file is changed: from first to last, and not overlapping. */
export interface EditPlan {
  readonly edits: readonly Pick<Edit, "start" | "end" | "pieces">[];
  /** The size of the changed file. */
  readonly sizeBytes: number;
}

/** Adds the lengths of the messages around the edits, which change as well. */
export function planEdits(edits: readonly Edit[]): EditPlan {
  const growth = new Map<Message, number>();
  const grow = (message: Message, bytes: number): void => {
    growth.set(message, (growth.get(message) ?? 0) + bytes);
    if (message.parent && !growth.has(message.parent)) grow(message.parent, 0);
  };
  for (const { message, start, end, pieces } of edits)
    grow(message, pieces.reduce((sum, piece) => sum + pieceSize(piece), 0) - (end - start));
  const all: Pick<Edit, "start" | "end" | "pieces">[] = [...edits];
  let sizeBytes = 0;
  const innermostFirst = [...growth.keys()].sort((a, b) => b.depth - a.depth);
  for (const message of innermostFirst) {
    const length = message.end - message.start + (growth.get(message) ?? 0);
    const { parent, lengthStart: start, start: end } = message;
    if (!parent) {
      sizeBytes = length;
      continue;
    }
    const prefix = encodeVarint(length);
    all.push({ start, end, pieces: [prefix] });
    grow(parent, (growth.get(message) ?? 0) + prefix.byteLength - (end - start));
  }
  return { edits: all.sort((a, b) => a.start - b.start || a.end - b.end), sizeBytes };
}

/**
 * The changed file, in pieces. What is not edited is passed on without a copy.
 * @param readRange reads bytes of another file
 */
export async function* applyEdits(
  file: AsyncIterable<Uint8Array>,
  { edits }: EditPlan,
  readRange: (range: FileRange) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let position = 0;
  let next = 0;
  /** Where the last edit ends, before which nothing is passed on. */
  let resumeAt = 0;
  async function* insert(upTo: number): AsyncGenerator<Uint8Array> {
    for (let edit = edits[next]; edit && edit.start <= upTo; edit = edits[next]) {
      next++;
      resumeAt = edit.end;
      for (const piece of edit.pieces)
        if (piece instanceof Uint8Array) yield piece;
        else yield* readRange(piece);
    }
  }
  for await (const chunk of file) {
    const end = position + chunk.byteLength;
    while (position < end) {
      yield* insert(position);
      position = Math.max(position, Math.min(resumeAt, end));
      const upTo = Math.min(end, edits[next]?.start ?? end);
      if (position < upTo)
        yield chunk.subarray(chunk.byteLength - (end - position), chunk.byteLength - (end - upTo));
      position = Math.max(position, upTo);
    }
  }
  yield* insert(position);
}

function pieceSize(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.byteLength : piece.sizeBytes;
}
