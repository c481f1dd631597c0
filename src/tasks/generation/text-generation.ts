import * as z from "zod";
import { checkTokenLimit } from "../../domain/access/request-limits.ts";
import {
  type GeneratedText,
  type TextGenerationBlock,
  textGenerationBlock,
} from "../../domain/blocks/postprocess/text-generation.ts";
import { type PromptBlock, promptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import type { Call } from "../../domain/call.ts";
import { Conversation } from "../../domain/conversation.ts";
import { ApiError } from "../../domain/errors.ts";
import { NOTHING_GENERATED, withCached } from "../../domain/generation-progress.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { TokenIds } from "../../domain/token-ids.ts";
import { parseParameters } from "../parameters.ts";
import { type Item, splitList } from "../preprocessor.ts";
import { splitInputs } from "../split-inputs.ts";
import type { ModelSet, Task } from "../task.ts";
import { parseJsonFile } from "../text/json-file.ts";
import { specialTokens } from "../text/special-tokens.ts";
import { checkTextCount } from "../text/text-item.ts";
import { createTokenDecoder } from "../text/token-decoder.ts";
import { createTokenizer } from "../text/tokenizer.ts";
import { runSteps, type Steps } from "../text/word-model.ts";
import { createTextBeginner } from "./begin-text.ts";
import type { RenderChat } from "./chat-template.ts";
import { type CompiledGrammar, createConstraints } from "./constraint/constraints.ts";
import { detailParameter } from "./detail-parameters.ts";
import { type GeneratedStep, generate } from "./generate.ts";
import { HuggingFaceText } from "./hugging-face-text.ts";
import { leasedParts } from "./leased-parts.ts";
import { checkRoom, encodePrompt, maxNewTokens, type Prompt, promptOfIds } from "./prompt.ts";
import { PromptTokens } from "./prompt-tokens.ts";
import { drawSeed } from "./sampling/draw-seed.ts";
import { createSampler } from "./sampling/sampler.ts";
import {
  checkTokenIds,
  type SamplingOptions,
  toSamplingOptions,
} from "./sampling/sampling-options.ts";
import { StopStrings } from "./sampling/stop-strings.ts";
import { toParts } from "./streamed-text.ts";

const PARAMETERS = z.strictObject({
  ...promptBlock.parameters.shape,
  ...textGenerationBlock.parameters.shape,
});
type Parameters = z.output<typeof PARAMETERS>;

/** A template writes all special tokens of the prompt itself. */
const AS_RENDERED = { addSpecialTokens: false, bosTokenId: undefined };

const INPUTS = {
  mediaTypes: promptBlock.mediaTypes,
  split: (inputs: unknown) => splitList(inputs, checkTextCount),
};

interface StartedText {
  readonly steps: AsyncIterableIterator<GeneratedStep, undefined>;
  readonly result: HuggingFaceText;
  readonly cachedTokens: number;
}

/** What a version's files contain. */
export interface GenerationFiles {
  readonly tokenizerJson: Uint8Array;
  /** Of models that answer conversations. */
  readonly renderChat: RenderChat | undefined;
}

/** Continues texts by a model that generates token by token. */
export function createTextGenerationTask(
  manifest: Manifest,
  block: PromptBlock,
  defaults: TextGenerationBlock,
  { tokenizerJson, renderChat }: GenerationFiles,
): Task {
  const beginner = createTextBeginner(manifest, block, defaults);
  const tokenizer = createTokenizer(tokenizerJson);
  const specials = specialTokens(tokenizerJson);
  const createText = createTokenDecoder(parseJsonFile(tokenizerJson, "tokenizer"), {
    skipSpecialTokens: true,
  });
  const constraints = createConstraints(
    () => parseJsonFile(tokenizerJson, "tokenizer"),
    defaults.eosTokenIds,
  );

  const isSpecial = (id: number): boolean => specials.has(id);
  const textOf = (ids: readonly number[]): string => {
    const text = createText();
    return ids.map((id) => text.push(id)).join("") + text.end();
  };
  const tokenText = (id: number): string => textOf([id]);

  const describeToken = (id: number, logprob: number) => {
    const special = specials.get(id);
    return { id, text: special ?? tokenText(id), logprob, special: special !== undefined };
  };

  /** The tokens of a text or of a conversation, or those that a client sends. */
  function* toPrompt({ value, path }: Item, truncate: number | undefined): Steps<Prompt> {
    if (value instanceof TokenIds) {
      checkRoom(value.ids.length, path, defaults.context);
      return promptOfIds(value, path, tokenizer, textOf);
    }
    if (value instanceof Conversation) {
      if (!renderChat) throw new Error("a conversation for a model without a chat template");
      const chat = { value: renderChat(value, path), path };
      return yield* encodePrompt(tokenizer, AS_RENDERED, chat, { truncate, isSpecial });
    }
    return yield* encodePrompt(tokenizer, block, { value, path }, { truncate, isSpecial });
  }

  /** What continues a prompt: its first token has no place at the beginning of a text. */
  const createContinuation = ({ ids }: Prompt) => {
    const text = createText();
    const last = ids.findLast((id) => !isSpecial(id));
    if (tokenizer.writing !== "bytes" && last !== undefined) text.push(last);
    return text;
  };

  /** Everything is checked, and nothing has run yet. */
  const prepare = (
    prompt: Prompt,
    parameters: Parameters,
    sampling: SamplingOptions,
    grammar: CompiledGrammar | undefined,
  ) => {
    const most = maxNewTokens(prompt, defaults, parameters.max_new_tokens);
    if (parameters.min_new_tokens !== undefined && parameters.min_new_tokens > most)
      throw new ApiError(
        "invalid_request",
        `"min_new_tokens" is ${parameters.min_new_tokens}, and ${most} tokens are generated at most.`,
      );
    grammar?.check(most);
    const seed = sampling.doSample ? (sampling.seed ?? drawSeed()) : undefined;
    const { decoder_input_details: hasScores, top_n_tokens: topTokens = 0 } = parameters;
    const prefill =
      hasScores || parameters.prompt_details
        ? new PromptTokens(prompt, createText(), { topTokens, describe: describeToken })
        : undefined;
    const form = {
      parameters,
      prompt: prompt.text,
      promptTokens: prompt.ids.length,
      prefill,
      seed,
      specialToken: (id: number) => specials.get(id),
      tokenText,
    };
    return {
      request: { ids: prompt.ids, newTokens: most, readsEach: hasScores },
      plan: () => {
        const constraint = grammar?.constrain(most);
        const masks = constraint ? [constraint.mask] : [];
        return {
          prompt: prompt.ids,
          maxNewTokens: most,
          eosTokenIds: new Set(defaults.eosTokenIds),
          sampler: createSampler({ ...sampling, seed }, undefined, masks),
          stops: new StopStrings(parameters.stop ?? []),
          text: createContinuation(prompt),
          constraint,
          scores: hasScores ? prefill : undefined,
        };
      },
      result: (cachedTokens: number) => new HuggingFaceText({ ...form, cachedTokens }),
    };
  };

  /** Of all texts of a request. */
  const toSampling = (parameters: Parameters): SamplingOptions => {
    const sampling = toSamplingOptions(parameters, defaults);
    const { vocabularySize } = beginner;
    if (vocabularySize !== undefined) checkTokenIds(sampling, vocabularySize);
    return sampling;
  };

  async function compile(
    grammar: Parameters["grammar"],
    { trace, deadline, checkpoint }: Call,
  ): Promise<CompiledGrammar | undefined> {
    if (!grammar) return undefined;
    const expiresAt = Date.now() + deadline.remainingMs;
    return trace.measureAsync("preprocess", () =>
      runSteps(constraints.compile(grammar, expiresAt), checkpoint),
    );
  }

  /**
   * The tokens of a text, with a lease of its own, and where its result is written.
   * @param held what is disposed with the lease
   */
  async function start(
    { request, plan, result }: ReturnType<typeof prepare>,
    models: ModelSet,
    call: Call,
    held = new DisposableStack(),
  ): Promise<StartedText> {
    try {
      const text = await beginner.begin(models, request, call);
      held.use(text);
      const { cachedTokens } = text;
      call.trace.generation = withCached(call.trace.generation, cachedTokens);
      const steps = leasedParts(held, () => generate(text, plan(), call));
      return { steps, result: result(cachedTokens), cachedTokens };
    } catch (error) {
      held.dispose();
      throw error;
    }
  }

  return {
    parameters: PARAMETERS,
    async execute(request, models, call) {
      const { trace, checkpoint } = call;
      const parameters = parseParameters(PARAMETERS, request.parameters);
      const { items, form } = await splitInputs(INPUTS, request.inputs, parameters, call);
      if (!request.stream && !parameters.details) refuseDetails(parameters);
      if (request.stream && form === "list")
        throw new ApiError(
          "invalid_request",
          '"stream" is true, and "inputs" is a list: a stream continues one text.',
        );
      const prompts: Prompt[] = [];
      for (const item of items) {
        const steps = toPrompt(item, parameters.truncate);
        prompts.push(await trace.measureAsync("preprocess", () => runSteps(steps, checkpoint)));
        await checkpoint();
      }
      const held = new DisposableStack();
      try {
        const grammar = await compile(parameters.grammar, call);
        if (grammar) held.use(grammar);
        const sampling = toSampling(parameters);
        const texts: ReturnType<typeof prepare>[] = [];
        for (const prompt of prompts) {
          texts.push(prepare(prompt, parameters, sampling, grammar));
          await checkpoint();
        }
        const inputTokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
        const newTokens = texts.reduce((sum, text) => sum + text.request.newTokens, 0);
        checkTokenLimit(call.limits, newTokens);
        const most = { inputTokens, outputTokens: newTokens };
        if (request.checkOnly) return { kind: "value", value: null, form, usage: most };
        await call.meter?.reserve(inputTokens + newTokens);
        trace.generation = { ...NOTHING_GENERATED, inputTokens };
        const [first] = texts;
        if (request.stream && first) {
          const { steps, result } = await start(first, models, call, held.move());
          return { kind: "stream", parts: toParts(steps, result) };
        }
        const results: GeneratedText[][] = [];
        let outputTokens = 0;
        let cachedTokens = 0;
        for (const text of texts) {
          // A text of a single token has no pause of its own.
          if (results.length > 0) await call.pause();
          const { steps, result, cachedTokens: ofText } = await start(text, models, call);
          for await (const step of steps) result.add(step);
          results.push([result.toResult()]);
          outputTokens += result.generatedTokens;
          cachedTokens += ofText;
        }
        const value = form === "one" ? results[0] : results;
        return { kind: "value", value, form, usage: { inputTokens, outputTokens, cachedTokens } };
      } finally {
        held.dispose();
      }
    },
  };
}

/** @throws ApiError `invalid_request` for a parameter of details that are not returned */
function refuseDetails(parameters: Parameters): void {
  const name = detailParameter(parameters);
  if (name === undefined) return;
  throw new ApiError(
    "invalid_request",
    `"${name}" has an effect only with "details": true, or with "stream": true.`,
    { details: { field: name } },
  );
}
