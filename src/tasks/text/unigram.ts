import * as z from "zod";
import { STEP_SIZE, type WordModel } from "./word-model.ts";

export const unigramSchema = z.object({
  type: z.literal("Unigram"),
  unk_id: z.int().min(0).nullish(),
  vocab: z.array(z.tuple([z.string(), z.number()])),
  byte_fallback: z.literal(false).default(false),
});

/** How much less likely an unknown character is than the least likely piece. */
const UNKNOWN_PENALTY = 10;
/** More than there are code points. */
const POINTS = 0x110000;

/** Unigram as in Python's `tokenizers`: the most likely pieces; adjacent unknown characters are one token. */
export function createUnigram({ vocab, unk_id }: z.output<typeof unigramSchema>): WordModel {
  const ids = new Map(vocab.map(([piece], id) => [piece, id]));
  const lowest = vocab.reduce((min, [, score]) => Math.min(min, score), Number.POSITIVE_INFINITY);
  const unknownScore = lowest - UNKNOWN_PENALTY;
  const trie = createTrie(ids);

  return {
    ids,
    unknownId: unk_id ?? undefined,
    unknownToken: undefined,
    continuingPrefix: undefined,
    *tokensOf(word) {
      // By the code unit that a path ends at: its score, where its last piece begins, and whether that is unknown.
      const scores = new Float64Array(word.length + 1);
      const starts = new Int32Array(word.length + 1).fill(-1);
      const unknown = new Uint8Array(word.length + 1);
      const offer = (start: number, end: number, score: number, isUnknown: boolean): void => {
        if (starts[end] !== -1 && score <= (scores[end] ?? 0)) return;
        scores[end] = score;
        starts[end] = start;
        unknown[end] = isUnknown ? 1 : 0;
      };
      let work = 0;
      for (let start = 0; start < word.length; ) {
        const reached = scores[start] ?? 0;
        const next = start + widthAt(word, start);
        let isPiece = false;
        let node = 0;
        for (let end = start; end < word.length; ) {
          node = trie.child(node, word.codePointAt(end) ?? 0);
          if (node < 0) break;
          end += widthAt(word, end);
          work++;
          const id = trie.idAt(node);
          if (id < 0) continue;
          offer(start, end, reached + (vocab[id]?.[1] ?? 0), id === unk_id);
          isPiece ||= end === next;
        }
        if (!isPiece) offer(start, next, reached + unknownScore, true);
        start = next;
        if (++work < STEP_SIZE) continue;
        work = 0;
        yield;
      }
      return trace(word, starts, unknown);
    },
  };
}

function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

/** The pieces of the best path. */
function trace(word: string, starts: Int32Array, unknown: Uint8Array): string[] {
  const tokens: string[] = [];
  for (let end = word.length; end > 0; ) {
    let start = starts[end] ?? 0;
    if (unknown[end]) while (start > 0 && unknown[start]) start = starts[start] ?? 0;
    tokens.push(word.slice(start, end));
    end = start;
  }
  return tokens.reverse();
}

/** Nodes are numbers, the root is 0; in one map, because a map for each node takes ten times the memory. */
function createTrie(ids: ReadonlyMap<string, number>) {
  const children = new Map<number, number>();
  const idOfNode = [-1];
  for (const [piece, id] of ids) {
    let node = 0;
    for (const letter of piece) {
      const key = node * POINTS + (letter.codePointAt(0) ?? 0);
      let child = children.get(key);
      if (child === undefined) {
        child = idOfNode.push(-1) - 1;
        children.set(key, child);
      }
      node = child;
    }
    idOfNode[node] = id;
  }
  return {
    /** -1 when there is none. */
    child: (node: number, point: number): number => children.get(node * POINTS + point) ?? -1,
    /** -1 where no piece ends. */
    idAt: (node: number): number => idOfNode[node] ?? -1,
  };
}
