import type { Call } from "../../domain/call.ts";
import { NOTHING_GENERATED, withToken } from "../../domain/generation-progress.ts";
import { type BeamCandidate, BeamCandidates } from "./beam-candidates.ts";
import type { EncodedText } from "./encoder-decoder.ts";
import type { LogitsProcessor } from "./sampling/logits-processor.ts";

/** What is to be searched for: parameters of transformers' GenerationConfig. */
export interface BeamPlan {
  readonly prompt: readonly number[];
  readonly maxNewTokens: number;
  readonly eosTokenIds: ReadonlySet<number>;
  readonly numBeams: number;
  readonly lengthPenalty: number;
  readonly earlyStopping: EarlyStopping;
  /** Applied to the logarithms of the probabilities of each text's next token. */
  readonly processors: readonly LogitsProcessor[];
}

export type EarlyStopping = boolean | "never";

/** A text that was found. */
export interface FoundText {
  readonly tokens: readonly number[];
  /** For each token the natural logarithm of its probability, as the processors have changed it. */
  readonly logprobs: readonly number[];
}

interface Beam extends FoundText {
  readonly score: number;
}

interface Hypothesis extends Beam {
  readonly isFinished: boolean;
}

/** Stands for impossible, as in transformers, whose sums with it are those of FP32. */
const IMPOSSIBLE = -1e9;

/**
 * The most probable texts, best first: as transformers 5 searches for them (`GenerationMixin._beam_search`). Between two runs it
 * yields to other calls.
 * @param first a text that has read all tokens of the prompt
 * @param logits of the token that follows it
 * @returns as many texts as there are beams
 * @throws ApiError what runs throw; `invalid_request` when the processors leave no token
 */
export async function searchBeams(
  first: EncodedText,
  logits: Float32Array,
  plan: BeamPlan,
  call: Call,
): Promise<readonly FoundText[]> {
  const { numBeams, maxNewTokens, eosTokenIds, earlyStopping } = plan;
  const { trace } = call;
  const startOf = (score: number): Beam => ({ tokens: [], logprobs: [], score });
  // All but the first are impossible, so that they do not begin with the same token.
  let beams = Array.from({ length: numBeams }, (_, index) => startOf(index === 0 ? 0 : IMPOSSIBLE));
  let found: readonly Hypothesis[] = beams.map(() => ({
    ...startOf(IMPOSSIBLE),
    isFinished: false,
  }));
  let mayImprove = true;
  let texts: readonly EncodedText[] = [first];
  // More than one for each beam: those that end a text do not continue it.
  const next = new BeamCandidates(Math.max(2, 1 + eosTokenIds.size) * numBeams, plan.processors);
  /** A token of one text at a time: the logits of all would be much memory, and their work a long step. */
  const addCandidates = (beam: number, row: Float32Array): void => {
    const { tokens: generated, score } = beams[beam] as Beam;
    trace.measure("postprocess", () =>
      next.add(beam, row, { prompt: plan.prompt, generated }, score),
    );
  };
  for (const index of beams.keys()) {
    // Another one matters only where the first has too few tokens.
    if (next.isFull) break;
    addCandidates(index, logits);
    await call.pause();
  }
  for (let length = 1; ; length++) {
    const step = trace.measure("postprocess", () => {
      const candidates = next.take();
      const isEnd = candidates.map(
        ({ token }) => eosTokenIds.has(token) || length === maxNewTokens,
      );
      const running = continueBest(candidates, isEnd, numBeams);
      const ended = toHypotheses(candidates, isEnd, beams, found, mayImprove, length, plan);
      found = takeBest([...found, ...ended], numBeams);
      beams = running.map((candidate) => extend(beams, candidate));
      mayImprove &&= canImprove(beams, found, length, plan);
      const isFull = found.every(({ isFinished }) => isFinished) && earlyStopping === true;
      return { running, isOver: !mayImprove || isFull || isEnd.every((end) => end) };
    });
    const progress = trace.generation ?? NOTHING_GENERATED;
    trace.generation = withToken(progress, trace.elapsedMs, undefined);
    if (step.isOver) return found;
    texts = follow(
      texts,
      step.running.map(({ beam }) => (length === 1 ? 0 : beam)),
    );
    for (const [index, text] of texts.entries()) {
      await call.pause();
      const token = step.running[index]?.token as number;
      addCandidates(
        index,
        trace.measure("infer", () => text.next([token])),
      );
    }
  }
}

/** The best candidates that do not end their texts. */
function continueBest(
  candidates: readonly BeamCandidate[],
  isEnd: readonly boolean[],
  numBeams: number,
): readonly BeamCandidate[] {
  const scored = candidates.map((candidate, index) => ({
    ...candidate,
    score: Math.fround(candidate.score + (isEnd[index] ? IMPOSSIBLE : 0)),
  }));
  return takeBest(scored, numBeams);
}

/** The candidates as whole texts: only those that end among the best, and that may still be better than what was found. */
function toHypotheses(
  candidates: readonly BeamCandidate[],
  isEnd: readonly boolean[],
  beams: readonly Beam[],
  found: readonly Hypothesis[],
  mayImprove: boolean,
  length: number,
  { numBeams, earlyStopping, lengthPenalty }: BeamPlan,
): Hypothesis[] {
  const isFull = earlyStopping === true && found.every(({ isFinished }) => isFinished);
  return candidates.map((candidate, index) => {
    const isFinished = isEnd[index] === true && index < numBeams;
    let score = normalize(candidate.score, length, lengthPenalty);
    for (const isRefused of [isFull, !mayImprove, !isFinished])
      if (isRefused) score = Math.fround(score + IMPOSSIBLE);
    return { ...extend(beams, candidate), score, isFinished };
  });
}

/** Whether the best running text may become better than the worst that was found. */
function canImprove(
  [best]: readonly Beam[],
  found: readonly Hypothesis[],
  length: number,
  { earlyStopping, lengthPenalty, maxNewTokens }: BeamPlan,
): boolean {
  const isLongest = earlyStopping === "never" && lengthPenalty > 0;
  const possible = normalize(
    best?.score ?? IMPOSSIBLE,
    isLongest ? maxNewTokens : length,
    lengthPenalty,
  );
  const worst = Math.min(...found.map(({ score }) => score));
  return found.some(({ isFinished }) => possible > (isFinished ? worst : IMPOSSIBLE));
}

function normalize(score: number, length: number, lengthPenalty: number): number {
  return Math.fround(score / Math.fround(length ** lengthPenalty));
}

function extend(beams: readonly Beam[], { beam, token, logprob, score }: BeamCandidate): Beam {
  const { tokens = [], logprobs = [] } = beams[beam] ?? {};
  return { tokens: [...tokens, token], logprobs: [...logprobs, logprob], score };
}

/** The first of equal ones, as a stable sort has them. */
function takeBest<T extends { readonly score: number }>(all: readonly T[], count: number): T[] {
  return all.toSorted((a, b) => b.score - a.score).slice(0, count);
}

/**
 * The texts that continue those of `parents`.
 * @param parents indices of texts; those of others are released
 */
function follow(texts: readonly EncodedText[], parents: readonly number[]): EncodedText[] {
  for (const [index, text] of texts.entries()) if (!parents.includes(index)) text.dispose();
  return parents.map((parent, index) => {
    const text = texts[parent];
    if (!text) throw new Error(`no text ${parent}`);
    // The last one that continues it takes it: what the others need of it is forked before.
    return parents.lastIndexOf(parent) === index ? text : text.fork();
  });
}
