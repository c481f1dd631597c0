import type { Call } from "../../domain/call.ts";
import type { TokenDecoder } from "../text/token-decoder.ts";
import { type FoundText, searchBeams } from "./beam-search.ts";
import type { AttachedDecoder } from "./encoder-decoder.ts";
import { type GeneratedStep, generate } from "./generate.ts";
import { KNOWN_TEXT, replay } from "./replayed-text.ts";
import type { LogitsProcessor } from "./sampling/logits-processor.ts";
import { createLogitsProcessors } from "./sampling/logits-processors.ts";
import { createSampler } from "./sampling/sampler.ts";
import { StopStrings } from "./sampling/stop-strings.ts";
import type { TextToTextOptions } from "./text-to-text-options.ts";

/** What is to be written. */
export interface WritingPlan {
  readonly options: TextToTextOptions;
  /** The tokens that a text begins with. */
  readonly prompt: readonly number[];
  readonly eosTokenIds: ReadonlySet<number>;
  readonly forced: readonly LogitsProcessor[];
  readonly stop: readonly string[];
  createText(): TokenDecoder;
}

/**
 * The tokens of the texts, one text after the other. Those of beam search are known when it has ended.
 * @throws ApiError what `generate` throws
 */
export async function* writeTexts(
  decoder: AttachedDecoder,
  plan: WritingPlan,
  call: Call,
): AsyncGenerator<GeneratedStep, undefined> {
  const { prompt, eosTokenIds, forced } = plan;
  const { sampling, maxNewTokens, numBeams, texts } = plan.options;
  const toPlan = () => ({
    prompt,
    maxNewTokens,
    eosTokenIds,
    stops: new StopStrings(plan.stop),
    text: plan.createText(),
  });
  if (numBeams === 1) {
    const text = call.trace.measure("infer", () => decoder.begin(prompt.length + maxNewTokens), 0);
    const sampler = createSampler(sampling, undefined, forced);
    yield* generate(text, { ...toPlan(), sampler }, call);
    return;
  }
  const found = await search(decoder, plan, call);
  for (const text of found.slice(0, texts))
    yield* generate(KNOWN_TEXT, { ...toPlan(), sampler: replay(text) }, call);
}

async function search(
  decoder: AttachedDecoder,
  { prompt, eosTokenIds, forced, options }: WritingPlan,
  call: Call,
): Promise<readonly FoundText[]> {
  const { trace } = call;
  const { sampling, maxNewTokens } = options;
  const before = trace.generation;
  const text = decoder.begin(prompt.length + maxNewTokens);
  const logits = trace.measure("infer", () => text.next(prompt));
  const processors = [...createLogitsProcessors(sampling), ...forced];
  const plan = { ...options, prompt, eosTokenIds, processors };
  const found = await searchBeams(text, logits, plan, call);
  // The tokens that it looked at are counted when they are part of a result.
  trace.generation = before;
  return found;
}
