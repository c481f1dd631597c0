import { checkTokenLimit } from "../../domain/access/request-limits.ts";
import { ENCODER } from "../../domain/blocks/encoder-name.ts";
import type {
  ResultField,
  TextToTextBlock,
  TextToTextParameters,
} from "../../domain/blocks/postprocess/text-to-text.ts";
import {
  type SourceTextBlock,
  sourceTextBlock,
} from "../../domain/blocks/preprocess/source-text.ts";
import type { Call } from "../../domain/call.ts";
import type { NumericDatatype } from "../../domain/datatype.ts";
import { ApiError } from "../../domain/errors.ts";
import { NOTHING_GENERATED } from "../../domain/generation-progress.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { memberModel } from "../../domain/member-models.ts";
import type { NumericTensor } from "../../domain/tensor.ts";
import { splitList } from "../preprocessor.ts";
import { splitInputs } from "../split-inputs.ts";
import type { ModelSet, Task } from "../task.ts";
import { parseJsonFile } from "../text/json-file.ts";
import { specialTokens } from "../text/special-tokens.ts";
import { checkTextCount } from "../text/text-item.ts";
import { createTokenDecoder } from "../text/token-decoder.ts";
import { createTokenizer } from "../text/tokenizer.ts";
import { runSteps } from "../text/word-model.ts";
import { cleanUpSpaces } from "./clean-up-spaces.ts";
import { createEncoderDecoder } from "./encoder-decoder.ts";
import { createForcedTokens } from "./forced-tokens.ts";
import { HuggingFaceText } from "./hugging-face-text.ts";
import { leasedParts } from "./leased-parts.ts";
import { drawSeed } from "./sampling/draw-seed.ts";
import { checkTokenIds } from "./sampling/sampling-options.ts";
import { encodeSource, targetToken } from "./source-tokens.ts";
import { toParts } from "./streamed-text.ts";
import {
  parseTextToTextParameters,
  type TaskParameters,
  TEXT_TO_TEXT_PARAMETERS,
  toTextToTextOptions,
} from "./text-to-text-options.ts";
import { toIntegerBytes } from "./token-feeds.ts";
import { type WritingPlan, writeTexts } from "./write-texts.ts";

const INPUTS = {
  mediaTypes: sourceTextBlock.mediaTypes,
  split: (inputs: unknown) => splitList(inputs, checkTextCount),
};

/**
 * Writes texts about texts, by an encoder and a decoder.
 * @param field of a result that has the text
 */
export function createTextToTextTask(
  manifest: Manifest,
  block: SourceTextBlock,
  defaults: TextToTextBlock,
  field: ResultField,
  tokenizerJson: Uint8Array,
): Task {
  const engine = createEncoderDecoder(manifest, defaults.decoder);
  const encoderInputs = memberModel(manifest, ENCODER).inputs;
  const tokenizer = createTokenizer(tokenizerJson);
  const createText = createTokenDecoder(parseJsonFile(tokenizerJson, "tokenizer"), {
    skipSpecialTokens: true,
  });
  const specials = specialTokens(tokenizerJson);
  const tokenText = (id: number): string => {
    const text = createText();
    return text.push(id) + text.end();
  };

  const toInputs = (ids: readonly number[]): NumericTensor[] =>
    Object.entries(block.inputs).flatMap(([kind, name]) => {
      if (name === undefined) return [];
      const datatype = encoderInputs.find((spec) => spec.name === name)
        ?.datatype as NumericDatatype;
      const values = kind === "ids" ? ids : ids.map(() => 1);
      return [{ name, datatype, shape: [1, ids.length], data: toIntegerBytes(datatype, values) }];
    });

  /** Everything is checked, and nothing has run yet. */
  const prepare = (parameters: TaskParameters): WritingPlan => {
    const options = toTextToTextOptions(parameters, defaults);
    if (engine.vocabularySize !== undefined) checkTokenIds(options.sampling, engine.vocabularySize);
    const { sampling, maxNewTokens } = options;
    const seed = sampling.doSample ? (sampling.seed ?? drawSeed()) : undefined;
    return {
      options: { ...options, sampling: { ...sampling, seed } },
      prompt: defaults.startTokenIds,
      eosTokenIds: new Set(defaults.eosTokenIds),
      forced: createForcedTokens({
        first: targetToken(block, parameters) ?? defaults.forcedBosTokenId,
        last: defaults.forcedEosTokenId,
        maxNewTokens,
      }),
      stop: parameters.stop ?? [],
      createText,
    };
  };

  /** What is written about a text, with a lease of its own. */
  async function start(ids: readonly number[], plan: WritingPlan, models: ModelSet, call: Call) {
    const { maxNewTokens, numBeams } = plan.options;
    const tokens = plan.prompt.length + maxNewTokens;
    const input = await engine.encode(models, toInputs(ids), call);
    await call.pause();
    const lease = await models.lease(engine.reservedBytes(tokens, input, numBeams));
    return leasedParts(lease, () => writeTexts(engine.attach(lease, input), plan, call));
  }

  return {
    parameters: TEXT_TO_TEXT_PARAMETERS,
    async execute(request, models, call) {
      const { trace, checkpoint } = call;
      const parameters = parseTextToTextParameters(request.parameters);
      const { items, form } = await splitInputs(INPUTS, request.inputs, parameters, call);
      const plan = prepare(parameters);
      refuseWithoutEffect(parameters, request.stream === true, form === "list");
      const sources: (readonly number[])[] = [];
      for (const item of items) {
        const steps = encodeSource(tokenizer, block, item, parameters);
        sources.push(await trace.measureAsync("preprocess", () => runSteps(steps, checkpoint)));
        await checkpoint();
      }
      const inputTokens = sources.reduce((sum, ids) => sum + ids.length, 0);
      const newTokens = sources.length * plan.options.texts * plan.options.maxNewTokens;
      checkTokenLimit(call.limits, newTokens);
      await call.meter?.reserve(inputTokens + newTokens);
      trace.generation = { ...NOTHING_GENERATED, inputTokens };
      const createResult = (ids: readonly number[]) =>
        new HuggingFaceText({
          parameters: { ...parameters, return_full_text: false },
          prompt: "",
          promptTokens: ids.length,
          seed: plan.options.sampling.seed,
          specialToken: (id) => specials.get(id),
          tokenText,
        });
      const [first] = sources;
      if (request.stream && first)
        return {
          kind: "stream",
          parts: toParts(await start(first, plan, models, call), createResult(first)),
        };
      const results: object[] = [];
      let outputTokens = 0;
      for (const ids of sources) {
        let result = createResult(ids);
        for await (const step of await start(ids, plan, models, call)) {
          result.add(step);
          if (!step.finishReason) continue;
          const { generated_text: text, ...others } = result.toResult();
          const written = parameters.clean_up_tokenization_spaces ? cleanUpSpaces(text) : text;
          results.push({ [field]: written, ...others });
          outputTokens += result.generatedTokens;
          result = createResult(ids);
        }
      }
      return { kind: "value", value: results, form, usage: { inputTokens, outputTokens } };
    },
  };
}

/** @throws ApiError `invalid_request` */
function refuseWithoutEffect(
  parameters: TextToTextParameters,
  isStreamed: boolean,
  isList: boolean,
): void {
  const { details, top_n_tokens: top, clean_up_tokenization_spaces: cleansUp } = parameters;
  const refuse = (message: string): never => {
    throw new ApiError("invalid_request", message);
  };
  if (!isStreamed && !details && top)
    refuse('"top_n_tokens" has an effect only with "details": true, or with "stream": true.');
  if (!isStreamed) return;
  if (isList) refuse('"stream" is true, and "inputs" is a list: a stream has one text.');
  if (cleansUp)
    refuse('"clean_up_tokenization_spaces" changes a whole text: leave it out, or "stream".');
  if ((parameters.num_return_sequences ?? 1) > 1)
    refuse('"num_return_sequences" is above 1, and a stream has one text.');
}
