import type {
  GeneratedText,
  GeneratedToken,
  PromptToken,
} from "../../domain/blocks/postprocess/text-generation.ts";
import { TokenIds } from "../../domain/token-ids.ts";
import type { ExplainedVersion } from "../explained-version.ts";

/** What a model has written, and to what. */
export interface WrittenAnswer {
  /** As the tokenizer reads the prompt, those in front of it included. */
  readonly prompt: readonly PromptToken[];
  readonly tokens: readonly GeneratedToken[];
  readonly text: string;
}

/** Of the task: the model's own probabilities, and its most probable tokens. */
const GREEDY = { details: true, do_sample: false, return_full_text: false, raw_logprobs: true };

/**
 * Writes what the model says to a prompt.
 * @param context of the model: prompt and answer are read once more, followed by a token
 */
export async function writeAnswer(
  version: ExplainedVersion,
  inputs: unknown,
  maxNewTokens: number,
  context: number,
): Promise<WrittenAnswer> {
  const parameters = { ...GREEDY, prompt_details: true, max_new_tokens: maxNewTokens };
  const { generated_text, details } = await generate(version, inputs, parameters);
  const { prefill = [], tokens = [] } = details ?? {};
  const room = Math.max(1, context - prefill.length - 1);
  return { prompt: prefill, tokens: tokens.slice(0, room), text: generated_text };
}

/**
 * How probable an answer is after a prompt.
 * @returns the natural logarithm of the probability of each of its tokens, given those before it
 */
export async function scoreAnswer(
  version: ExplainedVersion,
  prompt: readonly number[],
  answer: readonly number[],
): Promise<number[]> {
  const parameters = { ...GREEDY, decoder_input_details: true, max_new_tokens: 1 };
  const { details } = await generate(version, new TokenIds([...prompt, ...answer]), parameters);
  const read = (details?.prefill ?? []).slice(prompt.length);
  return read.map(({ logprob }) => logprob ?? 0);
}

async function generate(
  version: ExplainedVersion,
  inputs: unknown,
  parameters: Readonly<Record<string, unknown>>,
): Promise<GeneratedText> {
  const result = await version.execute({ inputs, parameters }, 1);
  const [text] = result.kind === "value" ? (result.value as readonly GeneratedText[]) : [];
  if (!text) throw new Error("the task has generated no text");
  return text;
}
