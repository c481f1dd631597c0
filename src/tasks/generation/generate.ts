import type { FinishReason } from "../../domain/blocks/postprocess/text-generation.ts";
import { type Call, yieldToEventLoop } from "../../domain/call.ts";
import { NOTHING_GENERATED, withToken } from "../../domain/generation-progress.ts";
import type { TokenDecoder } from "../text/token-decoder.ts";
import { runSteps } from "../text/word-model.ts";
import type { Constraint } from "./constraint/constraint.ts";
import type { DecodedText } from "./decoder.ts";
import { prefillLengths } from "./prefill.ts";
import type { Sampled, Sampler } from "./sampling/sampler.ts";
import type { StopStrings } from "./sampling/stop-strings.ts";

/**
 * Turns of the event loop that a text waits for others: a turn takes a fifth of a millisecond, and a run for two texts takes less by
 * milliseconds than two runs.
 */
const MAX_TURNS = 4;

/** What is to be generated. */
export interface GenerationPlan {
  readonly prompt: readonly number[];
  readonly maxNewTokens: number;
  readonly eosTokenIds: ReadonlySet<number>;
  readonly sampler: Sampler;
  readonly stops: StopStrings;
  readonly text: TokenDecoder;
  /** What the text is held to; its mask is one of the sampler's processors. */
  readonly constraint?: Constraint | undefined;
  /** Takes the logits of each token of the prompt but the first one, which are then computed one by one. */
  readonly scores?: PromptScores | undefined;
}

export interface PromptScores {
  /** @param logits of the token at this place in the prompt, valid until it returns */
  add(place: number, logits: Float32Array): void;
}

/** One token, and what it adds to the text. */
export interface GeneratedStep {
  readonly sampled: Sampled;
  /** Whole characters: empty while the rest of one is missing. It ends with a stop string that was found. */
  readonly text: string;
  /** Of the last token. */
  readonly finishReason: FinishReason | undefined;
}

/**
 * Generates the tokens that follow a prompt. Between two runs it yields to other calls.
 * @param text that was begun, and has no tokens yet
 * @throws ApiError `deadline_exceeded` and `client_closed_request` at the next token, and what runs throw
 */
export async function* generate(
  text: DecodedText,
  plan: GenerationPlan,
  call: Call,
): AsyncGenerator<GeneratedStep, undefined> {
  const { trace } = call;
  const { prompt, maxNewTokens } = plan;
  const generated: number[] = [];
  const writer = new TextWriter(plan);
  let logits = plan.scores
    ? await score(text, prompt, plan.scores, call)
    : await prefill(text, prompt.slice(text.cachedTokens), call);
  trace.measure("infer", () => text.promptRead?.(), 0);
  for (;;) {
    if (plan.constraint) await prepareMask(plan.constraint, call);
    const step = trace.measure("postprocess", () => {
      const sampled = plan.sampler.next(logits, { prompt, generated });
      generated.push(sampled.token);
      const isComplete = plan.constraint?.accept(sampled.token) ?? false;
      return writer.add(sampled, isComplete, generated.length === maxNewTokens);
    });
    const progress = trace.generation ?? NOTHING_GENERATED;
    trace.generation = withToken(progress, trace.elapsedMs, step.finishReason);
    yield step;
    if (step.finishReason) return;
    text.together?.announce(step.sampled.token);
    await call.pause();
    await gather(text);
    logits = trace.measure("infer", () => text.next([step.sampled.token]));
  }
}

/** Waits for texts that share the next run, as long as they are likely to be ready in a moment. */
async function gather({ together }: DecodedText): Promise<void> {
  for (let turn = 0; turn < MAX_TURNS && together?.expectsOthers; turn++) await yieldToEventLoop();
}

/** Without a pause between two steps, the time of others would be that of the longest schema. */
function prepareMask(constraint: Constraint, { trace, checkpoint }: Call): Promise<void> {
  return trace.measureAsync("postprocess", () => runSteps(constraint.prepare(), checkpoint));
}

/** Reads the rest of the prompt in runs between which other calls run. */
async function prefill(
  text: DecodedText,
  prompt: readonly number[],
  call: Call,
): Promise<Float32Array> {
  const { trace } = call;
  const lengths = prefillLengths(prompt.length, text.laterRunTokens);
  let start = 0;
  for (const length of lengths.slice(0, -1)) {
    trace.measure("infer", () => text.read(prompt.slice(start, start + length)));
    start += length;
    await call.pause();
  }
  return trace.measure("infer", () => text.next(prompt.slice(start)));
}

/** Reads the prompt token by token: models compute the logits of the last one of a run, and some only those. */
async function score(
  text: DecodedText,
  prompt: readonly number[],
  scores: PromptScores,
  call: Call,
): Promise<Float32Array> {
  const { trace } = call;
  for (let place = 1; place < prompt.length; place++) {
    const logits = trace.measure("infer", () => text.next(prompt.slice(place - 1, place)));
    trace.measure("postprocess", () => scores.add(place, logits));
    await call.pause();
  }
  return trace.measure("infer", () => text.next(prompt.slice(-1)));
}

/** Writes the text of the tokens, to its end. */
class TextWriter {
  readonly #plan: GenerationPlan;
  /** What has been written until now, of which the end may be the beginning of a stop string. */
  #writtenLength = 0;
  /** What cannot be part of a stop string. */
  #releasedLength = 0;

  constructor(plan: GenerationPlan) {
    this.#plan = plan;
  }

  add(sampled: Sampled, isComplete: boolean, isLast: boolean): GeneratedStep {
    const { text: decoder, stops, eosTokenIds, constraint } = this.#plan;
    const isEnd = isComplete || eosTokenIds.has(sampled.token);
    let text = decoder.push(sampled.token);
    if (isEnd || isLast) text += decoder.end();
    const { text: released, stopped, stop = "" } = stops.push(text);
    this.#releasedLength += released.length;
    if (stopped) {
      const end = this.#releasedLength + stop.length;
      const rest = text.slice(0, Math.max(0, end - this.#writtenLength));
      return { sampled, text: rest, finishReason: "stop_sequence" };
    }
    this.#writtenLength += text.length;
    // A text that its tokens did not suffice for is complete as well, but another one than with more.
    const ending = constraint?.isShortened ? "length" : "eos_token";
    return { sampled, text, finishReason: isEnd ? ending : isLast ? "length" : undefined };
  }
}
